//! Terms of the official indexes and tables, and of the disease ontology.

use super::collect::{Collector, Rule};
use super::{BuildError, index, terms, words, xml};
use crate::finding::TermSource;
use crate::terminology::entry_flag;

impl Collector {
    pub(crate) fn index_terms(&mut self, index: &xml::Element, main: bool) {
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

    pub(crate) fn neoplasm_terms(&mut self, index: &xml::Element) {
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

    pub(crate) fn drug_terms(&mut self, index: &xml::Element) {
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

    pub(crate) fn ontology_terms(&mut self, json: &[u8]) -> Result<(), BuildError> {
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
