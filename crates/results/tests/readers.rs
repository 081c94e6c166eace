//! Other people's readers read the folder of endings as it stands.

mod venv;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use results::{Assertion, Chart, EndingKind, EndingMeta, EndingWriter, Finding, Row, read_rows};
use serde::Deserialize;
use store::run_log::Child;

/// Prints, for each reader, how many rows there are of each status, and all rows.
const SCRIPT: &str = r#"
import json, sys
import duckdb, pyarrow.dataset
folder = sys.argv[1]

def said(rows):
    rows.sort(key=lambda r: (r["chart_id"], r["begin"] or 0))
    return rows

table = pyarrow.dataset.dataset(folder, format="parquet").to_table()
counts = table.group_by("status").aggregate([([], "count_all")]).to_pylist()
arrow = {
    "counts": {c["status"]: c["count_all"] for c in counts},
    "rows": said(table.to_pylist()),
}

endings = f"read_parquet('{folder}/*.parquet')"
counts = duckdb.sql(f"select status, count(*) from {endings} group by status").fetchall()
all = duckdb.sql(f"select * from {endings}")
duck = {
    "counts": dict(counts),
    "rows": said([dict(zip(all.columns, row)) for row in all.fetchall()]),
}
print(json.dumps([arrow, duck]))
"#;

#[derive(Deserialize)]
struct Said {
    counts: BTreeMap<String, u64>,
    rows: Vec<Row>,
}

#[test]
fn pyarrow_and_duckdb_read_the_folder_of_endings() {
    let folder = tempfile::tempdir().unwrap();
    write_endings(folder.path());
    let mut expected: Vec<Row> = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap().into();
        expected.extend(read_rows("ending", bytes).unwrap().map(Result::unwrap));
    }
    expected.sort_by_key(|row| (row.chart_id.clone(), row.begin.unwrap_or(0)));

    let python = venv::python(Path::new(env!("CARGO_TARGET_TMPDIR")), &venv::READERS);
    let mut read = Command::new(python);
    read.args(["-c", SCRIPT]).arg(folder.path());
    let said = venv::succeed(&mut read, "the readers do not read the endings");
    let said: Vec<Said> = serde_json::from_str(&said).unwrap();
    assert_eq!(said.len(), 2);
    for (reader, said) in ["pyarrow", "duckdb"].into_iter().zip(said) {
        let counts = [("coded".to_owned(), 6), ("quarantined".to_owned(), 3)];
        assert_eq!(said.counts, counts.into(), "{reader}");
        // Rows show nothing of themselves, so compare them as JSON.
        let json = |rows| serde_json::to_string_pretty(rows).unwrap();
        assert_eq!(json(&said.rows), json(&expected), "{reader}");
    }
}

/// Two committed endings, one of them without any finding, one split and one quarantine,
/// with and without rows.
fn write_endings(folder: &Path) {
    let chart = |chart_id| Chart {
        chart_id,
        meta: Some("{\"patient\": \"p\"}"),
    };
    let mut coded = writer();
    for (i, assertion) in Assertion::ALL[..4].iter().enumerate() {
        let at = i as u64 * 10;
        let finding = Finding {
            code: Some("E11.9"),
            description: Some("Type 2 diabetes mellitus without complications"),
            assertion: Some(*assertion),
            billable: Some(i == 0),
            evidence: Some("T2DM \n👩🏽‍⚕️ \"x\""),
            span: Some((at, at + 4)),
            section: Some("Assessment"),
            engine: Some("icd10"),
            terminology: Some("fy2026"),
            answer: Some("{\"a\":[1,2]}"),
            also: &[(100, 104), (200, 204)],
        };
        coded
            .coded(chart("ward 1/\n.txt"), Some(&finding))
            .expect("a row");
    }
    coded.quarantined(chart("bad"), "not UTF-8").expect("a row");
    save(folder, coded, meta(1, EndingKind::Committed, 2, 4));

    let mut nothing = writer();
    nothing.coded(chart("healthy"), None).expect("a row");
    nothing.coded(chart("healthy too"), None).expect("a row");
    save(folder, nothing, meta(2, EndingKind::Committed, 2, 0));

    let split = EndingMeta {
        children: Some(vec![Child {
            shard: 5,
            begin: 0,
            end: 1,
        }]),
        ..meta(3, EndingKind::Split, 0, 0)
    };
    save(folder, writer(), split);

    let mut quarantine = writer();
    quarantine
        .quarantined(chart("q1"), "engine died")
        .expect("a row");
    quarantine
        .quarantined(chart("q2"), "engine died")
        .expect("a row");
    save(folder, quarantine, meta(4, EndingKind::Quarantined, 2, 0));
    let unknown = writer();
    save(folder, unknown, meta(5, EndingKind::Quarantined, 7, 0));
}

fn writer() -> EndingWriter {
    EndingWriter::new().expect("a writer")
}

fn save(folder: &Path, writer: EndingWriter, meta: EndingMeta) {
    let path = folder.join(format!("s{:08}.parquet", meta.shard));
    fs::write(path, writer.finish(&meta).expect("an ending")).expect("a file of it");
}

fn meta(shard: u32, kind: EndingKind, charts: u64, findings: u64) -> EndingMeta {
    EndingMeta {
        run: "r1".parse().expect("a run id"),
        shard,
        kind,
        master_epoch: 1,
        lease: 1,
        worker: "w1".to_owned(),
        charts,
        charts_quarantined: 0,
        findings,
        reason: None,
        verdict: None,
        children: None,
    }
}
