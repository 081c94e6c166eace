//! The tabular list: codes, descriptions, inclusion terms, notes and 7th characters.

use std::collections::BTreeMap;

use super::BuildError;
use super::xml::Element;

/// A code of the release with all that the tabular list says about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TabularCode {
    pub(crate) description: String,
    pub(crate) inclusions: Vec<String>,
    pub(crate) excludes1: Vec<String>,
    pub(crate) code_first: Vec<String>,
    pub(crate) use_additional: Vec<String>,
    /// Meaning of this code's 7th character, for a code that has one.
    pub(crate) seventh: Option<String>,
    pub(crate) parent: Option<String>,
}

/// All codes, by their text without the dot: that order keeps every category in one range.
pub(crate) type Tabular = BTreeMap<String, TabularCode>;

/// Reads the tabular list and adds the 7-character codes of the code list, which the tabular list leaves out.
pub(crate) fn read(tabular: &Element, code_list: &str) -> Result<Tabular, BuildError> {
    let mut codes = Tabular::new();
    let root = tabular
        .all("ICD10CM.tabular")
        .next()
        .ok_or(BuildError::Empty("tabular list"))?;
    let mut seventh: BTreeMap<String, BTreeMap<char, String>> = BTreeMap::new();
    for chapter in root.all("chapter") {
        for section in chapter.all("section") {
            for diag in section.all("diag") {
                read_diag(diag, None, &mut codes, &mut seventh);
            }
        }
    }
    let listed: Vec<&str> = code_list
        .lines()
        .map(str::trim)
        .filter(|l| l.len() >= 3 && !l.contains('-'))
        .collect();
    if codes.is_empty() || listed.is_empty() {
        return Err(BuildError::Empty("tabular list or code list"));
    }
    for key in &listed {
        let key = key.replace('.', "");
        if codes.contains_key(&key) || key.len() != 7 {
            continue;
        }
        let stem = key[..6].trim_end_matches('X');
        let parent = (3..=stem.len())
            .rev()
            .map(|n| &stem[..n])
            .find(|p| codes.contains_key(*p));
        let (Some(parent), Some(character)) = (parent, key.chars().last()) else {
            continue;
        };
        let meaning = (3..=parent.len())
            .rev()
            .find_map(|n| seventh.get(&parent[..n])?.get(&character))
            .cloned()
            .unwrap_or_default();
        let description = codes
            .get(parent)
            .map(|p| p.description.clone())
            .unwrap_or_default();
        let code = TabularCode {
            description,
            seventh: Some(meaning),
            parent: Some(parent.to_owned()),
            ..TabularCode::default()
        };
        codes.insert(key, code);
    }
    // The tabular list may hold codes that this release's code list does not.
    let known: std::collections::BTreeSet<String> =
        listed.iter().map(|l| l.replace('.', "")).collect();
    codes.retain(|key, _| known.contains(key));
    Ok(codes)
}

fn read_diag(
    diag: &Element,
    parent: Option<&str>,
    codes: &mut Tabular,
    seventh: &mut BTreeMap<String, BTreeMap<char, String>>,
) {
    let Some(name) = diag.child_text("name") else {
        return;
    };
    let key = name.replace('.', "");
    let notes = |kind: &'static str| -> Vec<String> {
        diag.all(kind)
            .flat_map(|e| e.all("note"))
            .map(|n| squeeze(&n.text))
            .collect()
    };
    let mut inclusions = notes("inclusionTerm");
    inclusions.extend(notes("includes"));
    let joined = |kind: &'static str| -> Vec<String> {
        let all = notes(kind);
        if all.is_empty() {
            Vec::new()
        } else {
            vec![all.join(" ")]
        }
    };
    for definition in diag.all("sevenChrDef") {
        for extension in definition.all("extension") {
            if let Some(character) = extension.key.chars().next() {
                seventh
                    .entry(key.clone())
                    .or_default()
                    .insert(character, squeeze(&extension.text));
            }
        }
    }
    let code = TabularCode {
        description: squeeze(diag.child_text("desc").unwrap_or_default()),
        inclusions,
        excludes1: notes("excludes1"),
        code_first: joined("codeFirst"),
        use_additional: joined("useAdditionalCode"),
        seventh: None,
        parent: parent.map(str::to_owned),
    };
    codes.insert(key.clone(), code);
    for child in diag.all("diag") {
        read_diag(child, Some(&key), codes, seventh);
    }
}

/// One space between words.
pub(crate) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The code ranges that a note names in parentheses, as first and last prefix without dots.
pub(crate) fn ranges(note: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in note.split('(').skip(1) {
        let inner = part.split(')').next().unwrap_or("");
        for item in inner.split(',').map(str::trim) {
            let item = item.strip_prefix("with fifth character ").unwrap_or(item);
            // "K57.-" is a prefix, "A00-A09" a range.
            let prefix = item.trim_end_matches(['-', '.']);
            let (low, high) = prefix.split_once('-').unwrap_or((prefix, prefix));
            let (low, high) = (clean(low), clean(high));
            if let (Some(low), Some(high)) = (low, high) {
                found.push((low, high));
            }
        }
    }
    found
}

fn clean(code: &str) -> Option<String> {
    let code = code.trim().trim_end_matches(['-', '.']).replace('.', "");
    let mut chars = code.chars();
    let shape = chars.next().is_some_and(|c| c.is_ascii_uppercase())
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && chars.all(|c| c.is_ascii_alphanumeric());
    (shape && (3..=7).contains(&code.len())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_name_ranges() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(ranges("diverticular disease (K57.-)"), [pair("K57", "K57")]);
        assert_eq!(
            ranges("infections (A00-B99, Z3A.-)"),
            [pair("A00", "B99"), pair("Z3A", "Z3A")]
        );
        assert_eq!(ranges("abscess (acute) (I50.2-)"), [pair("I502", "I502")]);
    }
}
