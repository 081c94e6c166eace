//! The vocabulary of a terminology: which ways of writing a word are one word.

use std::collections::{BTreeMap, BTreeSet};

use super::BuildError;
use crate::terminology::WordId;
use crate::word::Word;

/// Words by their number, and every way of writing them.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    /// How a word may be written, folded → its number.
    surfaces: BTreeMap<String, u32>,
    /// The word itself by number; number 0 is "unknown".
    names: Vec<String>,
    same: BTreeMap<String, String>,
    stop: BTreeSet<String>,
    over: BTreeSet<String>,
    ignored: BTreeSet<String>,
    generic: BTreeSet<String>,
}

impl Vocabulary {
    /// Reads the table of word classes.
    pub(crate) fn new(table: &str) -> Result<Vocabulary, BuildError> {
        let mut vocabulary = Vocabulary {
            names: vec![String::new()],
            ..Vocabulary::default()
        };
        for (i, line) in table.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let wrong = || BuildError::Row {
                table: "words",
                line: i + 1,
            };
            let (kind, words) = line.split_once('\t').ok_or_else(wrong)?;
            let words: Vec<String> = words
                .split('|')
                .map(fold)
                .filter(|w| !w.is_empty())
                .collect();
            let first = words.first().ok_or_else(wrong)?.clone();
            match kind {
                "stop" => vocabulary.stop.extend(words),
                "over" => vocabulary.over.extend(words),
                "ignore" => vocabulary.ignored.extend(words),
                "generic" => vocabulary.generic.extend(words),
                "same" => vocabulary
                    .same
                    .extend(words.into_iter().map(|w| (w, first.clone()))),
                _ => return Err(wrong()),
            }
        }
        Ok(vocabulary)
    }

    /// The words of a term as numbers, cut as the reader cuts a chart, without small words.
    pub(crate) fn term(&mut self, text: &str) -> Vec<u32> {
        let words: Vec<String> = cut(text).filter(|w| !self.stop.contains(w)).collect();
        words.iter().map(|w| self.number(w)).collect()
    }

    /// The content words of a description, for comparing codes.
    pub(crate) fn content(&mut self, text: &str) -> BTreeSet<u32> {
        let words: Vec<String> = cut(text)
            .filter(|w| !self.stop.contains(w) && !self.ignored.contains(&self.canonical(w)))
            .collect();
        words.iter().map(|w| self.number(w)).collect()
    }

    /// The number of a word, which is added if it is new.
    fn number(&mut self, surface: &str) -> u32 {
        let name = self.canonical(surface);
        let number = match self.surfaces.get(&name) {
            Some(&n) => n,
            None => {
                let n = u32::try_from(self.names.len()).unwrap_or(WordId::NUMBER);
                self.names.push(name.clone());
                self.surfaces.insert(name, n);
                n
            }
        };
        self.surfaces.entry(surface.to_owned()).or_insert(number);
        number
    }

    fn canonical(&self, surface: &str) -> String {
        let american = american(surface);
        for form in [surface, &american] {
            if let Some(first) = self.same.get(form) {
                return first.clone();
            }
        }
        let singular = singular(&american);
        self.same.get(&singular).cloned().unwrap_or(singular)
    }

    /// Adds the other ways of writing every word. Called once, after all terms.
    pub(crate) fn inflect(&mut self) {
        let same: Vec<(String, String)> = self.same.clone().into_iter().collect();
        for (surface, first) in same {
            if let Some(&n) = self.surfaces.get(&first) {
                self.surfaces.entry(surface).or_insert(n);
            }
        }
        for word in self.stop.union(&self.over).cloned().collect::<Vec<_>>() {
            self.number(&word);
        }
        let base: Vec<(String, u32)> = self.surfaces.iter().map(|(s, n)| (s.clone(), *n)).collect();
        for (surface, n) in base {
            for other in plurals(&surface).into_iter().chain(british(&surface)) {
                self.surfaces.entry(other).or_insert(n);
            }
        }
    }

    /// Every way of writing a word with the word's number.
    pub(crate) fn surfaces(&self) -> impl Iterator<Item = (&str, u32)> {
        self.surfaces.iter().map(|(s, n)| (s.as_str(), *n))
    }

    /// The words by number.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// True for a word that means no condition by itself.
    pub(crate) fn is_generic(&self, word: &str) -> bool {
        let sets = [&self.generic, &self.stop, &self.over, &self.ignored];
        sets.iter().any(|s| s.contains(word)) || self.generic.contains(&singular(word))
    }

    /// The flags of a word that come from the table of word classes.
    pub(crate) fn flags(&self, surface: &str) -> u32 {
        let mut flags = 0;
        if self.stop.contains(surface) {
            flags |= WordId::STOP;
        }
        if self.over.contains(surface) {
            flags |= WordId::MODIFIER;
        }
        flags
    }
}

