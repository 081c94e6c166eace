//! The results of one run, read from its store.

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use store::{RunId, ShardName, Store, layout};

use crate::manifest::ManifestLine;
use crate::plan::{PlannedShard, decode_segment};
use crate::{EndingMeta, ResultsError, Row, Rows, digest, read_ending_meta, read_rows};

/// Footers read at a time: hides an object store's latency, and stays far below any
/// limit of open files.
const READS_IN_FLIGHT: usize = 16;

/// Reads what a run has in the store. Holds nothing but the listing.
#[derive(Debug, Clone)]
pub struct RunReader {
    store: Arc<dyn Store>,
    run: RunId,
}

/// An ending that is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndingRef {
    pub shard: ShardName,
    /// Bytes.
    pub size: u64,
}

impl RunReader {
    pub fn new(store: Arc<dyn Store>, run: RunId) -> Self {
        Self { store, run }
    }

    /// The endings there are now, in order of shards. One listing.
    pub async fn endings(&self) -> Result<Vec<EndingRef>, ResultsError> {
        let listed = self.store.list(&layout::endings_folder(&self.run)).await?;
        let mut endings: Vec<EndingRef> = listed
            .into_iter()
            .filter_map(|found| {
                let shard = layout::shard_of_ending(&self.run, &found.key)?;
                Some(EndingRef {
                    shard,
                    size: found.size,
                })
            })
            .collect();
        endings.sort_unstable_by_key(|e| e.shard);
        Ok(endings)
    }

    /// What each of these endings says about itself, in their order. Reads footers only.
    pub fn metas(
        &self,
        endings: Vec<EndingRef>,
    ) -> impl Stream<Item = Result<EndingMeta, ResultsError>> + '_ {
        stream::iter(endings)
            .map(move |ending| async move {
                let key = layout::ending(&self.run, ending.shard);
                let meta = EndingMeta::read_sized(self.store.as_ref(), &key, ending.size).await?;
                self.belongs(&key, ending.shard, meta)
            })
            .buffered(READS_IN_FLIGHT)
    }

    /// Reads a whole ending for the manifest: its metadata, size and digest.
    pub async fn describe(&self, shard: ShardName) -> Result<Option<ManifestLine>, ResultsError> {
        let key = layout::ending(&self.run, shard);
        let Some(bytes) = self.store.read(&key).await? else {
            return Ok(None);
        };
        let meta = self.belongs(&key, shard, read_ending_meta(&key, &bytes)?)?;
        Ok(Some(ManifestLine::new(
            &meta,
            digest(&bytes),
            bytes.len() as u64,
        )))
    }

    /// The rows of a shard's ending, or `None` where it has none yet.
    pub async fn rows(&self, shard: ShardName) -> Result<Option<Rows>, ResultsError> {
        let key = layout::ending(&self.run, shard);
        match self.store.read(&key).await? {
            Some(bytes) => Ok(Some(read_rows(&key, bytes)?)),
            None => Ok(None),
        }
    }

    /// All rows that `wanted` wants, in order of shards. Reads every ending, one at a time.
    pub async fn find(
        &self,
        mut wanted: impl FnMut(&Row) -> bool,
    ) -> Result<Vec<Row>, ResultsError> {
        let mut found = Vec::new();
        for ending in self.endings().await? {
            let Some(rows) = self.rows(ending.shard).await? else {
                continue;
            };
            for row in rows {
                let row = row?;
                if wanted(&row) {
                    found.push(row);
                }
            }
        }
        Ok(found)
    }

    /// The shards of a segment of the plan.
    pub async fn segment(&self, named: &str) -> Result<Vec<PlannedShard>, ResultsError> {
        let key = layout::plan(&self.run, named);
        match self.store.read(&key).await? {
            Some(bytes) => decode_segment(named, bytes),
            None => Err(store::StoreError::NotFound { key }.into()),
        }
    }

    /// An ending under another's key would be counted for the wrong shard.
    fn belongs(
        &self,
        key: &str,
        shard: ShardName,
        meta: EndingMeta,
    ) -> Result<EndingMeta, ResultsError> {
        if meta.run == self.run && meta.shard == shard.0 {
            Ok(meta)
        } else {
            Err(ResultsError::damaged(
                key,
                "it is the ending of another shard",
            ))
        }
    }
}
