//! What was seen and done: examination, tests, pictures, operations, care.

use super::super::super::Dice;
use super::super::super::case::Case;
use super::super::super::phrases as say;
use super::{denial, joined, sentence_case};

pub(in super::super) fn vitals(case: &Case) -> String {
    let v = &case.vitals;
    format!(
        "T {} C, HR {}, BP {}, RR {}, SpO2 {}%, weight {} kg",
        v.temperature, v.pulse, v.pressure, v.breaths, v.saturation, v.weight
    )
}

pub(in super::super) fn exam(case: &Case, dice: &mut Dice) -> Vec<String> {
    let general = if case.age < 16 {
        say::GENERAL_CHILD
    } else {
        say::GENERAL
    };
    let mut items = vec![format!("General: {}", dice.word(general))];
    let count = dice.between(3, 6);
    items.extend(
        dice.sample(say::NORMAL_EXAM, count)
            .iter()
            .map(|item| (*item).to_owned()),
    );
    items.extend(case.problem.exam.iter().map(|item| sentence_case(item)));
    items
}

pub(in super::super) fn tests(case: &Case, dice: &mut Dice) -> Vec<String> {
    let mut items: Vec<String> = case
        .problem
        .tests
        .iter()
        .map(|test| sentence_case(test))
        .collect();
    if dice.percent(60) {
        items.push(format!(
            "Na {}, K {}.{}, Cl {}, HCO3 {}, BUN {}, Cr {}.{}, glucose {}",
            dice.between(131, 145),
            dice.between(3, 4),
            dice.below(10),
            dice.between(96, 108),
            dice.between(19, 29),
            dice.between(8, 34),
            dice.between(0, 1),
            dice.between(5, 9),
            dice.between(78, 212)
        ));
    }
    if dice.percent(50) {
        items.push(format!(
            "WBC {}.{}, Hgb {}.{}, Plt {}",
            dice.between(4, 13),
            dice.below(10),
            dice.between(9, 15),
            dice.below(10),
            dice.between(120, 390)
        ));
    }
    items
}

pub(in super::super) fn imaging(study: &str, dice: &mut Dice) -> String {
    let table: &[&str] = match study.split([' ', ',']).next() {
        Some("CHEST") => &[
            "The heart size is normal.",
            "No pleural effusion or pneumothorax.",
            "Patchy opacity in the right lower lobe.",
            "Mild pulmonary vascular congestion.",
            "Osseous structures are intact.",
            "A 6 mm nodule projects over the left upper lobe.",
            "Degenerative changes of the thoracic spine.",
            "Lungs are hyperinflated, as seen with emphysema.",
            "No free air under the diaphragm.",
        ],
        Some("CT") if study.contains("HEAD") => &[
            "No acute intracranial hemorrhage.",
            "No mass effect or midline shift.",
            "Gray-white differentiation is preserved.",
            "Chronic small vessel ischemic disease.",
            "Ventricles are normal for age.",
            "Old lacunar infarct in the left basal ganglia.",
            "Mucosal thickening of the maxillary sinuses.",
            "Calvarium is intact without fracture.",
        ],
        Some("CT") => &[
            "Liver is diffusely low in attenuation, suggesting hepatic steatosis.",
            "Gallbladder without stones.",
            "No hydronephrosis.",
            "A 3 mm nonobstructing stone in the left kidney.",
            "Appendix is normal.",
            "Sigmoid diverticulosis without diverticulitis.",
            "No free fluid or free air.",
            "Aorta is normal in caliber.",
            "Simple cyst of the right kidney.",
            "Small fat-containing umbilical hernia.",
        ],
        Some("ULTRASOUND") => &[
            "Multiple mobile gallstones.",
            "Gallbladder wall is not thickened.",
            "No sonographic Murphy sign.",
            "Common bile duct measures 4 mm.",
            "Liver is echogenic, compatible with hepatic steatosis.",
            "Right kidney is normal.",
            "No ascites.",
            "Pancreas is obscured by bowel gas.",
        ],
        _ => &[
            "Alignment is maintained.",
            "Disc desiccation at L4-L5.",
            "Left paracentral disc protrusion at L5-S1.",
            "Mild lumbar spinal stenosis at L3-L4.",
            "No compression fracture.",
            "No abnormal marrow signal to suggest metastatic disease.",
            "Conus ends at L1.",
            "Facet arthropathy at several levels.",
        ],
    };
    let count = dice.between(4, 7);
    dice.sample(table, count).join(" ")
}

pub(in super::super) fn image_impression(study: &str, case: &Case, dice: &mut Dice) -> String {
    let first = imaging(study, dice);
    let first = first.split_inclusive(". ").next().unwrap_or(&first).trim();
    format!(
        "1. {first} 2. {} 3. {}",
        super::ruled_out(case, dice),
        super::possible(case, dice)
    )
}

pub(in super::super) fn operation(case: &Case) -> &'static str {
    match case.problem.short {
        "appendicitis" => "Laparoscopic appendectomy",
        "cholecystitis" => "Laparoscopic cholecystectomy",
        "right hip fracture" => "Right hip hemiarthroplasty",
        "distal radius fracture" => "Open reduction and internal fixation, left distal radius",
        "kidney stone" => "Ureteroscopy with laser lithotripsy and stent placement",
        _ => "Laparoscopic sigmoid resection",
    }
}

