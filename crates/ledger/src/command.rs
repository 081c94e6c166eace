//! What the world tells the ledger, what the ledger asks of the world, and how it says no.

use crate::id::{Epoch, Extent, ShardId, Unit, WorkerId};

/// Something that happened, or that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A segment is in the run log; its shards follow each other from
    /// [`crate::Ledger::next_shard`] as it was before this command.
    AddSegment(Vec<PlannedShard>),
    /// The plan is closed in the run log: no more segments.
    ClosePlan,
    /// What an earlier master left behind. Verdicts come in log order between the segments;
    /// endings, also those of verdicts that had none yet, after everything else.
    Recover(ShardId, Recovered),
    /// Everything that was left behind has been told: launch and grant.
    Begin,

    /// A launched worker proved who it is.
    Enrolled(WorkerId),
    /// A worker opened its session; whatever it held in an earlier one is gone.
    SessionOpened {
        /// Who.
        worker: WorkerId,
        /// How many attempts it runs at a time.
        slots: u32,
    },
    /// The worker can take this many more leases.
    Credit(WorkerId, u32),
    /// The engine begins on a lease that had been waiting in the worker's queue.
    Started {
        /// Who.
        worker: WorkerId,
        /// On what.
        shard: ShardId,
        /// Under which lease.
        epoch: Epoch,
        /// How many charts the shard turned out to hold.
        charts: u64,
    },
    /// A sign of life, with the chart counters of started leases.
    Heartbeat {
        /// Who.
        worker: WorkerId,
        /// Counters, in any order.
        progress: Vec<(ShardId, Epoch, u64)>,
    },
    /// How an attempt ended.
    Report {
        /// Who.
        worker: WorkerId,
        /// On what.
        shard: ShardId,
        /// Under which lease.
        epoch: Epoch,
        /// How.
        outcome: Outcome,
    },
    /// The worker's engine does not work there at all.
    EngineBroken(WorkerId, String),
    /// The worker said goodbye.
    Leaving(WorkerId),
    /// The worker's connection ended.
    SessionBroken(WorkerId),
    /// The fleet confirmed that the worker's instance is gone.
    InstanceEnded {
        /// Whose.
        worker: WorkerId,
        /// In words.
        reason: String,
        /// Whose doing it was.
        death: Death,
    },

    /// Where a shard can be cut; `None` where it holds a single chart after all.
    CutFound(ShardId, Option<u64>),
    /// The ending of a shard, as found in the store.
    EndingFound(ShardId, Ending),

    /// An operator's wish, already in the run log.
    Order(Order),
    /// Time passed.
    Tick,
}

/// How an instance came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// It left in order.
    None,
    /// Somebody ended it, or it gave up for a reason of its own: nothing that it was working on
    /// is to blame.
    Blameless,
    /// It crashed, or ran out of memory: what it was working on may have done that.
    AtWork,
}

/// A shard as planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedShard {
    /// All of its source.
    pub extent: Extent,
    /// What the extent counts.
    pub unit: Unit,
    /// Bytes of chart text.
    pub bytes: u64,
}

/// What an earlier master left of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// A verdict in the log: charges, and the cut where it was a split.
    Verdict {
        /// Charges at the verdict.
        charges: u32,
        /// Children and where the parent was cut.
        split: Option<([ShardId; 2], u64)>,
    },
    /// An ending in the store.
    Ended(Ending),
}

/// The ending of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By an attempt, with rows.
    Committed(Counts),
    /// By a verdict: its children count.
    Split([ShardId; 2]),
    /// By a verdict: `Counts` of the rows that say so.
    Quarantined(Counts),
}

/// What an ending holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Charts with at least one row.
    pub charts: u64,
    /// Those of them that could not be coded.
    pub quarantined: u64,
    /// Rows with a code.
    pub findings: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its ending is the shard's ending.
    Committed(Counts),
    /// Somebody else's ending was there first.
    AlreadyEnded,
    /// Given back.
    Released,
    /// Failed.
    Failed(Failure, String),
}

/// Whom a failure charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The shard: its content brought the engine down.
    Engine,
    /// Nobody: the world around the attempt failed.
    Environment,
    /// Nobody, and the run stops: the results cannot be written.
    DiskFull,
}

/// An operator's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// No new leases; seal what there is.
    Drain,
    /// Stop now; seal aborted.
    Abort,
    /// Stop without sealing, to go on later.
    Suspend,
}

/// Something the shell is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the worker a lease.
    Grant {
        /// To whom.
        worker: WorkerId,
        /// On what.
        shard: ShardId,
        /// Its number.
        epoch: Epoch,
        /// Which part of the source.
        extent: Extent,
    },
    /// Tell the worker that a lease is void.
    Revoke {
        /// Whom.
        worker: WorkerId,
        /// On what.
        shard: ShardId,
        /// Its number.
        epoch: Epoch,
    },
    /// Tell the worker to leave.
    Drain(WorkerId, DrainMode),
    /// Read the ending of a shard and answer [`Command::EndingFound`].
    ReadEnding(ShardId),
    /// Find where to cut a shard and answer [`Command::CutFound`].
    FindCut(ShardId, Extent),
    /// Append the verdict to the run log, then create the shard's ending, then answer
    /// [`Command::EndingFound`] with what is in the store: the verdict or somebody's commit.
    Judge(ShardId, Verdict),
    /// Append the launch to the run log, then start this worker.
    Launch(WorkerId),
    /// End the worker's instance, and answer [`Command::InstanceEnded`] once it is gone.
    Terminate(WorkerId),
    /// Nothing is left to do and no worker is left: end the run this way. The last effect.
    Finish(Finish),
}

/// How a worker is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrainMode {
    /// End started attempts, give back the others.
    Finish,
    /// Give everything back now.
    Release,
}

/// A verdict about a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Cut it in two.
    Split {
        /// The children and their parts, together the parent's.
        children: [(ShardId, Extent); 2],
        /// What they inherit.
        charges: u32,
        /// The last failure.
        cause: String,
    },
    /// Give it up.
    Quarantine {
        /// Which part of the source it covers.
        extent: Extent,
        /// How often it failed.
        charges: u32,
        /// The last failure.
        reason: String,
    },
}

/// How a run ends for its master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// Seal it. Whether complete or partial is for the endings in the store to say.
    Seal,
    /// Seal it aborted.
    SealAborted,
    /// Leave it to a later master.
    Suspend,
    /// Leave it to a later master, because it cannot go on as things are.
    Fail(String),
}

/// An expected "no": the command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The shard is not in the plan.
    #[error("there is no such shard")]
    UnknownShard,
    /// The worker was not launched by this run.
    #[error("there is no such worker")]
    UnknownWorker,
    /// The lease is not held by that worker any more.
    #[error("that lease is no longer held")]
    StaleLease,
    /// The worker has no session, or has left.
    #[error("the worker is not in a state to say that")]
    OutOfTurn,
    /// The run is past that.
    #[error("the run is past that")]
    TooLate,
}