/// The words of a text, folded, as the reader sees them.
pub(crate) fn cut(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .flat_map(|part| {
            let part = part
                .strip_suffix("'s")
                .or(part.strip_suffix("’s"))
                .unwrap_or(part);
            part.split(['\'', '’'])
                .map(fold)
                .filter(|w| !w.is_empty())
                .collect::<Vec<_>>()
        })
}

fn fold(text: &str) -> String {
    Word::fold(text).map_or(String::new(), |w| {
        String::from_utf8_lossy(w.as_bytes()).into_owned()
    })
}

/// The singular of a plural, as far as its ending tells.
fn singular(word: &str) -> String {
    let keep = word.len() < 5
        || word.ends_with("ss")
        || word.ends_with("us")
        || word.ends_with("is")
        || word.ends_with("ies") && word.len() < 6
        || !word.ends_with('s')
        || word.bytes().any(|b| b.is_ascii_digit())
        || [
            "diabetes",
            "herpes",
            "rabies",
            "scabies",
            "caries",
            "series",
            "species",
            "ascites",
            "measles",
            "mumps",
            "rickets",
            "tabes",
            "facies",
            "shingles",
            "hives",
            "varices",
            "sequelae",
            "aids",
            "gas",
            "pus",
            "lens",
            "pubes",
            "nates",
            "feces",
            "litiges",
            "pancreas",
            "biceps",
            "triceps",
            "forceps",
            "quadriceps",
            "abdominis",
        ]
        .contains(&word);
    if keep {
        return word.to_owned();
    }
    for (ending, replacement) in [
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("oses", "osis"),
    ] {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{replacement}");
        }
    }
    word[..word.len() - 1].to_owned()
}

/// The plurals that a word may have.
fn plurals(word: &str) -> Vec<String> {
    let mut all = Vec::new();
    if word.len() < 4 || word.bytes().any(|b| !b.is_ascii_lowercase()) {
        return all;
    }
    if ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|e| word.ends_with(e))
    {
        all.push(format!("{word}es"));
    } else {
        all.push(format!("{word}s"));
    }
    for (ending, replacement) in [
        ("y", "ies"),
        ("is", "es"),
        ("oma", "omata"),
        ("um", "a"),
        ("us", "i"),
        ("ion", "ia"),
        ("ix", "ices"),
        ("ex", "ices"),
        ("itis", "itides"),
        ("a", "ae"),
        ("osis", "oses"),
    ] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() > 2
        {
            all.push(format!("{stem}{replacement}"));
        }
    }
    all
}

/// British spellings by American ones.
const SPELLINGS: [(&str, &str); 27] = [
    ("oedema", "edema"),
    ("oesoph", "esoph"),
    ("haem", "hem"),
    ("anaem", "anem"),
    ("diarrhoea", "diarrhea"),
    ("tumour", "tumor"),
    ("paediatr", "pediatr"),
    ("orrhoea", "orrhea"),
    ("caec", "cec"),
    ("foet", "fet"),
    ("oestr", "estr"),
    ("coeliac", "celiac"),
    ("ischaem", "ischem"),
    ("uraemia", "uremia"),
    ("glycaem", "glycem"),
    ("lipidaem", "lipidem"),
    ("gynaec", "gynec"),
    ("orthopaed", "orthoped"),
    ("anaesth", "anesth"),
    ("leukaem", "leukem"),
    ("faec", "fec"),
    ("goitre", "goiter"),
    ("fibre", "fiber"),
    ("paralyse", "paralyze"),
    ("aemia", "emia"),
    ("colour", "color"),
    ("aetiol", "etiol"),
];

fn american(word: &str) -> String {
    SPELLINGS
        .iter()
        .fold(word.to_owned(), |w, (british, american)| {
            w.replace(british, american)
        })
}

fn british(word: &str) -> Option<String> {
    let other = SPELLINGS
        .iter()
        .filter(|(b, a)| word.contains(a) && !word.contains(b))
        .fold(word.to_owned(), |w, (british, american)| {
            if w.contains(british) {
                w
            } else {
                w.replacen(american, british, 1)
            }
        });
    (other != word).then_some(other)
}
