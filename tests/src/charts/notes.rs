//! Fourteen styles of notes about a case.

mod page;
mod parts;

use super::case::Case;
use super::{Dice, NoteKind};
use page::Page;
use parts::*;

/// Writes the note.
pub(super) fn write(kind: NoteKind, case: &Case, dice: &mut Dice) -> String {
    let mut page = Page::new(dice);
    match kind {
        NoteKind::Emergency => emergency(&mut page, case, dice),
        NoteKind::HistoryAndPhysical => admission(&mut page, case, dice),
        NoteKind::Discharge => discharge(&mut page, case, dice),
        NoteKind::Progress => progress(&mut page, case, dice),
        NoteKind::Clinic => clinic(&mut page, case, dice),
        NoteKind::Radiology => radiology(&mut page, case, dice),
        NoteKind::Operative => operative(&mut page, case, dice),
        NoteKind::Nursing => nursing(&mut page, case, dice),
        NoteKind::Telephone => telephone(&mut page, case, dice),
        NoteKind::Psychiatry => psychiatry(&mut page, case, dice),
        NoteKind::Paediatrics => paediatrics(&mut page, case, dice),
        NoteKind::Obstetrics => obstetrics(&mut page, case, dice),
        NoteKind::Consult => consult(&mut page, case, dice),
        NoteKind::Therapy => therapy(&mut page, case, dice),
    }
    page.finish()
}

fn emergency(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Emergency Department Note", case);
    page.section("Chief Complaint", &sentence_case(case.problem.complaint));
    page.section(
        dice.word(&["HPI", "History of Present Illness"]),
        &present_illness(case, dice),
    );
    if dice.percent(80) {
        page.list(
            dice.word(&["PMH", "Past Medical History"]),
            history_items(case, dice),
        );
    }
    if dice.percent(60) {
        page.section("Medications", &drugs(case).join("; "));
        page.section("Allergies", &allergy(dice));
    }
    if dice.percent(55) {
        page.section(dice.word(&["FH", "Family History"]), &family(case, dice));
    }
    if dice.percent(50) {
        page.section("Social History", &social(case, dice));
    }
    page.section("Vitals", &vitals(case));
    page.list(
        dice.word(&["Exam", "Physical Exam", "PE"]),
        exam(case, dice),
    );
    page.list("Results", tests(case, dice));
    page.section(
        dice.word(&["MDM", "ED Course", "Medical Decision Making"]),
        &reasoning(case, dice),
    );
    page.list(
        dice.word(&["Impression", "Diagnosis", "Final Diagnoses"]),
        diagnoses(case, dice, 2),
    );
    page.section("Disposition", &disposition(case, dice));
}

fn admission(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("History and Physical", case);
    page.section(
        "Reason for Admission",
        &sentence_case(case.problem.complaint),
    );
    page.section("History of Present Illness", &present_illness(case, dice));
    page.section("Review of Systems", &review(case, dice));
    page.list("Prior Records", records(case, dice));
    page.list("Past Medical History", history_items(case, dice));
    page.list("Past Surgical History", surgeries(case, dice));
    page.list("Home Medications", drugs(case));
    page.section("Allergies", &allergy(dice));
    page.section("Family History", &family(case, dice));
    page.section("Social History", &social(case, dice));
    page.section("Vital Signs", &vitals(case));
    page.list("Physical Examination", exam(case, dice));
    page.list("Data", tests(case, dice));
    page.section("Assessment", &summary(case, dice));
    page.list("Plan by Problem", plans_by_problem(case, dice));
    page.section(
        "Code Status",
        dice.word(&[
            "Full code",
            "DNR/DNI, discussed with patient",
            "Full code, confirmed",
        ]),
    );
}

fn discharge(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Discharge Summary", case);
    page.list("Discharge Diagnoses", diagnoses(case, dice, 5));
    page.section("Brief History", &present_illness(case, dice));
    page.section("Hospital Course", &course(case, dice));
    if dice.percent(60) {
        page.list("Course by Day", days(case, dice));
    }
    page.list("Pertinent Results", tests(case, dice));
    if dice.percent(50) {
        page.section("Family History", &family(case, dice));
    }
    page.list("Discharge Medications", drugs(case));
    page.section(
        "Condition at Discharge",
        dice.word(&["Stable", "Good", "Improved, ambulatory", "Fair"]),
    );
    page.section(
        "Instructions",
        &format!("{} {}", warning(case, dice), follow_up(case, dice)),
    );
}

