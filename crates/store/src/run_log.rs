//! The run log: the gapless, create-once sequence of control records that orders
//! everything in a run that must have an order.
//!
//! To append record *n* one must have read all below *n*. Whoever loses the race for
//! *n* gets what was decided instead, and decides afresh. Nothing here decides.

mod entry;
mod fold;

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

pub use entry::{
    Child, Counts, Cursor, Entry, Named, Order, Outcome, ReceiptLine, Role, Seal, Verdict,
};
pub use fold::{ClaimFold, Fold, OpenLaunch, Orders, Refused};

use crate::layout::{self, RunId};
use crate::nonce::nonce;
use crate::{Created, Store, StoreError};

/// Records read at a time when a log is opened: hides an object store's latency, and
/// stays far below any limit of open files.
const READS_IN_FLIGHT: usize = 16;

/// One process's view of a run's log: all records up to the newest it has seen.
///
/// A failed [`append`](Self::append) may have been written or not. The next call finds
/// out: should it be there, it comes back as a record that somebody else wrote.
#[derive(Debug)]
pub struct RunLog {
    store: Arc<dyn Store>,
    run: RunId,
    /// The number of the next record.
    next: u64,
    fold: Fold,
}

/// One record: one decision of one writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// From 1, without gaps. The number of a claim is the master epoch it claims.
    pub n: u64,
    /// 128 random bits: how a writer whose reply was lost knows its own record.
    pub nonce: String,
    /// Who wrote it: for people.
    pub writer: String,
    /// When, as its writer saw it: RFC 3339 in UTC. Nothing is decided by it.
    pub at: String,
    pub entries: Vec<Entry>,
    /// What all records up to and with this one add up to.
    pub fold: Fold,
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a lost race means that the decision must be made afresh"]
pub enum Appended {
    /// The record is in the log, with this number.
    Written(u64),
    /// Others were first. These are their records, up to the newest; ours does not exist.
    Lost(Vec<Record>),
}

/// A log that cannot be read, or an append that cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    #[error("the run log of {run}")]
    Store {
        run: RunId,
        #[source]
        source: StoreError,
    },
    /// The record is there and is not one.
    #[error("run log record {key} cannot be read")]
    Unreadable {
        key: String,
        #[source]
        source: serde_json::Error,
    },
    /// The record is well formed, and cannot be where it is.
    #[error("run log record {key} is wrong: {why}")]
    Wrong { key: String, why: &'static str },
    /// A later record exists.
    #[error("run log record {key} is missing below a later one")]
    Gap { key: String },
    /// The log does not take such an entry any more, or never.
    #[error("cannot append to the run log of {run}")]
    Refused {
        run: RunId,
        #[source]
        source: Refused,
    },
    #[error("cannot write a run log record of {run}")]
    Unwritable {
        run: RunId,
        #[source]
        source: serde_json::Error,
    },
}

impl RunLog {
    /// Reads the whole log. A run without records has an empty one.
    pub async fn open(store: Arc<dyn Store>, run: RunId) -> Result<(Self, Vec<Record>), LogError> {
        let mut log = Self {
            store,
            run,
            next: 1,
            fold: Fold::default(),
        };
        let records = log.read_listed().await?;
        Ok((log, records))
    }

    /// Appends one record holding all `entries`, in order: one decision.
    pub async fn append(
        &mut self,
        writer: &str,
        at: &str,
        entries: Vec<Entry>,
    ) -> Result<Appended, LogError> {
        let record = self.draft(writer, at, entries)?;
        let bytes = serde_json::to_vec(&record).map_err(|source| LogError::Unwritable {
            run: self.run.clone(),
            source,
        })?;
        let key = layout::record(&self.run, record.n);
        let created = self.store.create(&key, Bytes::from(bytes)).await;
        if self.stored(created)? == Created::New {
            return Ok(self.written(record));
        }
        let winner = self.read(record.n).await?.ok_or(LogError::Gap { key })?;
        if winner.nonce == record.nonce {
            return Ok(self.written(record));
        }
        let mut lost = vec![self.apply(winner)?];
        lost.extend(self.catch_up().await?);
        Ok(Appended::Lost(lost))
    }

