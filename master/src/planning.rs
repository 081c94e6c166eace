//! Plans the input on a thread of its own: lists, groups, writes each segment's plan file,
//! and hands the segment to the controller, which puts it into the log. At most one segment
//! waits, so that a long listing stays on disk and not in memory.

use std::sync::Arc;

use intake::{Cursor, Input, ObjectKind, Planner, SegmentBounds, ShardSize, Trouble, TroubleKind};
use ledger::{Extent, Unit};
use results::plan::{LineFormat, ObjectRef, ShardSource, encode_segment};
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
        let mut through = cursor.as_ref().map(Cursor::to_text);
        let mut planner = Planner::new(listing, &self.input, size, bounds, self.workers, cursor);
        while let Some(segment) = planner.next() {
            if self.from_the_start && segment.last {
                planner.summary().require_charts(self.input.root())?;
            }
            through = segment.cursor.map(|cursor| cursor.to_text());
            if !self.tell(handle, sender, &segment.shards, through.clone())? {
                return Ok(0);
            }
        }
        let troubles = &planner.summary().first_troubles;
        self.tell(handle, sender, &unlisted(troubles), through)?;
        let loops = troubles
            .iter()
            .filter(|trouble| trouble.kind == TroubleKind::Loop)
            .count();
        Ok(loops as u64)
    }

    /// Writes the plan file of a segment and tells of it; false when nobody listens any more.
    fn tell(
        &self,
        handle: &Handle,
        sender: &mpsc::Sender<Planned>,
        shards: &[results::plan::PlannedShard],
        through: Option<String>,
    ) -> Result<bool, MasterError> {
        if shards.is_empty() {
            return Ok(true);
        }
        let (bytes, digest) = encode_segment(shards)?;
        let key = layout::plan(&self.run, &digest);
        let created = handle.block_on(self.store.create(&key, bytes));
        created.map_err(|source| MasterError::Store {
            run: self.run.clone(),
            source,
        })?;
        let planned = PlannedSegment {
            digest,
            charts: shards
                .iter()
                .map(|shard| charts(&shard.source, shard.bytes))
                .sum(),
            bytes: shards.iter().map(|shard| shard.bytes).sum(),
            shards: shards.iter().map(for_ledger).collect(),
            through,
        };
        Ok(sender.blocking_send(Planned::Segment(planned)).is_ok())
    }
}

/// Places that could not be listed, as shards: reading them fails again, so that each gets a
/// row with its reason and the run does not pass for complete. A symbolic link to nothing counts
/// if its name is that of a chart file.
fn unlisted(troubles: &[Trouble]) -> Vec<results::plan::PlannedShard> {
    let lost = troubles.iter().filter(|trouble| match trouble.kind {
        TroubleKind::Loop => false,
        TroubleKind::Vanished => ObjectKind::of_name(&trouble.path).is_some(),
        TroubleKind::Denied | TroubleKind::Failed(_) => true,
    });
    let object = |trouble: &Trouble| ObjectRef {
        path: trouble.path.clone(),
        size: 0,
        version: "unlisted".to_owned(),
    };
    lost.map(|trouble| results::plan::PlannedShard {
        source: ShardSource::Files(vec![object(trouble)]),
        bytes: 0,
    })
    .collect()
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