pub(in super::super) fn operation_steps(dice: &mut Dice) -> String {
    let begin = dice.word(&[
        "The patient was identified in the holding area and brought to the operating room.",
        "After informed consent the patient was taken to the operating room and placed supine.",
    ]);
    let middle = dice.sample(
        &[
            "Preoperative antibiotics were given within one hour of incision.",
            "A surgical time-out was performed.",
            "The field was prepped and draped in the usual fashion.",
            "The tissue was moderately inflamed.",
            "Hemostasis was achieved with cautery.",
            "The specimen was sent to pathology.",
            "There was no sign of perforation or abscess.",
            "The wound was irrigated with saline.",
            "Fluoroscopy confirmed position.",
            "No other abnormality was found.",
            "Dense adhesions from a previous operation were taken down sharply.",
        ],
        6,
    );
    let end = dice.word(&[
        "Skin was closed with absorbable suture.",
        "Counts were correct. The patient tolerated the procedure well.",
    ]);
    format!("{begin} {} {end}", middle.join(" "))
}

pub(in super::super) fn nurse_assessment(case: &Case, hour: u64, dice: &mut Dice) -> String {
    let count = dice.between(1, 3);
    let symptoms = dice.sample(case.problem.symptoms, count);
    format!(
        "{hour:02}{:02} Pt resting in bed, {}. Reports {}. {} Pain {}/10. Skin {}. IV {} patent.",
        dice.below(6) * 10,
        dice.word(&[
            "call light in reach",
            "side rails up x2",
            "family at bedside",
            "bed alarm on"
        ]),
        joined(&symptoms, "and"),
        denial(case, dice),
        dice.below(9),
        dice.word(&[
            "intact",
            "intact, heels floated",
            "with a stage 1 area on the sacrum",
            "warm and dry"
        ]),
        dice.word(&["L forearm 20g", "R AC 18g", "R hand 22g", "PICC"]),
    )
}

pub(in super::super) fn nurse_work(case: &Case, dice: &mut Dice) -> String {
    let work = dice.sample(
        &[
            "Turned every two hours.",
            "Ambulated to the bathroom with one assist.",
            "Medications given per MAR.",
            "Glucose checked before meals.",
            "Provider notified of vital signs.",
            "Incentive spirometer encouraged x10.",
            "Fall risk band applied.",
            "Ate half of lunch.",
            "Voided 300 mL clear yellow urine.",
            "Dressing changed, no drainage.",
        ],
        4,
    );
    format!(
        "{} Known {}. Will monitor.",
        work.join(" "),
        case.chronic
            .first()
            .map_or("no chronic conditions", |chronic| chronic.short)
    )
}

pub(in super::super) fn psychiatric_past(dice: &mut Dice) -> String {
    let said = dice.sample(
        &[
            "One prior hospitalization in 2019.",
            "No previous suicide attempts.",
            "History of postpartum depression.",
            "Past trials of fluoxetine (stopped for nausea) and bupropion.",
            "Followed by a therapist until last year.",
            "No history of psychosis.",
            "Remote cannabis use disorder, in sustained remission.",
            "History of an eating disorder in adolescence.",
        ],
        3,
    );
    said.join(" ")
}

pub(in super::super) fn mental_status(case: &Case, dice: &mut Dice) -> Vec<String> {
    let mut items: Vec<String> = case
        .problem
        .exam
        .iter()
        .map(|item| sentence_case(item))
        .collect();
    let more = dice.sample(
        &[
            "Casually dressed, good eye contact",
            "No auditory or visual hallucinations",
            "No delusions elicited",
            "Cognition grossly intact",
            "Judgment fair",
            "Normal rate and volume of speech",
            "Not responding to internal stimuli",
        ],
        4,
    );
    items.extend(more.into_iter().map(str::to_owned));
    items
}

pub(in super::super) fn therapy_findings(dice: &mut Dice) -> String {
    format!(
        "Timed Up and Go {} s. Sit to stand with {}. Gait {} m with {}. Balance {}. Range of motion limited by {} degrees.",
        dice.between(9, 38),
        dice.word(&["minimal assist", "contact guard", "supervision", "no help"]),
        dice.between(5, 90),
        dice.word(&[
            "a front-wheeled walker",
            "a single cane",
            "no device",
            "parallel bars"
        ]),
        dice.word(&["fair", "good", "poor without support"]),
        dice.between(5, 45),
    )
}

pub(in super::super) fn therapy_goals(dice: &mut Dice) -> Vec<String> {
    let goals = dice.sample(
        &[
            "Walk 100 m without a rest",
            "Climb one flight of stairs with a rail",
            "Independent with the home program",
            "Pain at most 3/10 with activity",
            "Return to gardening",
            "Single leg stance of 10 seconds",
            "No falls over the next month",
        ],
        3,
    );
    goals.into_iter().map(str::to_owned).collect()
}
