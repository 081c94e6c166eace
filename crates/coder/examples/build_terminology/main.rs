//! Builds the embedded terminology from `data/sources`: `cargo run -p coder --example build_terminology --release`.

#![expect(clippy::print_stdout, reason = "an example's output")]

mod sources;

use std::fs;
use std::path::Path;

use coder::build::build;
use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let sources = sources::read(&data)?;
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
