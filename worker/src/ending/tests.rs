use std::io;
use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use results::Chart;
use store::Listed;

use super::*;
use crate::attempt::Term;

const ID: LeaseId = LeaseId {
    shard: 5,
    master_epoch: 2,
    counter: 9,
};

/// A directory whose `create` can be made to lie or to fail.
#[derive(Debug)]
struct Faulty {
    inner: DirectoryStore,
    fault: Mutex<Option<Fault>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    DiskFull,
    Io,
    /// The object is created, and its creator never hears of it.
    ReplyLost,
}

#[async_trait]
impl Store for Faulty {
    async fn create(&self, key: &str, bytes: Bytes) -> Result<Created, StoreError> {
        let fault = self.fault.lock().unwrap().take();
        let key_too = key.to_owned();
        match fault {
            None => return self.inner.create(key, bytes).await,
            Some(Fault::DiskFull) => {
                return Err(StoreError::DiskFull {
                    key: key_too,
                    source: io::ErrorKind::StorageFull.into(),
                });
            }
            Some(Fault::Io) => {}
            Some(Fault::ReplyLost) => {
                self.inner.create(key, bytes).await?;
            }
        }
        Err(StoreError::Io {
            operation: "create",
            key: key_too,
            source: io::ErrorKind::TimedOut.into(),
        })
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.inner.read(key).await
    }

    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner.read_range(key, range).await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        self.inner.size(key).await
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.inner.exists(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        self.inner.list(prefix).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_folders(prefix).await
    }
}

struct World {
    _folder: tempfile::TempDir,
    store: Arc<Faulty>,
    endings: Endings,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Faulty {
        inner: DirectoryStore::open(folder.path()).unwrap(),
        fault: Mutex::default(),
    });
    World {
        endings: endings("w0001", &store),
        _folder: folder,
        store,
    }
}

fn endings(worker: &str, store: &Arc<Faulty>) -> Endings {
    let run = "r1".parse().unwrap();
    Endings::new(run, worker.into(), PathBuf::new(), Some(store.clone()))
}

/// A finished ending of one quarantined chart.
fn finished(endings: &Endings, id: LeaseId) -> Finished {
    let term = Term::new(Instant::now(), Duration::from_secs(3600));
    let attempt = Arc::new(Attempt::new(id, Arc::new(term)));
    assert!(attempt.start() && attempt.coded());
    let mut writer = EndingWriter::new().unwrap();
    let chart = Chart {
        chart_id: "a",
        meta: None,
    };
    writer.quarantined(chart, "empty chart").unwrap();
    let counts = Counts {
        charts: 1,
        charts_quarantined: 1,
        ..Counts::default()
    };
    let (bytes, counts) = endings.encode(id, writer, counts).unwrap();
    Finished {
        attempt,
        bytes,
        counts,
    }
}

impl World {
    async fn create(&self, endings: &Endings, id: LeaseId) -> Outcome {
        let finished = finished(endings, id);
        endings.create(finished).await.1
    }

    fn break_with(&self, fault: Fault) {
        *self.store.fault.lock().unwrap() = Some(fault);
    }
}

#[tokio::test]
async fn the_ending_names_its_attempt() {
    let world = world();
    let outcome = world.create(&world.endings, ID).await;
    let Outcome::Committed(counts) = outcome else {
        panic!("{outcome:?}");
    };
    let key = "runs/r1/shards/s00000005.parquet";
    let bytes = world.store.read(key).await.unwrap().unwrap();
    assert_eq!(counts.bytes, bytes.len() as u64);
    let meta = results::read_ending_meta(key, &bytes).unwrap();
    assert_eq!((meta.master_epoch, meta.lease), (2, 9));
    assert_eq!((meta.charts, meta.charts_quarantined), (1, 1));
    assert_eq!(meta.worker, "w0001");
}

#[tokio::test]
async fn our_own_ending_is_recognised_and_that_of_another_is_not_ours() {
    let world = world();
    let first = world.create(&world.endings, ID).await;
    assert_eq!(world.create(&world.endings, ID).await, first);
    let later = LeaseId { counter: 10, ..ID };
    assert_eq!(
        world.create(&world.endings, later).await,
        Outcome::AlreadyEnded
    );
    // A lease of an earlier master can have the same counter.
    let earlier = LeaseId {
        master_epoch: 1,
        ..ID
    };
    assert_eq!(
        world.create(&world.endings, earlier).await,
        Outcome::AlreadyEnded
    );
    let other = endings("w0002", &world.store);
    assert_eq!(world.create(&other, ID).await, Outcome::AlreadyEnded);
}

#[tokio::test]
async fn an_ending_whose_reply_was_lost_is_committed() {
    let world = world();
    world.break_with(Fault::ReplyLost);
    let outcome = world.create(&world.endings, ID).await;
    assert!(matches!(outcome, Outcome::Committed(counts) if counts.charts == 1));
}

#[tokio::test]
async fn a_full_disk_is_told_apart_from_other_trouble() {
    let world = world();
    for (fault, kind) in [
        (Fault::DiskFull, FailureKind::DiskFull),
        (Fault::Io, FailureKind::Environment),
    ] {
        world.break_with(fault);
        let outcome = world.create(&world.endings, ID).await;
        let Outcome::Failed(found, cause) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(found, kind);
        assert!(
            cause.contains("runs/r1/shards/s00000005.parquet"),
            "{cause}"
        );
    }
    assert!(world.store.list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_created_once_the_lease_is_gone() {
    let world = world();
    let finished = finished(&world.endings, ID);
    finished.attempt.void();
    let (_, outcome) = world.endings.create(finished).await;
    assert_eq!(outcome, Outcome::Dropped);
    assert!(world.store.list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_blames_nobody() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let run = "r1".parse().unwrap();
    let endings = Endings::new(run, "w0001".into(), file.path().into(), None);
    let (_, outcome) = endings.create(finished(&endings, ID)).await;
    assert!(
        matches!(outcome, Outcome::Failed(FailureKind::Environment, _)),
        "{outcome:?}"
    );
}
