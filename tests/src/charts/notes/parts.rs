//! The pieces that notes are put together from.

use super::super::Dice;
use super::super::case::{Case, Sex};
use super::super::phrases as say;

mod findings;

pub(super) use findings::*;

/// Puts the case into a template; see [`phrases`](say) for the names in braces.
fn fill(template: &str, case: &Case, dice: &mut Dice, more: &[(&str, &str)]) -> String {
    let mut text = template.to_owned();
    for (name, value) in more {
        text = text.replace(name, value);
    }
    if text.contains('{') {
        let with = match case.chronic.first() {
            Some(chronic) => format!(" with a history of {}", chronic.name),
            None => String::new(),
        };
        let initial = if case.sex == Sex::Woman { "F" } else { "M" };
        for (name, value) in [
            ("{he}", case.he()),
            ("{He}", &sentence_case(case.he())),
            ("{his}", case.his()),
            ("{His}", &sentence_case(case.his())),
            ("{age}", &case.age.to_string()),
            ("{who}", case.who()),
            ("{sx}", initial),
            ("{name}", &case.name),
            ("{days}", &case.days.to_string()),
            ("{complaint}", case.problem.complaint),
            ("{with}", &with),
            ("{n}", &dice.between(2, 9).to_string()),
            ("{y}", &dice.between(1996, 2022).to_string()),
        ] {
            text = text.replace(name, value);
        }
    }
    sentence_case(&text)
}

