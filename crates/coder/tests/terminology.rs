//! The embedded terminology is what its sources say, and its numbers are those of the official release.

#[path = "../examples/build_terminology/sources.rs"]
mod sources;

use std::path::Path;

use coder::Terminology;
use coder::build::build;
use sha2::{Digest as _, Sha256};

#[test]
fn building_again_gives_the_committed_file() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let (file, report) = build(&sources::read(&data).expect("the sources")).expect("a build");
    let committed = std::fs::read(data.join("icd10cm-fy2026.bin")).expect("the committed file");
    let same = file == committed;
    assert!(
        same,
        "run `cargo run --release -p coder --example build_terminology` and commit what it writes"
    );
    assert_eq!(
        report.unknown,
        [],
        "synonyms whose code the release does not have"
    );
    let digest: String = Sha256::digest(&file)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(Terminology::embedded().digest(), digest);
}

#[test]
fn the_release_has_the_official_codes() {
    let t = Terminology::embedded();
    assert_eq!(t.version(), "icd10cm-fy2026-04");
    assert!(t.code_count() > 97_000, "{}", t.code_count());
    assert_eq!(
        t.describe("E11.9").as_deref(),
        Some("Type 2 diabetes mellitus without complications")
    );
    let initial = "Unspecified fracture of left femur, initial encounter for closed fracture";
    assert_eq!(t.describe("S72.92XA").as_deref(), Some(initial));
    assert_eq!(t.describe("E11.99"), None);
    let billable =
        ["E11.9", "E11", "S72.92XA", "S72.92", "M54.5", "M54.50"].map(|c| t.is_billable(c));
    assert_eq!(billable, [true, false, true, false, false, true]);
}
