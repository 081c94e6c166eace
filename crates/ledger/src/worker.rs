//! The life of one worker, as the master sees it.
//!
//! ```text
//!   Launched ──► Enrolled ──► Active ⇄ Suspect
//!       │           ▲ │          │ │       │
//!       │  session  │ │          │ └───────┤ session broke: back to Enrolled
//!       │  broke    └─┼──────────┘         │
//!       │             │                    ├──► Draining ──► Left   (asked to leave, left)
//!       └─────────────┴────────────────────┴──► Lost                (gave no sign, or was ended)
//! ```
//!
//! `Left` and `Lost` say what the master expects of it; that its instance has ended is told by
//! the fleet alone (`ended`), and only that counts for the seal.

use std::collections::BTreeSet;

use crate::id::{Epoch, ShardId, Timestamp};

/// What the ledger knows of one worker.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Where it is in its life. Changed only through [`Worker::become_state`].
    state: WorkerState,
    /// When it came into `state`, or last gave a sign of life in it.
    pub(crate) seen: Timestamp,
    /// When it was launched.
    pub launched: Timestamp,
    /// Slots it told at its session.
    pub slots: u32,
    /// Leases it can take beyond those it holds.
    pub(crate) credit: u32,
    /// Shards it holds a lease for.
    pub(crate) held: BTreeSet<ShardId>,
    /// Attempts whose engine was at work when its session broke. If its process turns out to
    /// have died, they are charged; if it was only the network, nobody is.
    pub(crate) interrupted: Vec<(ShardId, Epoch)>,
    /// Whether it has ever had a session.
    pub(crate) served: bool,
    /// The fleet confirmed that its instance is gone.
    pub(crate) ended: bool,
    /// It was asked to end: its death charges nobody.
    pub(crate) asked_to_end: bool,
    /// Shards it committed.
    pub shards: u64,
    /// Charts in them.
    pub charts: u64,
    /// Why it is in this state, for people.
    pub reason: String,
}

/// The states of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkerState {
    /// Started, not yet heard of.
    Launched,
    /// Has its certificate, and no session now.
    Enrolled,
    /// In session and giving signs of life.
    Active,
    /// In session, but silent: no new leases.
    Suspect,
    /// Asked to leave.
    Draining,
    /// Said goodbye, or ended as asked.
    Left,
    /// Given up.
    Lost,
}

/// Every change a worker may make. What is not in this table cannot happen.
pub const TRANSITIONS: &[(WorkerState, WorkerState)] = &[
    (WorkerState::Launched, WorkerState::Enrolled),
    (WorkerState::Launched, WorkerState::Lost),
    (WorkerState::Enrolled, WorkerState::Active),
    (WorkerState::Enrolled, WorkerState::Draining), // it opened its session into a drain
    (WorkerState::Enrolled, WorkerState::Lost),
    (WorkerState::Active, WorkerState::Enrolled), // its session broke
    (WorkerState::Active, WorkerState::Suspect),
    (WorkerState::Active, WorkerState::Draining),
    (WorkerState::Active, WorkerState::Left), // it left of its own accord (spot notice)
    (WorkerState::Active, WorkerState::Lost),
    (WorkerState::Suspect, WorkerState::Active),
    (WorkerState::Suspect, WorkerState::Enrolled),
    (WorkerState::Suspect, WorkerState::Draining),
    (WorkerState::Suspect, WorkerState::Left),
    (WorkerState::Suspect, WorkerState::Lost),
    (WorkerState::Draining, WorkerState::Left),
    (WorkerState::Draining, WorkerState::Lost),
];

impl Worker {
    pub(crate) fn launched(now: Timestamp) -> Worker {
        Worker {
            state: WorkerState::Launched,
            seen: now,
            launched: now,
            slots: 0,
            credit: 0,
            held: BTreeSet::new(),
            interrupted: Vec::new(),
            served: false,
            ended: false,
            asked_to_end: false,
            shards: 0,
            charts: 0,
            reason: String::new(),
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> WorkerState {
        self.state
    }

    /// How many leases it holds.
    #[must_use]
    pub fn leases(&self) -> usize {
        self.held.len()
    }

    /// When it last gave a sign of life.
    #[must_use]
    pub fn seen(&self) -> Timestamp {
        self.seen
    }

    /// Whether the fleet confirmed that its instance is gone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// In session: leases and orders reach it.
    #[must_use]
    pub fn in_session(&self) -> bool {
        matches!(
            self.state,
            WorkerState::Active | WorkerState::Suspect | WorkerState::Draining
        )
    }

    /// Makes a change that is in [`TRANSITIONS`].
    ///
    /// # Panics
    /// On any other change: that would be a bug in the ledger.
    pub(crate) fn become_state(&mut self, next: WorkerState) {
        let step = (self.state, next);
        assert!(
            TRANSITIONS.contains(&step),
            "no such transition of a worker: {step:?}"
        );
        self.state = next;
    }
}

impl WorkerState {
    /// The word used on the wire and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WorkerState::Launched => "launched",
            WorkerState::Enrolled => "enrolled",
            WorkerState::Active => "active",
            WorkerState::Suspect => "suspect",
            WorkerState::Draining => "draining",
            WorkerState::Left => "left",
            WorkerState::Lost => "lost",
        }
    }
}
