//! What the formats cost: `cargo run --release -p results --example format_cost`.
//!
//! With the word `ending`, only the writing of endings, many times: for a profiler.
//!
//! Endings are made of 8,000 charts of 2,000 bytes with 8 findings each, as a worker
//! makes them; a plan is of 65,536 files, one segment.

#![expect(
    clippy::print_stdout,
    reason = "a program that prints what it measured"
)]

use std::time::Instant;

use results::plan::{ObjectRef, PlannedShard, ShardSource, decode_segment, encode_segment};
use results::{Assertion, Chart, EndingKind, EndingMeta, EndingWriter, Finding, read_rows};

const CHARTS: u64 = 8_000;
const CHART_BYTES: u64 = 2_000;
const FINDINGS: u64 = 8;
const ROUNDS: u32 = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let charts: Vec<Written> = (0..CHARTS).map(Written::new).collect();
    let text = f64::from(u32::try_from(CHARTS * CHART_BYTES)?) / 1e6;
    let mut ending = write(&charts)?;
    if std::env::args().any(|arg| arg == "ending") {
        for _ in 0..100 {
            write(&charts)?;
        }
        return Ok(());
    }
    let ms = best(|| {
        ending = write(&charts)?;
        Ok(())
    })?;
    println!(
        "ending: {} rows in {ms:.1} ms = {:.2} ms per MB of charts; {} bytes",
        CHARTS * FINDINGS,
        ms / text,
        ending.len()
    );
    let ms = best(|| {
        for row in read_rows("ending", ending.clone())? {
            row?;
        }
        Ok(())
    })?;
    println!("ending read: {ms:.1} ms");

    let shards = plan();
    let (bytes, digest) = encode_segment(&shards)?;
    let ms = best(|| encode_segment(&shards).map(drop).map_err(Into::into))?;
    println!("plan of 65,536 files: {ms:.1} ms; {} bytes", bytes.len());
    let ms = best(|| {
        decode_segment(&digest, bytes.clone())
            .map(drop)
            .map_err(Into::into)
    })?;
    println!("plan read: {ms:.1} ms");
    Ok(())
}

type Failure = Box<dyn std::error::Error>;

/// The shortest time of several, in ms.
fn best(mut what: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        what()?;
        best = best.min(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(best)
}

struct Written {
    id: String,
    meta: String,
    findings: Vec<(String, String, String, u64)>,
}

impl Written {
    fn new(n: u64) -> Self {
        let findings = (0..FINDINGS).map(|f| {
            // A few hundred codes, some much more often than others.
            let code = (n * 31 + f * 17) % 61 * ((n + f) % 7);
            (
                format!("E{:02}.{}", code % 100, code / 100),
                format!("Type {code} disorder of something with unspecified complication"),
                format!("disorder of something {code}"),
                f * 200 + n % 97,
            )
        });
        Self {
            id: format!("2026/ward-{:02}/chart-{n:07}.txt", n / 4096),
            meta: format!("{{\"encounter\":\"{}\",\"patient\":\"{}\"}}", n * 7, n * 13),
            findings: findings.collect(),
        }
    }
}

fn write(charts: &[Written]) -> Result<bytes::Bytes, Failure> {
    let mut writer = EndingWriter::new()?;
    for chart in charts {
        let shared = Chart {
            chart_id: &chart.id,
            meta: Some(&chart.meta),
        };
        for (code, description, evidence, begin) in &chart.findings {
            let finding = Finding {
                code: Some(code),
                description: Some(description),
                assertion: Some(Assertion::Present),
                billable: Some(true),
                evidence: Some(evidence),
                span: Some((*begin, begin + 20)),
                section: Some("Assessment and Plan"),
                engine: Some("icd10 0.1.0"),
                terminology: Some("icd10cm-fy2026"),
                answer: None,
                also: &[],
            };
            writer.coded(shared, Some(&finding))?;
        }
    }
    Ok(writer.finish(&EndingMeta {
        run: "r1".parse()?,
        shard: 1,
        kind: EndingKind::Committed,
        master_epoch: 1,
        lease: 1,
        worker: "w1".to_owned(),
        charts: CHARTS,
        charts_quarantined: 0,
        findings: CHARTS * FINDINGS,
        reason: None,
        verdict: None,
        children: None,
    })?)
}

fn plan() -> Vec<PlannedShard> {
    let object = |n: u64| ObjectRef {
        path: format!("2026/ward-{:02}/chart-{n:07}.txt", n / 4096).into_bytes(),
        size: 1500 + n * 7919 % 3000,
        version: format!("{}", 1_760_000_000_000_000_000 + n * 104_729_003),
    };
    (0..64)
        .map(|shard| PlannedShard {
            source: ShardSource::Files((0..1024).map(|i| object(shard * 1024 + i)).collect()),
            bytes: 3_000_000,
        })
        .collect()
}
