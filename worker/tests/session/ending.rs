//! From a lease to an ending.

use std::collections::BTreeSet;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use proto::v1;
use results::Status;
use store::{Created, Listed, Store, StoreError};
use worker::Outcome;

use crate::world::{World, as_store, committed, epoch, released};

pub(crate) async fn charts_become_rows_of_an_ending() {
    let mut world = World::new().await;
    world.write("a.txt", "Type 2 diabetes. Denies chest pain.");
    world.write("b.txt", "Nothing to be said.");
    world.write("empty.txt", " \n");
    let running = world.run();
    let engine = world.icd10();
    let mut session = world.begin(engine).await;
    assert_eq!(session.hello.slots, 1);
    assert_eq!(session.hello.program_version, env!("CARGO_PKG_VERSION"));
    session.until(|session| session.credit > 0).await;
    session
        .lease(vec![world.files(7, &["a.txt", "b.txt", "empty.txt"])])
        .await;
    let report = session.report().await;
    assert_eq!((report.shard, report.epoch), (7, epoch(7)));
    let told = committed(&report);
    assert_eq!(
        (told.charts, told.charts_quarantined, told.findings),
        (3, 1, 2)
    );

    let rows = world.rows(7).await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.chart_id.as_str(), row.status, row.code.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("a.txt", Status::Coded, Some("E11.9")),
            ("a.txt", Status::Coded, Some("R07.9")),
            ("b.txt", Status::Coded, None),
            ("empty.txt", Status::Quarantined, None),
        ]
    );
    assert_eq!(rows[3].reason.as_deref(), Some("empty chart"));
    session.drain(v1::DrainMode::Finish).await;
    session.goodbye().await;
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
}

pub(crate) async fn a_lease_of_a_part_reads_only_that() {
    let mut world = World::new().await;
    let line = |n| format!("{{\"id\":\"c{n}\",\"text\":\"Gout.\"}}\n");
    let text: String = (0..100).map(line).collect();
    world.write("many.jsonl", &text);
    let _running = world.run();
    let engine = world.icd10();
    let mut session = world.begin(engine).await;
    let half = (text.len() / 2) as u64;
    let lease = |shard, begin, end| v1::Lease {
        shard,
        epoch: epoch(shard),
        begin,
        end,
        source: Some(v1::Source {
            source: Some(v1::source::Source::Lines(v1::Lines {
                object: Some(world.object("many.jsonl")),
                format: v1::LineFormat::Jsonl.into(),
                begin: 0,
                end: text.len() as u64,
            })),
        }),
    };
    session
        .lease(vec![lease(1, 0, half), lease(2, half, text.len() as u64)])
        .await;
    let told = [session.report().await, session.report().await].map(|r| committed(&r).charts);
    assert_eq!(told[0] + told[1], 100);
    assert!(
        told.iter().all(|charts| (40..=60).contains(charts)),
        "{told:?}"
    );
}

/// Also sees that the engine without work touches no input, and that a worker says much in
/// few messages.
pub(crate) async fn many_leases_end_once_each_and_within_credit() {
    const SHARDS: u32 = 2000;
    let mut world = World::new().await;
    std::fs::remove_dir(world.input()).unwrap();
    let mut config = world.config();
    config.slots = 2;
    config.store = as_store(world.store());
    let running = world.run_with(config);
    let engine = v1::engine::Engine::Noop(v1::Noop {});
    let mut session = world.begin(engine).await;
    let (mut given, mut ended) = (0, BTreeSet::new());
    let mut outstanding_most = 0;
    while ended.len() < SHARDS as usize {
        let all_given = given == SHARDS;
        session
            .until(|session| session.has_reports() || (session.credit > 0 && !all_given))
            .await;
        let count = session.credit.min(SHARDS - given);
        session.credit -= count;
        let shards = given + 1..=given + count;
        given += count;
        let leases = shards.map(|shard| v1::Lease {
            shard,
            epoch: epoch(shard),
            begin: 0,
            end: 1,
            source: None,
        });
        session.lease(leases.collect()).await;
        outstanding_most = outstanding_most.max(u64::from(given) - ended.len() as u64);
        for report in session.reports() {
            assert_eq!(committed(&report).charts, 0);
            assert!(ended.insert(report.shard), "reported twice");
        }
    }
    assert!(
        outstanding_most <= 2 * 513,
        "{outstanding_most} leases ahead"
    );
    assert_eq!(world.store().list("").await.unwrap().len(), SHARDS as usize);
    session.drain(v1::DrainMode::Release).await;
    session.goodbye().await;
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
}

