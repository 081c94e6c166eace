//! The terminology builder: official release files and synonym tables in, one flat file out.
//!
//! The caller reads the files; this module sees their content only. The same content gives the same bytes.

mod collect;
mod defaults;
mod index;
mod tables;
mod tabular;
mod terms;
mod words;
mod write;
mod xml;

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use crate::finding::TermSource;
use crate::terminology::TerminologyError;
use collect::Collector;
use defaults::defaults;
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
