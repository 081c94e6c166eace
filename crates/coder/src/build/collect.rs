//! Gathering terms from tables and the tabular list: of several codes for one term, the most trusted wins.

use std::collections::BTreeMap;

use super::tabular::Tabular;
use super::words::Vocabulary;
use super::{BuildError, Report, terms, words};
use crate::finding::TermSource;
use crate::terminology::entry_flag;

/// A term on its way into the trie.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// The lower, the more trusted; then the shorter code, then the lower one.
    pub(crate) rank: (u8, usize, String),
    pub(crate) source: TermSource,
    pub(crate) flags: u8,
    pub(crate) rule: u16,
}

/// A sense rule on its way into the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) flags: u32,
    pub(crate) near: Vec<u32>,
    pub(crate) unless: Vec<u32>,
}

/// Gathers terms; of several codes for one term, the most trusted wins.
pub(crate) struct Collector {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) codes: Tabular,
    /// The default child of a code that is not a leaf.
    pub(crate) defaults: BTreeMap<String, String>,
    pub(crate) terms: BTreeMap<Vec<u32>, Term>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) report: Report,
}

/// Parts of words by which a term of the drug chapters speaks of harm, not of the drug alone.
const POISONING: [&str; 9] = [
    "poison", "toxic", "adverse", "overdos", "underdos", "intox", "ingest", "effect", "inhal",
];

/// A release has more words in a description than a chart ever repeats in a row.
const LONGEST_TERM: usize = 6;

impl Collector {
    pub(crate) fn add(
        &mut self,
        text: &str,
        code: &str,
        rank: u8,
        source: TermSource,
        flags: u8,
        rule: u16,
    ) {
        let words = self.vocabulary.term(text);
        let own = matches!(source, TermSource::Synonym | TermSource::User);
        if words.is_empty()
            || words.len() > LONGEST_TERM
            || !(own || self.says_enough(text, words.len(), code))
        {
            return;
        }
        self.add_words(words, code, rank, source, flags, rule);
    }

    /// True if a line of an official table, taken out of its place in the table, still says what its code means.
    /// "Presence", "cyst" and "well" stand in some code's description, but a chart means something else by them.
    fn says_enough(&self, text: &str, content: usize, code: &str) -> bool {
        let words: Vec<String> = words::cut(text).collect();
        if words.iter().all(|w| self.vocabulary.is_generic(w)) {
            return false;
        }
        let letter = code.chars().next().unwrap_or(' ');
        // External causes and reasons for contact are sentences; one word of them is a coincidence.
        if content == 1 && ('V'..='Z').contains(&letter) {
            return false;
        }
        // Poisonings list drugs by their bare names.
        if ("T36".."T66").contains(&code) && !code.starts_with("T63") {
            return words.len() > 1
                && words
                    .iter()
                    .any(|w| POISONING.iter().any(|p| w.contains(p)));
        }
        true
    }

    fn add_words(
        &mut self,
        words: Vec<u32>,
        code: &str,
        rank: u8,
        source: TermSource,
        flags: u8,
        rule: u16,
    ) {
        let key = code.replace('.', "");
        if !self.codes.contains_key(&key) {
            return;
        }
        let term = Term {
            rank: (rank, key.len(), key),
            source,
            flags,
            rule,
        };
        match self.terms.get_mut(&words) {
            Some(old) if old.rank <= term.rank => {}
            Some(old) => *old = term,
            None => {
                self.terms.insert(words, term);
            }
        }
    }

    /// A synonym table: terms (alternatives separated by `|`), code, source, and a sense rule where one is needed.
    pub(crate) fn synonyms(&mut self, table: &str, source: TermSource) -> Result<(), BuildError> {
        for (i, line) in table.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let wrong = || BuildError::Row {
                table: "synonym",
                line: i + 1,
            };
            let mut columns = line.split('\t').map(str::trim);
            let terms = columns.next().ok_or_else(wrong)?;
            let code = columns.next().ok_or_else(wrong)?;
            let _origin = columns.next();
            let (rule, flags) = self.sense(columns.next().unwrap_or("")).ok_or_else(wrong)?;
            if !self.codes.contains_key(&code.replace('.', "")) {
                self.report.unknown.push((i + 1, code.to_owned()));
                continue;
            }
            let rank = if source == TermSource::User { 0 } else { 1 };
            for term in terms.split('|').map(str::trim).filter(|t| !t.is_empty()) {
                self.add(term, code, rank, source, flags, rule);
                // "pain of the hip" is written "hip pain".
                if let Some((head, site)) =
                    term.split_once(" of ").or_else(|| term.split_once(" in "))
                    && !site.contains(" of ")
                {
                    self.add(
                        &format!("{site} {head}"),
                        code,
                        rank + 1,
                        source,
                        flags,
                        rule,
                    );
                }
            }
        }
        Ok(())
    }

    /// Reads a sense rule: `upper`, `notexam`, `diagnosis`, `near:a|b`, `unless:a|b`, `head`, `negated`, `historical`.
    fn sense(&mut self, text: &str) -> Option<(u16, u8)> {
        use crate::mention::sense_flag;
        let (mut rule, mut flags) = (Rule::default(), 0);
        for part in text.split_whitespace() {
            match part.split_once(':').unwrap_or((part, "")) {
                ("upper", _) => rule.flags |= sense_flag::UPPER,
                ("notexam", _) => rule.flags |= sense_flag::NOT_EXAM,
                ("diagnosis", _) => rule.flags |= sense_flag::DIAGNOSIS,
                ("near", words) => {
                    rule.near = words
                        .split('|')
                        .flat_map(|w| self.vocabulary.term(w))
                        .collect()
                }
                ("unless", words) => {
                    rule.unless = words
                        .split('|')
                        .flat_map(|w| self.vocabulary.term(w))
                        .collect()
                }
                ("head", _) => flags |= entry_flag::HEAD,
                ("negated", _) => flags |= entry_flag::NEGATED,
                ("historical", _) => flags |= entry_flag::HISTORICAL,
                _ => return None,
            }
        }
        Some((self.rule(rule), flags))
    }

    /// The number of a rule; 0 is "none".
    pub(crate) fn rule(&mut self, rule: Rule) -> u16 {
        if rule == Rule::default() {
            return 0;
        }
        let at = self
            .rules
            .iter()
            .position(|r| *r == rule)
            .unwrap_or_else(|| {
                self.rules.push(rule);
                self.rules.len() - 1
            });
        u16::try_from(at + 1).unwrap_or(0)
    }

    pub(crate) fn tabular_terms(&mut self) {
        let codes: Vec<(String, String, Vec<String>)> = self
            .codes
            .iter()
            .filter(|(_, c)| c.seventh.is_none())
            .map(|(k, c)| (k.clone(), c.description.clone(), c.inclusions.clone()))
            .collect();
        for (key, description, inclusions) in codes {
            // A name of a category stands for its default child, which is what its own forms lead to as well.
            let step = u8::from(self.defaults.contains_key(&key));
            for form in terms::forms(&description) {
                self.add(&form, &key, 10 + step, TermSource::Description, 0, 0);
            }
            if let Some(form) = terms::plain_form(&description) {
                self.add(&form, &key, 24, TermSource::Description, 0, 0);
            }
            for line in inclusions {
                for form in terms::forms(&line) {
                    self.add(&form, &key, 12 + step, TermSource::Inclusion, 0, 0);
                }
            }
        }
    }
}