pub(crate) async fn an_ending_of_somebody_else_is_left_alone() {
    let mut world = World::new().await;
    world.write("a.txt", "Gout.");
    let key = "runs/night-07/shards/s00000001.parquet";
    let theirs = results::EndingMeta {
        run: "night-07".parse().unwrap(),
        shard: 1,
        kind: results::EndingKind::Committed,
        master_epoch: 2,
        lease: 10,
        worker: "w0009".to_owned(),
        charts: 0,
        charts_quarantined: 0,
        findings: 0,
        reason: None,
        verdict: None,
        children: None,
    };
    let theirs = results::EndingWriter::new()
        .unwrap()
        .finish(&theirs)
        .unwrap();
    world.store().create(key, theirs.clone()).await.unwrap();
    let _running = world.run();
    let engine = world.icd10();
    let mut session = world.begin(engine).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    let report = session.report().await;
    assert_eq!(
        report.outcome,
        Some(v1::report::Outcome::AlreadyEnded(true))
    );
    assert_eq!(world.store().read(key).await.unwrap(), Some(theirs));
}

pub(crate) async fn a_full_disk_is_reported_as_such() {
    let mut world = World::new().await;
    world.write("a.txt", "Gout.");
    let mut config = world.config();
    config.store = as_store(FullDisk);
    let _running = world.run_with(config);
    let engine = world.icd10();
    let mut session = world.begin(engine).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    let Some(v1::report::Outcome::Failed(failed)) = session.report().await.outcome else {
        panic!("it did not fail");
    };
    assert_eq!(failed.kind(), v1::failed::Kind::DiskFull);
    assert!(failed.cause.contains("s00000001"), "{}", failed.cause);
}

pub(crate) async fn another_coder_than_the_pinned_one_does_not_work() {
    let mut world = World::new().await;
    world.write("a.txt", "Gout.");
    let running = world.run();
    let v1::engine::Engine::Icd10(mut icd10) = world.icd10() else {
        unreachable!();
    };
    icd10.cues_digest = "0".repeat(64);
    let mut session = world.begin(v1::engine::Engine::Icd10(icd10)).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    session.until(|session| session.leaving).await;
    assert!(session.broken.contains("cue table"), "{}", session.broken);
    let reports = session.goodbye().await;
    // It may have gone before the lease came.
    assert!(reports.iter().all(released));
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
    assert!(world.rows(1).await.is_none());
}

#[derive(Debug)]
struct FullDisk;

#[async_trait]
impl Store for FullDisk {
    async fn create(&self, key: &str, _: Bytes) -> Result<Created, StoreError> {
        Err(StoreError::DiskFull {
            key: key.to_owned(),
            source: std::io::ErrorKind::StorageFull.into(),
        })
    }

    async fn read(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    async fn read_range(&self, key: &str, _: Range<u64>) -> Result<Bytes, StoreError> {
        Err(StoreError::NotFound {
            key: key.to_owned(),
        })
    }

    async fn size(&self, _: &str) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    async fn exists(&self, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn list(&self, _: &str) -> Result<Vec<Listed>, StoreError> {
        Ok(Vec::new())
    }

    async fn list_folders(&self, _: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
