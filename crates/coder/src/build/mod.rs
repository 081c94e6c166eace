//! The terminology builder: official release files and synonym tables in, one flat file out.
//!
//! The caller reads the files; this module sees their content only. The same content gives the same bytes.

mod index;
mod tabular;
mod terms;
mod words;
mod write;
mod xml;

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use crate::finding::TermSource;
use crate::terminology::{TerminologyError, entry_flag};
use tabular::Tabular;
use words::Vocabulary;

/// The program's own synonyms: abbreviations, lay terms and common names.
pub const OWN_SYNONYMS: &str = include_str!("../../data/synonyms.tsv");
static OWN_WORDS: &str = include_str!("../../data/words.tsv");
static OWN_COMBINATIONS: &str = include_str!("../../data/combinations.tsv");

/// The content of the release files and tables. XML and lists may be gzip-compressed.
#[derive(Debug, Default)]
pub struct Sources {
    /// The name that the terminology will carry, as in `icd10cm-fy2026-04`.
    pub version: String,
    /// `icd10cm-tabular-*.xml`.
    pub tabular: Vec<u8>,
    /// The code list: one code a line, with or without dots; further columns are ignored.
    pub code_list: Vec<u8>,
    /// `icd10cm-neoplasm-*.xml`.
    pub neoplasm: Option<Vec<u8>>,
    /// `icd10cm-drug-*.xml`.
    pub drug: Option<Vec<u8>>,
    /// `icd10cm-eindex-*.xml`.
    pub external: Option<Vec<u8>>,
    /// `icd10cm-index-*.xml`, the main Alphabetic Index.
    pub index: Option<Vec<u8>>,
    /// Synonyms of the Human Disease Ontology, as JSON with `synonym_to_icd10cm`.
    pub disease_ontology: Option<Vec<u8>>,
    /// Synonym tables in the order of trust: text, and where it is from.
    pub synonyms: Vec<(String, TermSource)>,
}

/// What was built, for the person who built it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Codes of the release, categories included.
    pub codes: usize,
    /// Different terms that lead to a code.
    pub terms: usize,
    /// Terms of synonym tables whose code the release does not have: line and code of each.
    pub unknown: Vec<(usize, String)>,
}

