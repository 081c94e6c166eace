//! Plans the input on a thread of its own: lists, groups, writes each segment's plan file,
//! and hands the segment to the controller, which puts it into the log. At most one segment
//! waits, so that a long listing stays on disk and not in memory.

use std::sync::Arc;

use intake::{Cursor, Input, Planner, SegmentBounds, ShardSize, TroubleKind};
use ledger::{Extent, Unit};
use results::plan::{LineFormat, ShardSource, encode_segment};
use store::{RunId, Store, layout};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::MasterError;
use crate::spec::Shards;

/// Bytes that a chart of a line file is taken to have, until it has been read.
const TYPICAL_CHART: u64 = 2_500;

/// Objects in one segment. Up to five segments are in memory at a time (being listed, being
/// encoded, waiting, and two decoded for leases): few enough that a million files stay small,
/// many enough that a record of the log is seldom.
const SEGMENT_OBJECTS: usize = 16_384;

/// A segment whose plan file is in the store.
#[derive(Debug)]
pub(crate) struct PlannedSegment {
    pub(crate) digest: String,
    pub(crate) shards: Vec<ledger::PlannedShard>,
    pub(crate) charts: u64,
    pub(crate) bytes: u64,
    pub(crate) through: Option<String>,
}

/// What the planning thread tells.
#[derive(Debug)]
pub(crate) enum Planned {
    Segment(PlannedSegment),
    /// The listing is over.
    Closed {
        /// Symbolic links that lead back into a directory they are in: not followed.
        loops: u64,
    },
    Failed(MasterError),
}

/// What to plan, and where to go on.
#[derive(Debug)]
pub(crate) struct Planning {
    pub(crate) run: RunId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) input: Input,
    pub(crate) shards: Shards,
    pub(crate) workers: u32,
    pub(crate) cursor: Option<Cursor>,
    /// Nothing was planned before: an input without charts is refused.
    pub(crate) from_the_start: bool,
}

impl Planning {
    /// Starts the thread. It ends early when nobody listens any more.
    pub(crate) fn start(self) -> mpsc::Receiver<Planned> {
        let (sender, receiver) = mpsc::channel(1);
        let handle = Handle::current();
        tokio::task::spawn_blocking(move || {
            let last = match self.plan(&handle, &sender) {
                Ok(loops) => Planned::Closed { loops },
                Err(error) => Planned::Failed(error),
            };
            let _ = sender.blocking_send(last);
        });
        receiver
    }

    fn plan(&self, handle: &Handle, sender: &mpsc::Sender<Planned>) -> Result<u64, MasterError> {
        let size = ShardSize {
            max_bytes: self.shards.max_bytes,
            max_charts: self.shards.max_charts,
        };
        let listing = self.input.list(self.cursor.as_ref());
        let bounds = SegmentBounds {
            max_objects: SEGMENT_OBJECTS,
            ..SegmentBounds::default()
        };
        let cursor = self.cursor.clone();
        let mut planner = Planner::new(listing, &self.input, size, bounds, self.workers, cursor);
        while let Some(segment) = planner.next() {
            if self.from_the_start && segment.last {
                planner.summary().require_charts(self.input.root())?;
            }
            if segment.shards.is_empty() {
                continue;
            }
            let (bytes, digest) = encode_segment(&segment.shards)?;
            let key = layout::plan(&self.run, &digest);
            handle
                .block_on(self.store.create(&key, bytes))
                .map_err(|source| MasterError::Store {
                    run: self.run.clone(),
                    source,
                })?;
            let planned = PlannedSegment {
                digest,
                charts: segment
                    .shards
                    .iter()
                    .map(|shard| charts(&shard.source, shard.bytes))
                    .sum(),
                bytes: segment.shards.iter().map(|shard| shard.bytes).sum(),
                shards: segment.shards.iter().map(for_ledger).collect(),
                through: segment.cursor.map(|cursor| cursor.to_text()),
            };
            if sender.blocking_send(Planned::Segment(planned)).is_err() {
                break;
            }
        }
        let troubles = &planner.summary().first_troubles;
        let loops = troubles
            .iter()
            .filter(|trouble| trouble.kind == TroubleKind::Loop)
            .count();
        Ok(loops as u64)
    }
}

/// A planned shard as the ledger sees it.
pub(crate) fn for_ledger(shard: &results::plan::PlannedShard) -> ledger::PlannedShard {
    let (begin, end) = intake::extent_of(&shard.source);
    let unit = match shard.source {
        ShardSource::Files(_) => Unit::Charts,
        ShardSource::Lines { .. } => Unit::Bytes,
    };
    ledger::PlannedShard {
        extent: Extent { begin, end },
        unit,
        bytes: shard.bytes,
    }
}

/// How many charts a source holds: exact for files, estimated for lines.
fn charts(source: &ShardSource, bytes: u64) -> u64 {
    match source {
        ShardSource::Files(files) => files.len() as u64,
        ShardSource::Lines {
            format: LineFormat::JsonlGz | LineFormat::JsonlZst,
            ..
        } => {
            // Clinical text shrinks to about a quarter.
            (bytes * 4 / TYPICAL_CHART).max(1)
        }
        ShardSource::Lines { .. } => (bytes / TYPICAL_CHART).max(1),
    }
}