fn progress(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title(&format!("Progress Note, hospital day {}", case.days), case);
    page.section(
        dice.word(&["S", "Subjective", "Interval History"]),
        &interval(case, dice),
    );
    page.section(dice.word(&["O", "Objective"]), &vitals(case));
    page.list("Exam", exam(case, dice));
    page.list("Labs/Imaging", tests(case, dice));
    page.section(dice.word(&["A", "Assessment"]), &summary(case, dice));
    page.list(dice.word(&["P", "Plan"]), plans_by_problem(case, dice));
}

fn clinic(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Office Visit", case);
    page.section(
        "Reason for Visit",
        &format!(
            "{} and follow-up of chronic problems",
            sentence_case(case.problem.complaint)
        ),
    );
    page.section("Subjective", &present_illness(case, dice));
    if dice.percent(50) {
        page.list("Since the Last Visit", records(case, dice));
    }
    page.list("Active Problems", history_items(case, dice));
    page.list("Current Outpatient Medications", drugs(case));
    page.section("Family Hx", &family(case, dice));
    page.section("Social Hx", &social(case, dice));
    page.section("ROS", &review(case, dice));
    page.section("Vitals", &vitals(case));
    page.list("Objective", exam(case, dice));
    page.list("Assessment and Plan", plans_by_problem(case, dice));
    page.section(
        "Follow-up",
        &format!("{} {}", follow_up(case, dice), warning(case, dice)),
    );
}

fn radiology(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Radiology Report", case);
    let study = dice.word(&[
        "CHEST, TWO VIEWS",
        "CT ABDOMEN AND PELVIS WITH CONTRAST",
        "CT HEAD WITHOUT CONTRAST",
        "ULTRASOUND, RIGHT UPPER QUADRANT",
        "MRI LUMBAR SPINE",
    ]);
    page.section("Examination", study);
    page.section(
        "Clinical Indication",
        &format!(
            "{}. {}",
            sentence_case(case.problem.complaint),
            possible(case, dice)
        ),
    );
    page.section(
        "Comparison",
        dice.word(&[
            "None.",
            "Prior study two years ago.",
            "Outside films not available.",
        ]),
    );
    page.section("Findings", &imaging(study, dice));
    page.section("Impression", &image_impression(study, case, dice));
}

fn operative(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Operative Report", case);
    page.section("Preoperative Diagnosis", &sentence_case(case.problem.name));
    page.section(
        "Postoperative Diagnosis",
        dice.word(&["Same", "Same, without perforation", "As above"]),
    );
    page.section("Procedure", operation(case));
    page.section(
        "Anesthesia",
        dice.word(&[
            "General endotracheal",
            "Spinal",
            "Regional block with sedation",
        ]),
    );
    page.section("Indications", &present_illness(case, dice));
    page.section("Description", &operation_steps(dice));
    page.section(
        "Estimated Blood Loss",
        &format!("{} mL", dice.between(1, 40) * 5),
    );
    page.section(
        "Complications",
        dice.word(&["None", "None apparent", "Minor serosal tear, repaired"]),
    );
    page.section(
        "Disposition",
        &format!("To recovery in stable condition. {}", warning(case, dice)),
    );
}

fn nursing(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Nursing Note", case);
    let hour = dice.between(7, 19);
    page.section("Assessment", &nurse_assessment(case, hour, dice));
    page.section("Vitals", &vitals(case));
    page.section("Interventions", &nurse_work(case, dice));
    page.section("Education", &warning(case, dice));
}

fn telephone(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Telephone Encounter", case);
    page.section(
        "Caller",
        dice.word(&[
            "Patient",
            "Daughter, with permission",
            "Spouse",
            "Home health nurse",
        ]),
    );
    page.section("Reason", &sentence_case(case.problem.complaint));
    page.section("Message", &present_illness(case, dice));
    page.section(
        "Advice",
        &format!("{} {}", warning(case, dice), follow_up(case, dice)),
    );
    if dice.percent(50) {
        page.section(
            "Provider response",
            &format!("{} {}", possible(case, dice), plan_line(case, dice)),
        );
    }
}