/// The text with its first letter in upper case.
pub(super) fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// `a, b and c`, or with another last word.
fn joined(items: &[&str], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

fn said(table: &[&'static str], case: &Case, dice: &mut Dice, more: &[(&str, &str)]) -> String {
    let template = dice.word(table);
    fill(template, case, dice, more)
}

fn denial(case: &Case, dice: &mut Dice) -> String {
    let count = dice.between(1, 4);
    let absent = dice.sample(case.problem.absent, count);
    said(say::DENIES, case, dice, &[("{l}", &joined(&absent, "or"))])
}

pub(super) fn ruled_out(case: &Case, dice: &mut Dice) -> String {
    let what = dice.word(&case.excluded);
    said(say::RULED_OUT, case, dice, &[("{c}", what)])
}

pub(super) fn possible(case: &Case, dice: &mut Dice) -> String {
    said(say::POSSIBLE, case, dice, &[("{c}", case.suspected)])
}

/// What to watch for: nothing of it has happened.
pub(super) fn warning(case: &Case, dice: &mut Dice) -> String {
    let signs: Vec<&str> = [case.problem.absent, case.problem.symptoms].concat();
    let count = dice.between(2, 4);
    let signs = dice.sample(&signs, count);
    said(
        say::HYPOTHETICAL,
        case,
        dice,
        &[("{l}", &joined(&signs, "or"))],
    )
}

pub(super) fn follow_up(case: &Case, dice: &mut Dice) -> String {
    let both: [&str; 2] = dice.some(say::FOLLOW_UP);
    both.map(|template| fill(template, case, dice, &[]))
        .join(" ")
}

pub(super) fn signature(dice: &mut Dice) -> String {
    let digit = dice.between(2, 6).to_string();
    dice.word(say::SIGNATURES).replace("{n}", &digit)
}

pub(super) fn present_illness(case: &Case, dice: &mut Dice) -> String {
    let mut sentences = vec![said(say::OPENINGS, case, dice, &[])];
    let count = dice.between(2, 4);
    let symptoms = dice.sample(case.problem.symptoms, count);
    sentences.push(said(
        say::SYMPTOMS,
        case,
        dice,
        &[("{l}", &joined(&symptoms, "and"))],
    ));
    let count = dice.below(4);
    for template in dice.sample(say::COURSE, count) {
        sentences.push(fill(template, case, dice, &[]));
    }
    sentences.push(denial(case, dice));
    if let Some(chronic) = case.chronic.last()
        && dice.percent(50)
    {
        sentences.push(format!(
            "{}: {}.",
            sentence_case(chronic.short),
            chronic.state
        ));
    }
    if let Some(past) = case.past.first()
        && dice.percent(40)
    {
        sentences.push(said(say::PAST, case, dice, &[("{c}", past)]));
    }
    if dice.percent(30) {
        sentences.push(denial(case, dice));
    }
    sentences.join(" ")
}

pub(super) fn interval(case: &Case, dice: &mut Dice) -> String {
    let opening = dice.word(&[
        "No acute events overnight.",
        "Slept poorly.",
        "Feels better this morning.",
        "Pain improved but not gone.",
        "Still with symptoms on walking to the bathroom.",
        "Afebrile since yesterday.",
    ]);
    let mut sentences = vec![opening.to_owned()];
    let count = dice.between(1, 2);
    let symptoms = dice.sample(case.problem.symptoms, count);
    sentences.push(format!("Ongoing {}.", joined(&symptoms, "and")));
    sentences.push(denial(case, dice));
    if dice.percent(40) {
        sentences.push(said(say::HOSPITAL, case, dice, &[]));
    }
    sentences.join(" ")
}

pub(super) fn history_items(case: &Case, dice: &mut Dice) -> Vec<String> {
    let mut items = Vec::new();
    for chronic in &case.chronic {
        items.push(match dice.below(4) {
            0 => sentence_case(chronic.name),
            1 => sentence_case(chronic.short),
            2 => format!("{}, {}", sentence_case(chronic.name), chronic.state),
            _ => format!("{} - on {}", sentence_case(chronic.short), chronic.drug),
        });
    }
    for past in &case.past {
        items.push(said(say::PAST, case, dice, &[("{c}", past)]));
    }
    if items.is_empty() {
        items.push("None".to_owned());
    }
    items
}

pub(super) fn surgeries(case: &Case, dice: &mut Dice) -> Vec<String> {
    let dated = case
        .surgeries
        .iter()
        .map(|surgery| format!("{}, {}", sentence_case(surgery), dice.between(1988, 2023)));
    dated.collect()
}

pub(super) fn drugs(case: &Case) -> Vec<String> {
    let drugs: Vec<String> = case
        .chronic
        .iter()
        .map(|chronic| sentence_case(chronic.drug))
        .collect();
    match drugs.is_empty() {
        true => vec!["None".to_owned()],
        false => drugs,
    }
}

pub(super) fn allergy(dice: &mut Dice) -> String {
    dice.word(say::ALLERGIES).to_owned()
}

pub(super) fn family(case: &Case, dice: &mut Dice) -> String {
    if case.family.is_empty() {
        let what = dice.word(&["heart disease", "cancer", "diabetes", "bleeding disorders"]);
        return said(say::NO_FAMILY, case, dice, &[("{c}", what)]);
    }
    let mut sentences = Vec::new();
    for (relative, what) in &case.family {
        let age = dice.between(38, 84).to_string();
        sentences.push(said(
            say::FAMILY,
            case,
            dice,
            &[("{c}", what), ("{rel}", relative), ("{n}", &age)],
        ));
    }
    sentences.join(" ")
}

pub(super) fn social(case: &Case, dice: &mut Dice) -> String {
    let both = [dice.word(say::HOME), dice.word(say::HABITS)];
    both.map(|template| fill(template, case, dice, &[]))
        .join(" ")
}

pub(super) fn review(case: &Case, dice: &mut Dice) -> String {
    let symptoms = dice.sample(case.problem.symptoms, 2);
    let others = dice.sample(
        &[
            "weight loss",
            "night sweats",
            "rash",
            "joint swelling",
            "blurred vision",
            "hearing loss",
            "easy bruising",
            "heat intolerance",
            "constipation",
            "hematuria",
            "depression",
            "numbness",
        ],
        3,
    );
    format!(
        "Positive for {}. {} All other systems {}.",
        joined(&symptoms, "and"),
        said(say::DENIES, case, dice, &[("{l}", &joined(&others, "or"))]),
        dice.word(&[
            "reviewed and negative",
            "negative",
            "unremarkable except as above"
        ]),
    )
}

pub(super) fn summary(case: &Case, dice: &mut Dice) -> String {
    let name = match dice.percent(60) {
        true => case.problem.name,
        false => case.problem.short,
    };
    let because = dice.word(&[
        "admitted with",
        "presenting with",
        "with",
        "found to have",
        "most consistent with",
    ]);
    let mut sentences = vec![format!(
        "{}-year-old {} {because} {name}.",
        case.age,
        case.who()
    )];
    sentences.push(ruled_out(case, dice));
    if dice.percent(60) {
        sentences.push(possible(case, dice));
    }
    if dice.percent(40) {
        sentences.push(
            dice.word(&[
                "Improving.",
                "Stable.",
                "Slowly improving on treatment.",
                "Not at baseline yet.",
            ])
            .to_owned(),
        );
    }
    sentences.join(" ")
}

pub(super) fn reasoning(case: &Case, dice: &mut Dice) -> String {
    let mut sentences = vec![
        summary(case, dice),
        possible(case, dice),
        ruled_out(case, dice),
    ];
    sentences.push(format!(
        "Treatment so far: {}.",
        dice.word(case.problem.plan)
    ));
    if dice.percent(40) {
        sentences.push("Discussed with the patient, who agrees.".to_owned());
    }
    sentences.join(" ")
}

pub(super) fn course(case: &Case, dice: &mut Dice) -> String {
    let mut sentences = vec![summary(case, dice)];
    let count = dice.between(2, 4);
    for template in dice.sample(say::HOSPITAL, count) {
        sentences.push(fill(template, case, dice, &[]));
    }
    for item in dice.sample(case.problem.plan, 2) {
        sentences.push(format!("{}.", sentence_case(item)));
    }
    for chronic in &case.chronic {
        if dice.percent(60) {
            sentences.push(format!(
                "{}: continued {}.",
                sentence_case(chronic.name),
                chronic.drug
            ));
        }
    }
    sentences.join(" ")
}

/// Earlier encounters, each about something else.
pub(super) fn records(case: &Case, dice: &mut Dice) -> Vec<String> {
    let mut items = Vec::new();
    for (other, year) in &case.before {
        let opening = dice.word(&[
            "seen for",
            "admitted with",
            "urgent care visit for",
            "clinic note mentions",
            "treated for",
        ]);
        let mut item = format!(
            "{year}-{:02}: {opening} {}",
            dice.between(1, 12),
            other.name
        );
        if dice.percent(70) {
            item.push_str(&format!(
                ", presenting with {}",
                joined(&dice.sample(other.symptoms, 2), "and")
            ));
        }
        item.push('.');
        if dice.percent(60) {
            item.push_str(&format!(" {}.", sentence_case(dice.word(other.tests))));
        }
        if dice.percent(60) {
            item.push_str(&format!(
                " {}",
                said(say::RULED_OUT, case, dice, &[("{c}", other.instead[0])])
            ));
        }
        item.push_str(dice.word(&[
            " Resolved.",
            " Recovered fully.",
            " No recurrence since.",
            " Lost to follow-up.",
            "",
        ]));
        items.push(item);
    }
    items
}

/// A line for each day in the hospital.
pub(super) fn days(case: &Case, dice: &mut Dice) -> Vec<String> {
    let days = (1..=case.days).map(|day| {
        let plan = plan_line(case, dice);
        format!("Day {day}: {} {plan}", interval(case, dice))
    });
    days.collect()
}

pub(super) fn diagnoses(case: &Case, dice: &mut Dice, most: usize) -> Vec<String> {
    let mut items = vec![sentence_case(case.problem.name)];
    for chronic in case.chronic.iter().take(most) {
        items.push(sentence_case(if dice.percent(70) {
            chronic.name
        } else {
            chronic.short
        }));
    }
    if let Some(past) = case.past.last()
        && dice.percent(50)
    {
        items.push(format!("History of {past}"));
    }
    if dice.percent(25) {
        items.push(format!("Possible {}", case.suspected));
    }
    items
}

pub(super) fn plan_line(case: &Case, dice: &mut Dice) -> String {
    format!("{}.", sentence_case(dice.word(case.problem.plan)))
}

pub(super) fn plan_items(case: &Case, dice: &mut Dice) -> Vec<String> {
    let mut items: Vec<String> = case
        .problem
        .plan
        .iter()
        .map(|item| sentence_case(item))
        .collect();
    items.push(follow_up(case, dice));
    items.push(warning(case, dice));
    items
}

pub(super) fn plans_by_problem(case: &Case, dice: &mut Dice) -> Vec<String> {
    let mut items = vec![format!(
        "{}: {}",
        sentence_case(case.problem.name),
        case.problem.plan.join("; ")
    )];
    for chronic in &case.chronic {
        items.push(match dice.below(3) {
            0 => format!("{}: continue {}", sentence_case(chronic.name), chronic.drug),
            1 => format!(
                "{} - {}. No change.",
                sentence_case(chronic.short),
                chronic.state
            ),
            _ => format!(
                "{} ({}): {}",
                sentence_case(chronic.name),
                chronic.state,
                chronic.drug
            ),
        });
    }
    if dice.percent(50) {
        items.push(format!(
            "{} {}",
            possible(case, dice),
            plan_line(case, dice)
        ));
    }
    items
}

pub(super) fn disposition(case: &Case, dice: &mut Dice) -> String {
    match dice.percent(55) {
        true => format!(
            "Discharged home in good condition. {} {}",
            warning(case, dice),
            follow_up(case, dice)
        ),
        false => format!("Admitted to medicine. {}", plan_line(case, dice)),
    }
}
