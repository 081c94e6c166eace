//! The case behind a note: one invented patient on one day.

use super::conditions::{
    CHRONIC, Chronic, FAMILY, Fits, OBSTETRIC, PAST, PROBLEMS, Problem, SURGERIES,
};
use super::{Dice, NoteKind};

pub(super) struct Case {
    pub(super) age: u64,
    pub(super) sex: Sex,
    pub(super) name: String,
    pub(super) record: String,
    pub(super) date: String,
    pub(super) problem: &'static Problem,
    /// What else it may be.
    pub(super) suspected: &'static str,
    /// What it is not. Never empty.
    pub(super) excluded: Vec<&'static str>,
    /// Other problems of earlier years.
    pub(super) before: Vec<(&'static Problem, u64)>,
    /// For obstetric notes: completed weeks.
    pub(super) weeks: u64,
    pub(super) chronic: Vec<&'static Chronic>,
    pub(super) past: Vec<&'static str>,
    pub(super) surgeries: Vec<&'static str>,
    pub(super) family: Vec<(&'static str, &'static str)>,
    pub(super) days: u64,
    pub(super) vitals: Vitals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sex {
    Woman,
    Man,
}

pub(super) struct Vitals {
    pub(super) temperature: String,
    pub(super) pulse: u64,
    pub(super) pressure: String,
    pub(super) breaths: u64,
    pub(super) saturation: u64,
    pub(super) weight: u64,
}

impl Case {
    pub(super) fn draw(kind: NoteKind, dice: &mut Dice) -> Case {
        let child = kind == NoteKind::Paediatrics;
        let obstetric = kind == NoteKind::Obstetrics;
        let sex = match obstetric || dice.percent(52) {
            true => Sex::Woman,
            false => Sex::Man,
        };
        let fits = |problem: &&Problem| match problem.fits {
            Fits::Anyone => true,
            Fits::Adult => !child,
            Fits::Child => child,
            Fits::Woman => !child && sex == Sex::Woman,
            Fits::Man => !child && sex == Sex::Man,
        };
        let suits = |problem: &&Problem| match kind {
            NoteKind::Psychiatry => SUITS_PSYCHIATRY.contains(&problem.short),
            NoteKind::Operative => SUITS_SURGERY.contains(&problem.short),
            NoteKind::Therapy => SUITS_THERAPY.contains(&problem.short),
            _ => true,
        };
        let problems: Vec<&'static Problem> = match obstetric {
            true => OBSTETRIC.iter().collect(),
            false => PROBLEMS.iter().filter(fits).filter(suits).collect(),
        };
        let problem = *dice.pick(&problems);
        let age = match (child, obstetric) {
            (true, _) => dice.between(1, 15),
            (_, true) => dice.between(19, 41),
            _ => dice.between(20, 60) + dice.below(34),
        };
        let chronic = match (child, obstetric) {
            (true, _) => Vec::new(),
            (_, true) => chronic_of(sex, age, dice, 1),
            _ => chronic_of(sex, age, dice, 1 + age / 18),
        };
        let past_count = dice.below(if child { 1 } else { 4 });
        let past = dice.sample(PAST, past_count).into_iter();
        let past = past
            .filter(|past| sex == Sex::Woman || !WOMEN_ONLY.contains(past))
            .collect();
        let surgery_count = dice.below(if child { 2 } else { 3 });
        let family_count = dice.below(4);
        let family = dice.sample(FAMILY, family_count).into_iter();
        let family = family.map(|what| {
            let relatives = if child {
                &OF_A_CHILD
            } else {
                relatives_of(what)
            };
            (*dice.pick(relatives), what)
        });
        let family = family.collect();
        let mut instead = dice.sample(problem.instead, 9);
        let suspected = instead.swap_remove(0);
        let elders: Vec<&'static Problem> = PROBLEMS.iter().filter(fits).collect();
        let before_count = dice.below(7);
        let before = dice.sample(&elders, before_count).into_iter();
        let before = before.filter(|other| other.name != problem.name);
        let before = before
            .map(|other| (other, dice.between(2012, 2023)))
            .collect();
        Case {
            age,
            sex,
            name: name(sex, dice),
            record: format!("P{:07}", dice.below(10_000_000)),
            date: format!(
                "{}-{:02}-{:02}",
                dice.between(2024, 2026),
                dice.between(1, 12),
                dice.between(1, 28)
            ),
            problem,
            suspected,
            excluded: instead,
            before,
            weeks: dice.between(8, 37),
            chronic,
            past,
            surgeries: match child {
                true if surgery_count > 0 => vec!["ear tube placement"],
                true => Vec::new(),
                false => dice.sample(SURGERIES, surgery_count),
            },
            family,
            days: dice.between(2, 9),
            vitals: Vitals::draw(
                child,
                age,
                problem
                    .symptoms
                    .iter()
                    .any(|symptom| symptom.contains("fever")),
                dice,
            ),
        }
    }

    pub(super) fn he(&self) -> &'static str {
        match self.sex {
            Sex::Woman => "she",
            Sex::Man => "he",
        }
    }

