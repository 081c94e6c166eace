//! The reader of a run, over a store in a directory.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use results::plan::{ObjectRef, PlannedShard, ShardSource, encode_segment};
use results::{Chart, EndingKind, EndingMeta, EndingWriter, Finding, RunReader, digest};
use store::run_log::Child;
use store::{DirectoryStore, RunId, ShardName, Store, layout};

struct World {
    root: tempfile::TempDir,
    store: Arc<dyn Store>,
    run: RunId,
    reader: RunReader,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a world to test in");
        let store: Arc<dyn Store> =
            Arc::new(DirectoryStore::open(root.path()).expect("a world to test in"));
        let run: RunId = "r1".parse().expect("a world to test in");
        Self {
            root,
            store: Arc::clone(&store),
            run: run.clone(),
            reader: RunReader::new(store, run),
        }
    }

    async fn put(&self, shard: u32, bytes: Bytes) {
        let key = layout::ending(&self.run, ShardName(shard));
        self.store
            .create(&key, bytes)
            .await
            .expect("a world to test in");
    }

    fn meta(&self, shard: u32) -> EndingMeta {
        EndingMeta {
            run: self.run.clone(),
            shard,
            kind: EndingKind::Committed,
            master_epoch: 1,
            lease: shard.into(),
            worker: "w1".to_owned(),
            charts: 1,
            charts_quarantined: 0,
            findings: 1,
            reason: None,
            verdict: None,
            children: None,
        }
    }

    fn committed(&self, shard: u32, code: &str) -> Bytes {
        let mut writer = EndingWriter::new().expect("a world to test in");
        let chart = Chart {
            chart_id: &format!("chart {shard}"),
            meta: None,
        };
        let finding = Finding {
            code: Some(code),
            ..Finding::default()
        };
        writer
            .coded(chart, Some(&finding))
            .expect("a world to test in");
        writer
            .finish(&self.meta(shard))
            .expect("a world to test in")
    }

    /// A split whose footer is longer than what is read at first.
    fn split(&self, shard: u32) -> Bytes {
        let children = (0..2000).map(|n| Child {
            shard: 100 + n,
            begin: n.into(),
            end: u64::from(n) + 1,
        });
        let meta = EndingMeta {
            kind: EndingKind::Split,
            charts: 0,
            findings: 0,
            children: Some(children.collect()),
            ..self.meta(shard)
        };
        EndingWriter::new()
            .expect("a world to test in")
            .finish(&meta)
            .expect("a world to test in")
    }
}

#[tokio::test]
async fn metas_rows_and_lines_of_a_run() {
    let world = World::new();
    let ended = world.committed(2, "E11.9");
    world.put(2, ended.clone()).await;
    world.put(1, world.split(1)).await;
    world.put(3, world.committed(3, "I10")).await;
    fs::write(world.root.path().join("runs/r1/shards/notes.txt"), b"x").unwrap();

    let endings = world.reader.endings().await.unwrap();
    let shards: Vec<u32> = endings.iter().map(|e| e.shard.0).collect();
    assert_eq!(shards, [1, 2, 3]);
    let metas: Vec<EndingMeta> = world.reader.metas(endings).try_collect().await.unwrap();
    let kinds: Vec<EndingKind> = metas.iter().map(|m| m.kind).collect();
    assert_eq!(
        kinds,
        [
            EndingKind::Split,
            EndingKind::Committed,
            EndingKind::Committed
        ]
    );
    assert_eq!(metas[0].children.as_ref().unwrap().len(), 2000);
    assert_eq!(metas[1], world.meta(2));

    let found = world.reader.find(|row| row.code.as_deref() == Some("I10"));
    let found = found.await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].chart_id, "chart 3");

    let line = world.reader.describe(ShardName(2)).await.unwrap().unwrap();
    assert_eq!((line.shard, line.findings), (2, 1));
    assert_eq!(line.bytes, ended.len() as u64);
    assert_eq!(line.sha256, digest(&ended));
    assert!(world.reader.describe(ShardName(9)).await.unwrap().is_none());
    assert!(world.reader.rows(ShardName(9)).await.unwrap().is_none());
    let key = layout::ending(&world.run, ShardName(9));
    let none = EndingMeta::read(world.store.as_ref(), &key).await.unwrap();
    assert!(none.is_none());
}

#[tokio::test]
async fn a_damaged_ending_is_named() {
    let world = World::new();
    let whole = world.committed(4, "I10");
    world.put(4, whole.slice(..whole.len() - 9)).await;
    let key = "runs/r1/shards/s00000004.parquet";
    let endings = world.reader.endings().await.unwrap();
    let metas: Result<Vec<_>, _> = world.reader.metas(endings).try_collect().await;
    let errors = [
        metas.unwrap_err(),
        world.reader.rows(ShardName(4)).await.unwrap_err(),
        world.reader.describe(ShardName(4)).await.unwrap_err(),
        world.reader.find(|_| true).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[tokio::test]
async fn an_ending_under_anothers_key_is_refused() {
    let world = World::new();
    world.put(5, world.committed(6, "I10")).await;
    let endings = world.reader.endings().await.unwrap();
    let metas: Result<Vec<_>, _> = world.reader.metas(endings).try_collect().await;
    assert!(metas.unwrap_err().to_string().contains("s00000005"));
    assert!(world.reader.describe(ShardName(5)).await.is_err());
}

#[tokio::test]
async fn the_plan_is_found_by_its_digest() {
    let world = World::new();
    let object = ObjectRef {
        path: b"a.txt".to_vec(),
        size: 3,
        version: "1".to_owned(),
    };
    let shards = [PlannedShard {
        source: ShardSource::Files(vec![object]),
        bytes: 3,
    }];
    let (bytes, digest) = encode_segment(&shards).unwrap();
    let key = layout::plan(&world.run, &digest);
    world.store.create(&key, bytes).await.unwrap();
    assert_eq!(world.reader.segment(&digest).await.unwrap(), shards);
    assert!(world.reader.segment("none").await.is_err());
}
