//! Builds the embedded terminology from `data/sources`: `cargo run -p coder --example build_terminology --release`.

#![expect(clippy::print_stdout, reason = "an example's output")]

use std::fs;
use std::path::Path;

use coder::TermSource;
use coder::build::{OWN_SYNONYMS, Sources, build};
use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let read = |name: &str| fs::read(data.join("sources").join(name));
    let sources = Sources {
        version: "icd10cm-fy2026-04".to_owned(),
        tabular: read("tabular-2026-04.xml.gz")?,
        code_list: read("code-list-2026-04.txt.gz")?,
        neoplasm: Some(read("neoplasm-2026-04.xml.gz")?),
        drug: Some(read("drug-2026-04.xml.gz")?),
        external: Some(read("eindex-2026-04.xml.gz")?),
        index: None,
        disease_ontology: Some(read("doid_icd10cm.json.gz")?),
        synonyms: vec![(OWN_SYNONYMS.to_owned(), TermSource::Synonym)],
    };
    let (file, report) = build(&sources)?;
    let digest: String = Sha256::digest(&file)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    fs::write(data.join("icd10cm-fy2026.bin"), &file)?;
    fs::write(data.join("icd10cm-fy2026.sha256"), format!("{digest}\n"))?;
    println!(
        "{} bytes, {} codes, {} terms",
        file.len(),
        report.codes,
        report.terms
    );
    for (line, code) in report.unknown {
        println!("synonyms.tsv line {line}: the release has no code {code}");
    }
    Ok(())
}
