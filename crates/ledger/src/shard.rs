//! The life of one shard.
//!
//! ```text
//!              grant                       its ending was created by an attempt
//!   Pending ──────────► Leased ─────────────────────────────────────────► Committed
//!      ▲  ◄──────────────│ │ │hedge: a second attempt                         ▲
//!      │  release, revoke,   ▼                                                │ somebody's
//!      │  lost, expired     Leased (two attempts)                             │ ending was
//!      │                     │ charged, and the charge is enough              │ there first
//!      └────────────────── Judged ───────────────────────────────────────────┘
//!         cannot be cut,     │ its ending was created by the master
//!         charges left       ├──────────► Split{children}
//!                            └──────────► Quarantined
//! ```
//!
//! A late `Committed` is the truth about the store whoever reports it, so every state that
//! is not yet an ending may become `Committed`.

use crate::id::{Epoch, Extent, ShardId, Timestamp, Unit, WorkerId};

/// What the ledger knows of one shard.
#[derive(Debug, Clone)]
pub struct Shard {
    /// Which part of its source it covers.
    pub extent: Extent,
    /// What `extent` counts.
    pub unit: Unit,
    /// Bytes of chart text, as planned.
    pub bytes: u64,
    /// How many charts it holds, once known: planned or told by a worker that read it.
    pub charts: Option<u64>,
    /// Failures that its own content caused, its parent's included.
    pub charges: u32,
    /// Where it is in its life. Changed only through [`Shard::become_state`].
    state: ShardState,
}

/// The states of a shard; each carries what is known only in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardState {
    /// A number that a verdict reserved for a child that does not count (yet).
    Reserved,
    /// Waits for a worker with credit.
    Pending,
    /// Held by one worker, or by two at the tail of a run.
    Leased {
        /// The older attempt.
        first: Attempt,
        /// The hedge.
        second: Option<Box<Attempt>>,
    },
    /// A verdict is being found, recorded or carried out; nobody holds a lease.
    Judged,
    /// Ended with rows.
    Committed,
    /// Ended without rows; its children count instead.
    Split {
        /// Both are planned after everything known at that time.
        children: [ShardId; 2],
    },
    /// Ended by the master after too many charges.
    Quarantined,
}

/// The execution of one lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who holds the lease.
    pub worker: WorkerId,
    /// The lease's fencing number.
    pub epoch: Epoch,
    /// When its engine began; `None` while it waits in the worker's queue.
    pub started: Option<Timestamp>,
    /// Charts done.
    pub charts: u64,
    /// When `charts` last moved.
    pub moved: Timestamp,
}

/// The name of a state, for tables, counts and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// See [`ShardState::Reserved`].
    Reserved,
    /// See [`ShardState::Pending`].
    Pending,
    /// See [`ShardState::Leased`].
    Leased,
    /// See [`ShardState::Judged`].
    Judged,
    /// See [`ShardState::Committed`].
    Committed,
    /// See [`ShardState::Split`].
    Split,
    /// See [`ShardState::Quarantined`].
    Quarantined,
}

/// Every change a shard may make. What is not in this table cannot happen.
pub const TRANSITIONS: &[(Phase, Phase)] = &[
    (Phase::Reserved, Phase::Pending), // its parent's ending says that it counts
    (Phase::Pending, Phase::Leased),   // grant
    (Phase::Pending, Phase::Judged),   // charged after its lease was already gone
    (Phase::Pending, Phase::Committed), // a stale attempt's ending was first
    (Phase::Leased, Phase::Leased),    // hedge, or one of two attempts ended
    (Phase::Leased, Phase::Pending),   // release, revoke, lost, expired
    (Phase::Leased, Phase::Judged),    // charged
    (Phase::Leased, Phase::Committed), // the usual end
    (Phase::Judged, Phase::Pending),   // cannot be cut and has charges left
    (Phase::Judged, Phase::Committed), // a stale attempt's ending was first
    (Phase::Judged, Phase::Split),     // the master's ending was first
    (Phase::Judged, Phase::Quarantined), // the master's ending was first
];

impl Shard {
    /// A planned shard.
    #[must_use]
    pub fn new(extent: Extent, unit: Unit, bytes: u64, charges: u32, state: ShardState) -> Shard {
        let charts = match unit {
            Unit::Charts => Some(extent.len()),
            Unit::Bytes => None,
        };
        Shard {
            extent,
            unit,
            bytes,
            charts,
            charges,
            state,
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> &ShardState {
        &self.state
    }

    /// The name of its state.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// Whether cutting it in two could make sense.
    #[must_use]
    pub fn may_be_cut(&self) -> bool {
        self.charts.is_none_or(|n| n > 1)
    }

    /// Makes a change that is in [`TRANSITIONS`], and returns the state before.
    ///
    /// # Panics
    /// On any other change: that would be a bug in the ledger, and going on could lose work.
    pub(crate) fn become_state(&mut self, next: ShardState) -> ShardState {
        let step = (self.phase(), next.phase());
        assert!(
            TRANSITIONS.contains(&step),
            "no such transition of a shard: {step:?}"
        );
        std::mem::replace(&mut self.state, next)
    }

    /// The attempts now running or queued.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        let (first, second) = match &self.state {
            ShardState::Leased { first, second } => (Some(first), second.as_deref()),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The attempt with that epoch, if it still holds its lease.
    pub(crate) fn attempt_mut(&mut self, epoch: Epoch) -> Option<&mut Attempt> {
        match &mut self.state {
            ShardState::Leased { first, .. } if first.epoch == epoch => Some(first),
            ShardState::Leased {
                second: Some(second),
                ..
            } if second.epoch == epoch => Some(second),
            _ => None,
        }
    }
}

impl ShardState {
    /// The name of the state.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            ShardState::Reserved => Phase::Reserved,
            ShardState::Pending => Phase::Pending,
            ShardState::Leased { .. } => Phase::Leased,
            ShardState::Judged => Phase::Judged,
            ShardState::Committed => Phase::Committed,
            ShardState::Split { .. } => Phase::Split,
            ShardState::Quarantined => Phase::Quarantined,
        }
    }
}

impl Phase {
    /// Whether the store holds the shard's ending.
    #[must_use]
    pub fn is_ending(self) -> bool {
        matches!(self, Phase::Committed | Phase::Split | Phase::Quarantined)
    }

    /// The word used on the wire and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Reserved => "reserved",
            Phase::Pending => "pending",
            Phase::Leased => "leased",
            Phase::Judged => "judged",
            Phase::Committed => "committed",
            Phase::Split => "split",
            Phase::Quarantined => "quarantined",
        }
    }
}