fn psychiatry(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Psychiatric Evaluation", case);
    page.section(
        "Identifying Data",
        &format!("{}-year-old {}.", case.age, case.who()),
    );
    page.section("History of Present Illness", &present_illness(case, dice));
    page.section("Past Psychiatric History", &psychiatric_past(dice));
    page.list("Collateral", records(case, dice));
    page.list("Medical History", history_items(case, dice));
    page.section("Family History", &family(case, dice));
    page.section("Social History", &social(case, dice));
    page.list("Mental Status Examination", mental_status(case, dice));
    page.section(
        "Risk",
        dice.word(&[
            "Denies suicidal ideation, plan or intent. No access to firearms.",
            "Passive thoughts of death without plan; contracts for safety.",
            "No homicidal ideation. Low acute risk.",
        ]),
    );
    page.list("Diagnostic Impression", diagnoses(case, dice, 3));
    page.list("Plan", plan_items(case, dice));
}

fn paediatrics(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Paediatric Visit", case);
    page.section(
        "Accompanied by",
        dice.word(&["Mother", "Father", "Both parents", "Grandmother (guardian)"]),
    );
    page.section("HPI", &present_illness(case, dice));
    page.section(
        "Birth History",
        dice.word(&[
            "Term, vaginal delivery, no complications.",
            "Born at 34 weeks; two weeks in the NICU for feeding.",
            "Term cesarean, no jaundice.",
        ]),
    );
    page.section(
        "Immunizations",
        dice.word(&[
            "Up to date.",
            "Due for influenza vaccine.",
            "Delayed schedule; counseled.",
        ]),
    );
    page.section(
        "Development",
        dice.word(&[
            "Meeting milestones.",
            "Speech delay followed by early intervention.",
            "On track for school.",
        ]),
    );
    page.section("Family History", &family(case, dice));
    page.section("Vitals", &vitals(case));
    page.list("Exam", exam(case, dice));
    page.section("Assessment", &summary(case, dice));
    page.list("Plan", plan_items(case, dice));
    page.section("Return Precautions", &warning(case, dice));
}

fn obstetrics(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Obstetric Note", case);
    let (gravida, para) = (dice.between(2, 5), dice.below(2));
    page.section(
        "Gestation",
        &format!(
            "G{gravida}P{para} at {} weeks {} days by early ultrasound",
            case.weeks,
            dice.below(7)
        ),
    );
    page.section("Subjective", &present_illness(case, dice));
    page.section(
        "Obstetric History",
        dice.word(&[
            "Prior cesarean for breech.",
            "One term delivery; pregnancy was complicated by gestational hypertension.",
            "First pregnancy ended in a miscarriage.",
            "Prior term vaginal deliveries without complications.",
        ]),
    );
    page.list("Medical History", history_items(case, dice));
    page.section("Family History", &family(case, dice));
    page.section("Vitals", &vitals(case));
    page.list("Exam", exam(case, dice));
    page.list("Tests", tests(case, dice));
    page.list("Assessment/Plan", plans_by_problem(case, dice));
    page.section("Counseling", &warning(case, dice));
}

fn consult(page: &mut Page, case: &Case, dice: &mut Dice) {
    let service = dice.word(&[
        "Cardiology",
        "Nephrology",
        "Infectious Diseases",
        "Neurology",
        "Gastroenterology",
        "Hematology",
    ]);
    page.title(&format!("{service} Consultation"), case);
    page.section(
        "Question",
        &format!(
            "Evaluation of {}. {}",
            case.problem.name,
            possible(case, dice)
        ),
    );
    page.section("HPI", &present_illness(case, dice));
    page.list("Chart Review", records(case, dice));
    page.list("Past History", history_items(case, dice));
    page.list("Medications", drugs(case));
    page.section(
        "Family/Social",
        &format!("{} {}", family(case, dice), social(case, dice)),
    );
    page.section("Vitals", &vitals(case));
    page.list("Examination", exam(case, dice));
    page.list("Studies", tests(case, dice));
    page.section(
        "Impression",
        &format!("{} {}", summary(case, dice), reasoning(case, dice)),
    );
    page.list("Recommendations", plan_items(case, dice));
}

fn therapy(page: &mut Page, case: &Case, dice: &mut Dice) {
    page.title("Physical Therapy Evaluation", case);
    page.section("Referring Diagnosis", &sentence_case(case.problem.name));
    page.section("Subjective", &present_illness(case, dice));
    page.list("Precautions", history_items(case, dice));
    page.section("Objective", &therapy_findings(dice));
    page.section(
        "Assessment",
        &format!(
            "Patient presents with impaired mobility secondary to {}. {}",
            case.problem.short,
            ruled_out(case, dice)
        ),
    );
    page.list("Goals", therapy_goals(dice));
    page.section(
        "Plan",
        &format!(
            "Twice weekly for {} weeks. {}",
            dice.between(3, 10),
            warning(case, dice)
        ),
    );
}
