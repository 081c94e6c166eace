//! The ways in which a line of the official tables may be written in a chart.

/// Forms of a description or inclusion term, in lower case, the plainest first.
pub(crate) fn forms(line: &str) -> Vec<String> {
    let text = line.to_lowercase();
    if text.contains("classified elsewhere") || text.starts_with("other ") {
        return Vec::new();
    }
    let mut all: Vec<String> = bracketed(&text);
    let base = without_brackets(&text);
    let short = strip_qualifiers(&base);
    all.push(base.clone());
    all.push(short.clone());
    if let Some(rest) = short.strip_prefix("unspecified ") {
        all.push(rest.to_owned());
    }
    // "Fracture of unspecified part of clavicle" is a fracture of the clavicle.
    for vague in ["unspecified part of ", "unspecified site of "] {
        if short.contains(vague) {
            all.push(short.replace(vague, ""));
        }
    }
    // "Fever, rheumatic" is written "rheumatic fever".
    for form in [&base, &short] {
        let parts: Vec<&str> = form.split(", ").collect();
        if let [head, rest] = parts[..]
            && !head.contains(" with")
            && rest.split(' ').count() <= 3
            && !rest.starts_with("unspecified")
            && !rest.starts_with("not ")
        {
            all.push(format!("{rest} {head}"));
        }
    }
    // "Fracture of femur" is written "femur fracture".
    let middle = if short.contains(" of ") {
        " of "
    } else {
        " in "
    };
    let parts: Vec<&str> = short.split(middle).collect();
    if let [head, site] = parts[..]
        && head.split(' ').count() <= 3
        && site.split(' ').count() <= 3
        && ![" with", " and ", " or ", ","]
            .iter()
            .any(|w| short.contains(w))
    {
        all.push(format!("{} {head}", site.trim_start_matches("the ")));
    }
    all.retain(|f| is_useful(f));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|f| seen.insert(f.clone()));
    all
}

/// What is left of a code's description when it says nothing beyond its kind: "X without complications" is X.
pub(crate) fn plain_form(line: &str) -> Option<String> {
    let text = without_brackets(&line.to_lowercase());
    if text.contains("classified elsewhere") || text.starts_with("other ") {
        return None;
    }
    let cut = [
        " without ",
        ", uncomplicated",
        " not specified",
        ", unspecified",
        " of unspecified",
        " unspecified",
    ]
    .iter()
    .filter_map(|w| text.find(w))
    .min()?;
    let form = strip_qualifiers(text[..cut].trim_end_matches(','));
    // "Cyst of unspecified eye": without its place, the word is another one.
    let place = text[cut..].starts_with(" of ") || text[cut..].starts_with(" unspecified");
    if place && !form.contains(' ') {
        return None;
    }
    is_useful(&form).then_some(form)
}

/// Without anything in brackets or parentheses.
pub(crate) fn without_brackets(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    super::tabular::squeeze(&out)
        .replace(" ,", ",")
        .trim_matches([',', ' ', ';', ':', '-'])
        .to_owned()
}

/// Synonyms that a description gives in square brackets.
fn bracketed(text: &str) -> Vec<String> {
    text.split('[')
        .skip(1)
        .filter_map(|part| part.split_once(']'))
        .map(|(inner, _)| inner.trim().to_owned())
        .filter(|inner| inner.len() > 3)
        .collect()
}

fn strip_qualifiers(text: &str) -> String {
    let mut text = text;
    loop {
        let before = text;
        for ending in [
            "unspecified",
            "nos",
            "nec",
            "not elsewhere classified",
            "not otherwise specified",
            "unspecified site",
            "of unspecified site",
            "unspecified organism",
            "unspecified type",
            "of unspecified type",
            "unspecified part",
            "due to unspecified organism",
            "not specified",
            "unspecified side",
        ] {
            if let Some(rest) = text.strip_suffix(ending)
                && rest.ends_with([' ', ','])
            {
                text = rest.trim_end_matches([' ', ',']);
            }
        }
        if before == text {
            return text.to_owned();
        }
    }
}

/// True if a form may stand for a code: it has a word that means something by itself.
fn is_useful(form: &str) -> bool {
    const USELESS: [&str; 46] = [
        "other",
        "unspecified",
        "none",
        "right",
        "left",
        "bilateral",
        "not",
        "disease",
        "with",
        "without",
        "mild",
        "moderate",
        "severe",
        "acute",
        "chronic",
        "all",
        "family",
        "history",
        "finding",
        "findings",
        "positive",
        "negative",
        "complete",
        "partial",
        "total",
        "screening",
        "observation",
        "follow",
        "check",
        "site",
        "type",
        "disorder",
        "syndrome",
        "complication",
        "sequelae",
        "device",
        "contact",
        "encounter",
        "problem",
        "level",
        "person",
        "place",
        "activity",
        "male",
        "female",
        "left side",
    ];
    form.len() >= 3
        && form.split(' ').count() <= 9
        && !USELESS.contains(&form)
        && ![" with", " without", " and", " or", " by"]
            .iter()
            .any(|w| form.ends_with(w))
        && !form.starts_with("other ")
        && !form.starts_with("code ")
        && !form.starts_with("any ")
        && !form.starts_with("conditions ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_written_in_several_ways() {
        for (line, expected) in [
            ("Fever, rheumatic", "rheumatic fever"),
            ("Fracture of femur", "femur fracture"),
            ("Pneumonia, unspecified organism", "pneumonia"),
            ("Essential (primary) hypertension", "essential hypertension"),
            ("Unspecified asthma", "asthma"),
            ("Zoster [herpes zoster]", "herpes zoster"),
        ] {
            assert!(
                forms(line).iter().any(|f| f == expected),
                "{line}: {:?}",
                forms(line)
            );
        }
        assert!(forms("Other chest pain").is_empty());
        assert_eq!(
            plain_form("Gastro-esophageal reflux disease without esophagitis").as_deref(),
            Some("gastro-esophageal reflux disease")
        );
    }
}
