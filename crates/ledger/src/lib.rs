//! The core of a run: which shard may be worked on by whom, what a failure costs, when
//! workers come and go, and when the run is over.
//!
//! Pure: no clock, no I/O, no async, no randomness, no wire types. The shell turns each input
//! into a [`Command`], calls [`Ledger::decide`] with the time, and carries out the [`Effect`]s.
//!
//! ```text
//!    message, timer, answer ─► Command ─► Ledger::decide(command, now) ─► Vec<Effect> ─► the world
//!                                              │
//!                                              └─► Rejection: an expected "no", nothing changed
//! ```
//!
//! Reading order: [`id`], [`shard`] and [`worker`] (states and their transition tables),
//! [`command`], then `ledger`, `grants`, `endings`, `workers`, `stopping`.
//!
//! What holds after every step is in [`invariants`], one named function each.

pub mod command;
mod endings;
mod grants;
pub mod id;
pub mod invariants;
mod ledger;
mod limits;
pub mod shard;
mod stopping;
pub mod worker;
mod workers;

#[cfg(test)]
mod tests;

pub use command::{
    Command, Counts, Death, DrainMode, Effect, Ending, Failure, Finish, Order, Outcome,
    PlannedShard, Recovered, Rejection, Verdict,
};
pub use id::{Epoch, Extent, ShardId, Timestamp, Unit, WorkerId};
pub use ledger::{Ledger, Stage, Tally};
pub use limits::Limits;
