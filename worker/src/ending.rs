//! The last stage of a slot: an ending becomes an object of the store, and what that means.
//!
//! It has a thread of its own, so that no engine waits for a disk.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use results::{EndingKind, EndingMeta, EndingWriter, ResultsError};
use store::{Created, DirectoryStore, RunId, ShardName, Store, StoreError, layout};

use crate::attempt::{Attempt, LeaseId};
use crate::error::chain;
use crate::slot::{Event, Events};

/// Endings of one slot that may be on their way into the store at a time: a disk syncs some
/// together nearly as fast as one.
const AT_A_TIME: usize = 4;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its ending is the shard's ending.
    Committed(Counts),
    /// Somebody else's ending was there first.
    AlreadyEnded,
    /// Its lease was gone; it changed nothing.
    Dropped,
    /// The cause says nothing of a chart.
    Failed(FailureKind, String),
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The shard's own content.
    Engine,
    /// The world's.
    Environment,
    DiskFull,
}

/// What an ending holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) charts: u64,
    pub(crate) charts_quarantined: u64,
    pub(crate) findings: u64,
    /// Of the ending itself.
    pub(crate) bytes: u64,
}

/// An ending, ready to be created.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) attempt: Arc<Attempt>,
    pub(crate) bytes: Bytes,
    pub(crate) counts: Counts,
}

/// Makes endings and brings them into the store of the run. One for all slots.
#[derive(Debug)]
pub(crate) struct Endings {
    run: RunId,
    worker: String,
    root: PathBuf,
    store: OnceLock<Result<Arc<dyn Store>, StoreError>>,
}

impl Endings {
    /// Endings of `run` below `root`, or in `store` instead. Opens nothing yet.
    pub(crate) fn new(
        run: RunId,
        worker: String,
        root: PathBuf,
        store: Option<Arc<dyn Store>>,
    ) -> Endings {
        let opened = OnceLock::new();
        if let Some(store) = store {
            // It is empty.
            let _ = opened.set(Ok(store));
        }
        Endings {
            run,
            worker,
            root,
            store: opened,
        }
    }

    /// The bytes of an ending with these rows, which name the attempt.
    pub(crate) fn encode(
        &self,
        id: LeaseId,
        writer: EndingWriter,
        mut counts: Counts,
    ) -> Result<(Bytes, Counts), ResultsError> {
        counts.findings = writer.findings();
        let meta = EndingMeta {
            run: self.run.clone(),
            shard: id.shard,
            kind: EndingKind::Committed,
            master_epoch: id.master_epoch.into(),
            lease: id.counter,
            worker: self.worker.clone(),
            charts: counts.charts,
            charts_quarantined: counts.charts_quarantined,
            findings: counts.findings,
            reason: None,
            verdict: None,
            children: None,
        };
        let bytes = writer.finish(&meta)?;
        counts.bytes = bytes.len() as u64;
        Ok((bytes, counts))
    }

    /// Creates the ending, if its lease is still good, and finds out what has become of it.
    pub(crate) async fn create(&self, finished: Finished) -> (Arc<Attempt>, Outcome) {
        let Finished {
            attempt,
            bytes,
            counts,
        } = finished;
        store::failpoint::hit("worker::coded");
        if !attempt.is_good() {
            return (attempt, Outcome::Dropped);
        }
        let outcome = self.put(attempt.id(), bytes, counts).await;
        store::failpoint::hit("worker::created");
        (attempt, outcome)
    }

    async fn put(&self, id: LeaseId, bytes: Bytes, counts: Counts) -> Outcome {
        let store = match self.store() {
            Ok(store) => &**store,
            Err(error) => return failed(error),
        };
        let key = layout::ending(&self.run, ShardName(id.shard));
        match store.create(&key, bytes).await {
            Ok(Created::New) => Outcome::Committed(counts),
            Ok(Created::Exists) => match EndingMeta::read(store, &key).await {
                Ok(Some(meta)) => self.judge(id, &meta, counts.bytes),
                Ok(None) => Outcome::Failed(FailureKind::Environment, vanished(&key)),
                Err(error) => Outcome::Failed(FailureKind::Environment, chain(&error)),
            },
            // It may have come into being all the same.
            Err(error) => match EndingMeta::read(store, &key).await {
                Ok(Some(meta)) => self.judge(id, &meta, counts.bytes),
                Ok(None) | Err(_) => failed(&error),
            },
        }
    }

    /// Whose ending it is that was found.
    fn judge(&self, id: LeaseId, meta: &EndingMeta, bytes: u64) -> Outcome {
        let ours = meta.kind == EndingKind::Committed
            && meta.master_epoch == u64::from(id.master_epoch)
            && meta.lease == id.counter
            && meta.worker == self.worker;
        if !ours {
            return Outcome::AlreadyEnded;
        }
        Outcome::Committed(Counts {
            charts: meta.charts,
            charts_quarantined: meta.charts_quarantined,
            findings: meta.findings,
            bytes,
        })
    }

    /// The store, opened by whoever needs it first.
    fn store(&self) -> Result<&Arc<dyn Store>, &StoreError> {
        let opened = self.store.get_or_init(|| {
            let store = DirectoryStore::open(&self.root)?;
            Ok(Arc::new(store))
        });
        opened.as_ref()
    }
}

/// The thread: creates what comes, several at a time when several wait.
pub(crate) fn create_all(
    endings: &Endings,
    finished: &Receiver<Finished>,
    events: &Events,
    runtime: &tokio::runtime::Handle,
) {
    while let Ok(first) = finished.recv() {
        let waiting = finished.try_iter().take(AT_A_TIME - 1);
        let creating = std::iter::once(first).chain(waiting);
        let creating = join_all(creating.map(|finished| endings.create(finished)));
        events.send(Event::Ended(runtime.block_on(creating)));
    }
}

/// Creates many, some at a time.
pub(crate) async fn create_some(
    endings: &Endings,
    finished: Vec<Finished>,
) -> Vec<(Arc<Attempt>, Outcome)> {
    let creating = finished
        .into_iter()
        .map(|finished| endings.create(finished));
    stream::iter(creating)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await
}

fn failed(error: &StoreError) -> Outcome {
    let kind = if error.is_disk_full() {
        FailureKind::DiskFull
    } else {
        FailureKind::Environment
    };
    Outcome::Failed(kind, chain(error))
}

fn vanished(key: &str) -> String {
    format!("the store says of {key} both that it exists and that it does not")
}

#[cfg(test)]
mod tests;