    pub(super) fn his(&self) -> &'static str {
        match self.sex {
            Sex::Woman => "her",
            Sex::Man => "his",
        }
    }

    pub(super) fn who(&self) -> &'static str {
        match (self.sex, self.age) {
            (Sex::Woman, 0..=15) => "girl",
            (Sex::Man, 0..=15) => "boy",
            (Sex::Woman, _) => "woman",
            (Sex::Man, _) => "man",
        }
    }
}

impl Vitals {
    fn draw(child: bool, age: u64, fever: bool, dice: &mut Dice) -> Vitals {
        let tenths = dice.between(362, 374) + if fever { 12 } else { 0 };
        let weight = match child {
            true => 9 + age * 3 + dice.below(5),
            false => dice.between(48, 118),
        };
        let (systolic, diastolic) = match child {
            true => (dice.between(88, 116), dice.between(50, 72)),
            false => (dice.between(96, 172), dice.between(54, 98)),
        };
        Vitals {
            temperature: format!("{}.{}", tenths / 10, tenths % 10),
            pulse: dice.between(58, 128) + if child { 15 } else { 0 },
            pressure: format!("{systolic}/{diastolic}"),
            breaths: dice.between(12, 26),
            saturation: dice.between(90, 100),
            weight,
        }
    }
}

fn chronic_of(sex: Sex, age: u64, dice: &mut Dice, most: u64) -> Vec<&'static Chronic> {
    let count = dice.below(most + 1);
    let all: Vec<&'static Chronic> = CHRONIC.iter().collect();
    let mut drawn = dice.sample(&all, count);
    drawn.retain(|chronic| sex == Sex::Man || !chronic.name.contains("prostatic"));
    drawn.retain(|chronic| age > 45 || !OF_AGE.contains(&chronic.short));
    drawn
}

fn relatives_of(condition: &str) -> &'static [&'static str] {
    match condition {
        "ovarian cancer" | "breast cancer" => {
            &["mother", "sister", "maternal aunt", "maternal grandmother"]
        }
        "prostate cancer" => &["father", "brother", "paternal uncle"],
        _ => &[
            "mother",
            "father",
            "sister",
            "brother",
            "maternal grandmother",
            "paternal grandfather",
            "paternal aunt",
        ],
    }
}

fn name(sex: Sex, dice: &mut Dice) -> String {
    let first = match sex {
        Sex::Woman => *dice.pick(&WOMEN),
        Sex::Man => *dice.pick(&MEN),
    };
    format!("{first} {}{}", dice.pick(&LAST_BEGIN), dice.pick(&LAST_END))
}

const OF_A_CHILD: [&str; 4] = [
    "maternal grandmother",
    "paternal grandfather",
    "great-aunt",
    "maternal grandfather",
];
const SUITS_PSYCHIATRY: [&str; 3] = ["MDD", "GAD", "EtOH withdrawal"];
const SUITS_SURGERY: [&str; 6] = [
    "appendicitis",
    "cholecystitis",
    "right hip fracture",
    "distal radius fracture",
    "kidney stone",
    "sigmoid diverticulitis",
];
const SUITS_THERAPY: [&str; 6] = [
    "sciatica",
    "ankle sprain",
    "right hip fracture",
    "left MCA stroke",
    "BPPV",
    "distal radius fracture",
];
const WOMEN_ONLY: [&str; 2] = ["postpartum depression", "gestational diabetes"];
const OF_AGE: [&str; 4] = ["osteoporosis", "PD", "BPH", "PAD"];
const WOMEN: [&str; 12] = [
    "Adela", "Brisa", "Corin", "Delphine", "Esme", "Farah", "Greta", "Hanne", "Ines", "Junia",
    "Kaya", "Liselle",
];
const MEN: [&str; 12] = [
    "Anton", "Bram", "Caius", "Dov", "Emeric", "Fenn", "Goran", "Hal", "Ivo", "Joram", "Kell",
    "Lorcan",
];
const LAST_BEGIN: [&str; 14] = [
    "Test", "Sample", "Mock", "Demo", "Proto", "Quill", "Ember", "Thistle", "Marsh", "Larks",
    "Fen", "Harrow", "Wick", "Dray",
];
const LAST_END: [&str; 10] = [
    "well", "ford", "by", "ham", "ton", "mere", "wick", "dale", "combe", "stead",
];
