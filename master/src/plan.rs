//! From a shard's number to what a worker must read: looks up the plan in the store, and keeps
//! only the segments that leases are being granted from. A million planned charts are on
//! disk, not in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use results::RunReader;
use results::plan::{PlannedShard, ShardSource};
use store::RunId;
use tokio::sync::Mutex;

use crate::error::MasterError;

/// Segments kept decoded: the one that is being granted, and the one before it, from which
/// returned leases come.
const KEPT: usize = 2;

/// Finds sources of shards. Shared by all sessions.
#[derive(Debug)]
pub(crate) struct Plan {
    run: RunId,
    reader: RunReader,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Digest by the number of the segment's first shard.
    segments: BTreeMap<u32, String>,
    /// Children of split shards: the planned shard whose source they share.
    planned: BTreeMap<u32, u32>,
    /// First shard and content, newest last.
    decoded: VecDeque<(u32, Arc<Vec<PlannedShard>>)>,
}

/// A planned shard in its segment.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    segment: Arc<Vec<PlannedShard>>,
    index: usize,
}

impl Place {
    pub(crate) fn source(&self) -> &ShardSource {
        &self.segment[self.index].source
    }
}

impl Plan {
    pub(crate) fn new(run: RunId, reader: RunReader) -> Plan {
        Plan {
            run,
            reader,
            state: Mutex::default(),
        }
    }

    /// A segment whose record is in the log.
    pub(crate) async fn add(&self, first: u32, digest: String) {
        self.state.lock().await.segments.insert(first, digest);
    }

    /// A split whose record is in the log.
    pub(crate) async fn add_children(&self, parent: u32, children: [u32; 2]) {
        let mut state = self.state.lock().await;
        let planned = state.planned.get(&parent).copied().unwrap_or(parent);
        for child in children {
            state.planned.insert(child, planned);
        }
    }

    /// The shards of the segment that begins with `first`.
    pub(crate) async fn segment(&self, first: u32) -> Result<Arc<Vec<PlannedShard>>, MasterError> {
        Ok(self.find(first).await?.segment)
    }

    /// Where the source of a shard stands, reading its segment if it is not at hand.
    pub(crate) async fn find(&self, shard: u32) -> Result<Place, MasterError> {
        let mut state = self.state.lock().await;
        let planned = state.planned.get(&shard).copied().unwrap_or(shard);
        let bug = |what: &str| MasterError::Bug {
            run: self.run.clone(),
            what: format!("shard {shard} {what}"),
        };
        let (first, digest) = match state.segments.range(..=planned).next_back() {
            Some((first, digest)) => (*first, digest.clone()),
            None => return Err(bug("is in no segment")),
        };
        let kept = state.decoded.iter().find(|(kept, _)| *kept == first);
        let segment = match kept {
            Some((_, segment)) => segment.clone(),
            None => {
                let segment = Arc::new(self.reader.segment(&digest).await?);
                if state.decoded.len() == KEPT {
                    state.decoded.pop_front();
                }
                state.decoded.push_back((first, segment.clone()));
                segment
            }
        };
        let index = (planned - first) as usize;
        if index >= segment.len() {
            return Err(bug("is beyond its segment"));
        }
        Ok(Place { segment, index })
    }
}