    /// Reads what was appended since: empty when nothing was.
    pub async fn catch_up(&mut self) -> Result<Vec<Record>, LogError> {
        let mut records = Vec::new();
        while let Some(record) = self.read(self.next).await? {
            records.push(self.apply(record)?);
        }
        Ok(records)
    }

    /// Whether anybody has appended since: one HEAD.
    pub async fn overtaken(&self) -> Result<bool, LogError> {
        let next = layout::record(&self.run, self.next);
        self.stored(self.store.exists(&next).await)
    }

    /// What the records seen so far add up to.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The number that the next record will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn run(&self) -> &RunId {
        &self.run
    }

    fn draft(&self, writer: &str, at: &str, entries: Vec<Entry>) -> Result<Record, LogError> {
        let refused = |source| LogError::Refused {
            run: self.run.clone(),
            source,
        };
        let fold = self.fold.with(self.next, &entries).map_err(refused)?;
        let nonce = nonce().map_err(|e| LogError::Store {
            run: self.run.clone(),
            source: StoreError::io("choose a nonce for", &layout::log_folder(&self.run), e),
        })?;
        Ok(Record {
            n: self.next,
            nonce,
            writer: writer.to_owned(),
            at: at.to_owned(),
            entries,
            fold,
        })
    }

    fn written(&mut self, record: Record) -> Appended {
        self.next = record.n + 1;
        self.fold = record.fold;
        Appended::Written(record.n)
    }

    /// Reads as many records as a listing shows, several at a time, then on to the end.
    ///
    /// A listing made while others append may miss records, also below the highest it
    /// shows. So it only says how far to read.
    async fn read_listed(&mut self) -> Result<Vec<Record>, LogError> {
        let folder = layout::log_folder(&self.run);
        let listed = self.stored(self.store.list(&folder).await)?;
        let number = |key: &str| layout::record_number(&self.run, key);
        let newest = listed.iter().filter_map(|l| number(&l.key)).max();
        let read: Vec<(u64, Result<Option<Record>, LogError>)> = {
            let reader = &*self;
            stream::iter(1..=newest.unwrap_or(0))
                .map(|n| async move { (n, reader.read(n).await) })
                .buffered(READS_IN_FLIGHT)
                .collect()
                .await
        };
        let mut records = Vec::with_capacity(read.len());
        for (n, record) in read {
            let record = record?.ok_or_else(|| LogError::Gap {
                key: layout::record(&self.run, n),
            })?;
            records.push(self.apply(record)?);
        }
        records.extend(self.catch_up().await?);
        Ok(records)
    }

    async fn read(&self, n: u64) -> Result<Option<Record>, LogError> {
        let key = layout::record(&self.run, n);
        let Some(bytes) = self.stored(self.store.read(&key).await)? else {
            return Ok(None);
        };
        match serde_json::from_slice(&bytes) {
            Ok(record) => Ok(Some(record)),
            Err(source) => Err(LogError::Unreadable { key, source }),
        }
    }

    /// Takes the record in as the next one.
    fn apply(&mut self, record: Record) -> Result<Record, LogError> {
        let wrong = |why| LogError::Wrong {
            key: layout::record(&self.run, self.next),
            why,
        };
        if record.n != self.next {
            return Err(wrong("it has another number than its key"));
        }
        let fold = self
            .fold
            .with(record.n, &record.entries)
            .map_err(|refused| wrong(refused.why()))?;
        if fold != record.fold {
            return Err(wrong("its fold does not follow from the records below"));
        }
        self.fold = fold;
        self.next += 1;
        Ok(record)
    }

    fn stored<T>(&self, result: Result<T, StoreError>) -> Result<T, LogError> {
        result.map_err(|source| LogError::Store {
            run: self.run.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests;
