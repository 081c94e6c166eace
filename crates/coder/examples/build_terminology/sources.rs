//! The official files and own tables that the embedded terminology is built from.

use std::fs;
use std::io;
use std::path::Path;

use coder::TermSource;
use coder::build::Sources;

/// Reads all of them from the crate's `data` folder.
pub(crate) fn read(data: &Path) -> io::Result<Sources> {
    let read = |name: &str| fs::read(data.join("sources").join(name));
    Ok(Sources {
        version: "icd10cm-fy2026-04".to_owned(),
        tabular: read("tabular-2026-04.xml.gz")?,
        code_list: read("code-list-2026-04.txt.gz")?,
        neoplasm: Some(read("neoplasm-2026-04.xml.gz")?),
        drug: Some(read("drug-2026-04.xml.gz")?),
        external: Some(read("eindex-2026-04.xml.gz")?),
        index: None,
        disease_ontology: Some(read("doid_icd10cm.json.gz")?),
        synonyms: vec![(
            fs::read_to_string(data.join("synonyms.tsv"))?,
            TermSource::Synonym,
        )],
    })
}