/// Why a terminology could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file is not well-formed.
    #[error("cannot read the XML of the {file}")]
    Xml {
        /// Which of the release files.
        file: &'static str,
        /// What is wrong with it.
        #[source]
        source: quick_xml::Error,
    },
    /// A file is not gzip although it begins so, or not text.
    #[error("cannot unpack the {file}")]
    Unpack {
        /// Which of the release files.
        file: &'static str,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// A file is not UTF-8 text.
    #[error("the {0} is not UTF-8 text")]
    Text(&'static str),
    /// A file holds nothing that was looked for.
    #[error("the {0} holds nothing that can be used")]
    Empty(&'static str),
    /// A row of a table cannot be read.
    #[error("line {line} of the {table} table cannot be read")]
    Row {
        /// Which table.
        table: &'static str,
        /// Its line, from 1.
        line: usize,
    },
    /// The ontology's JSON cannot be read.
    #[error("cannot read the JSON of the disease ontology")]
    Json(#[source] serde_json::Error),
    /// The result does not fit the file format.
    #[error("cannot write the terminology")]
    Write(#[source] TerminologyError),
}

/// Builds the flat file.
pub fn build(sources: &Sources) -> Result<(Vec<u8>, Report), BuildError> {
    let tabular = xml::parse("tabular list", &unpack("tabular list", &sources.tabular)?)?;
    let code_list = unpack("code list", &sources.code_list)?;
    let code_list: String = String::from_utf8_lossy(&code_list)
        .lines()
        .filter_map(|l| l.split([' ', '\t', ',']).next())
        .flat_map(|code| [code, "\n"])
        .collect();
    let codes = tabular::read(&tabular, &code_list)?;
    let mut collector = Collector {
        vocabulary: Vocabulary::new(OWN_WORDS)?,
        defaults: defaults(&codes),
        codes,
        terms: BTreeMap::new(),
        rules: Vec::new(),
        report: Report::default(),
    };
    for (table, source) in &sources.synonyms {
        collector.synonyms(table, *source)?;
    }
    collector.tabular_terms();
    for (file, content) in [
        ("alphabetic index", &sources.index),
        ("external cause index", &sources.external),
    ] {
        if let Some(content) = content {
            collector.index_terms(
                &xml::parse(file, &unpack(file, content)?)?,
                file == "alphabetic index",
            );
        }
    }
    if let Some(content) = &sources.neoplasm {
        let file = "neoplasm table";
        collector.neoplasm_terms(&xml::parse(file, &unpack(file, content)?)?);
    }
    if let Some(content) = &sources.drug {
        let file = "drug table";
        collector.drug_terms(&xml::parse(file, &unpack(file, content)?)?);
    }
    if let Some(content) = &sources.disease_ontology {
        collector.ontology_terms(&unpack("disease ontology", content)?)?;
    }
    collector.report.codes = collector.codes.len();
    collector.report.terms = collector.terms.len();
    let report = collector.report.clone();
    let file = write::write(&sources.version, collector, OWN_COMBINATIONS)?;
    Ok((file, report))
}

/// The content of a file, unpacked if it is gzip.
fn unpack(file: &'static str, content: &[u8]) -> Result<Vec<u8>, BuildError> {
    if !content.starts_with(&[0x1f, 0x8b]) {
        return Ok(content.to_vec());
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(content)
        .read_to_end(&mut plain)
        .map_err(|source| BuildError::Unpack { file, source })?;
    Ok(plain)
}

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
    report: Report,
}

/// Parts of words by which a term of the drug chapters speaks of harm, not of the drug alone.
const POISONING: [&str; 9] = [
    "poison", "toxic", "adverse", "overdos", "underdos", "intox", "ingest", "effect", "inhal",
];

/// A release has more words in a description than a chart ever repeats in a row.
const LONGEST_TERM: usize = 6;

impl Collector {
    fn add(&mut self, text: &str, code: &str, rank: u8, source: TermSource, flags: u8, rule: u16) {
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
    fn synonyms(&mut self, table: &str, source: TermSource) -> Result<(), BuildError> {
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
    fn rule(&mut self, rule: Rule) -> u16 {
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

    fn tabular_terms(&mut self) {
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

    fn index_terms(&mut self, index: &xml::Element, main: bool) {
        for line in index::lines(index) {
            let Some(code) = &line.code else { continue };
            if line.titles.len() > 4 || (!main && line.titles.len() < 2) {
                continue;
            }
            let parts: Vec<Vec<String>> =
                line.titles.iter().map(|t| index::alternatives(t)).collect();
            for form in join(&parts) {
                self.add(&form, code, 16, TermSource::Index, 0, 0);
            }
            if let [head, rest] = &parts[..] {
                for form in join(&[rest.clone(), head.clone()]) {
                    self.add(&form, code, 17, TermSource::Index, 0, 0);
                }
            }
        }
    }

    fn neoplasm_terms(&mut self, index: &xml::Element) {
        // Column of the table → how charts name such a growth.
        const KINDS: [(u8, &[&str]); 5] = [
            (2, &["cancer", "malignant neoplasm"]),
            (3, &["metastasis", "secondary malignant neoplasm"]),
            (4, &["carcinoma in situ", "in situ carcinoma"]),
            (5, &["benign neoplasm"]),
            (7, &["neoplasm"]),
        ];
        for line in index::lines(index) {
            let sites: Vec<Vec<String>> = line
                .titles
                .iter()
                .skip(1)
                .map(|t| index::alternatives(t))
                .collect();
            if sites.is_empty() || sites.len() > 3 || line.titles.iter().any(|t| t.contains("NEC"))
            {
                continue;
            }
            let inward = join(&sites);
            let outward = join(&sites.iter().rev().cloned().collect::<Vec<_>>());
            if let Some((_, code)) = line.cells.iter().find(|(c, _)| *c == 2) {
                // "Metastatic lung cancer" began in the lung.
                for site in &outward {
                    self.add(
                        &format!("metastatic {site} cancer"),
                        code,
                        14,
                        TermSource::Neoplasm,
                        0,
                        0,
                    );
                }
            }
            for (column, names) in KINDS {
                let Some((_, code)) = line.cells.iter().find(|(c, _)| *c == column) else {
                    continue;
                };
                for site in inward.iter().chain(&outward) {
                    for name in names {
                        self.add(
                            &format!("{name} of {site}"),
                            code,
                            14,
                            TermSource::Neoplasm,
                            0,
                            0,
                        );
                        self.add(
                            &format!("{site} {name}"),
                            code,
                            15,
                            TermSource::Neoplasm,
                            0,
                            0,
                        );
                    }
                }
            }
        }
    }

    fn drug_terms(&mut self, index: &xml::Element) {
        const KINDS: [(u8, &[&str]); 2] =
            [(2, &["poisoning"]), (6, &["adverse effect", "toxicity"])];
        for line in index::lines(index) {
            let [name] = &line.titles[..] else { continue };
            for drug in index::alternatives(name) {
                if drug.len() < 4 || drug.split(' ').count() > 2 {
                    continue;
                }
                for (column, names) in KINDS {
                    let Some((_, code)) = line.cells.iter().find(|(c, _)| *c == column) else {
                        continue;
                    };
                    for name in names {
                        self.add(
                            &format!("{name} of {drug}"),
                            code,
                            18,
                            TermSource::Drug,
                            0,
                            0,
                        );
                        self.add(&format!("{drug} {name}"), code, 18, TermSource::Drug, 0, 0);
                    }
                }
            }
        }
    }

    fn ontology_terms(&mut self, json: &[u8]) -> Result<(), BuildError> {
        let root: serde_json::Value = serde_json::from_slice(json).map_err(BuildError::Json)?;
        let pairs = root
            .get("synonym_to_icd10cm")
            .and_then(serde_json::Value::as_object)
            .ok_or(BuildError::Empty("disease ontology"))?;
        let capitals = Rule {
            flags: crate::mention::sense_flag::UPPER,
            ..Rule::default()
        };
        let capitals = self.rule(capitals);
        for (term, code) in pairs {
            let Some(code) = code.as_str() else { continue };
            if term.len() < 3 {
                continue;
            }
            // A short single word is an abbreviation, and means the disease only in capitals.
            let short = !term.contains([' ', '-']) && term.len() <= 4;
            let growth = words::cut(term).last().is_some_and(|w| {
                [
                    "cancer",
                    "carcinoma",
                    "adenocarcinoma",
                    "sarcoma",
                    "neoplasm",
                    "tumor",
                ]
                .contains(&w.as_str())
            });
            let flags = if growth && words::cut(term).count() <= 3 {
                entry_flag::HEAD
            } else {
                0
            };
            for form in terms::forms(term) {
                self.add(
                    &form,
                    code,
                    20,
                    TermSource::DiseaseOntology,
                    flags,
                    if short { capitals } else { 0 },
                );
            }
        }
        Ok(())
    }
}

/// Every way of choosing one alternative from each part, joined by spaces.
fn join(parts: &[Vec<String>]) -> Vec<String> {
    parts.iter().fold(vec![String::new()], |all, part| {
        all.iter()
            .flat_map(|head| {
                part.iter()
                    .map(move |p| format!("{head} {p}").trim().to_owned())
            })
            .take(12)
            .collect()
    })
}

/// The child that stands for a code when nothing more is known.
fn defaults(codes: &Tabular) -> BTreeMap<String, String> {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, code) in codes {
        if let Some(parent) = &code.parent {
            children.entry(parent).or_default().push(key);
        }
    }
    let mut defaults = BTreeMap::new();
    for (parent, kids) in children {
        let text = |k: &str| {
            codes
                .get(k)
                .map(|c| c.description.to_lowercase())
                .unwrap_or_default()
        };
        let seventh = |k: &str| codes.get(k).is_some_and(|c| c.seventh.is_some());
        let own = text(parent);
        let choice = if kids.iter().all(|k| seventh(k)) {
            // The initial encounter, or else the first in order.
            kids.iter().find(|k| k.ends_with('A')).or(kids.first())
        } else {
            let plain = |k: &&&str| {
                let description = text(k);
                terms::plain_form(&description).is_some_and(|f| f == own)
                    || description == format!("{own}, unspecified")
                    || description == format!("unspecified {own}")
            };
            let shortest = |k: &&&str| text(k).len();
            kids.iter()
                .filter(|k| plain(k) && text(k).contains("unspecified"))
                .min_by_key(shortest)
                .or_else(|| {
                    kids.iter().rev().find(|k| {
                        (k.ends_with('9') || k.ends_with('0')) && text(k).contains("unspecified")
                    })
                })
                .or_else(|| kids.iter().filter(plain).min_by_key(shortest))
                .or_else(|| {
                    kids.iter().find(|k| {
                        text(k).contains("without complication")
                            || text(k).contains("uncomplicated")
                    })
                })
                .or_else(|| kids.iter().find(|k| text(k).contains("unspecified")))
        };
        if let Some(choice) = choice {
            defaults.insert(parent.to_owned(), (*choice).to_owned());
        }
    }
    defaults
}
