//! The names of things: newtypes, so that one kind of number cannot stand for another.

use std::fmt;

/// A shard: its place in the plan, children of a split after everything planned before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u32);

/// A worker: the number of its launch within the run, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

/// The fencing number of a lease. Ordered: a later lease of anything is greater,
/// also across masters, because a later master has a greater master epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// The run log number of the claim of the master that granted the lease.
    pub master: u32,
    /// Counts the grants of that master.
    pub counter: u64,
}

/// Milliseconds on the caller's monotonic clock. The ledger only compares and subtracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`; zero when the clock was read out of order.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Which part of its source a shard covers: `begin..end` in units of its [`Unit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The first unit that belongs to the shard.
    pub begin: u64,
    /// The first unit that no longer does.
    pub end: u64,
}

impl Extent {
    /// How many units the extent covers.
    #[must_use]
    pub fn len(self) -> u64 {
        self.end.saturating_sub(self.begin)
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// What an extent counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Charts: an extent of one cannot be cut further.
    Charts,
    /// Bytes of a line file: how many charts they hold is known once a worker has read them.
    Bytes,
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{:08}", self.0)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{:04}", self.0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.master, self.counter)
    }
}
