//! The master of a run: plans it, grants leases, launches and ends workers, seals it.
//!
//! Reading order: [`spec`], `prepare` (whose run is it), `recovery` (what was there before),
//! `controller` (the one task that owns the ledger), `api` (what the port answers),
//! `planning`, `verdicts`, `seal`.
//!
//! The same code runs for a fresh run and a resumed one: the state is rebuilt from the store,
//! and for a fresh run there is nothing in it.

pub mod api;
mod controller;
mod enrolments;
mod error;
mod listener;
mod lock;
mod plan;
mod planning;
mod prepare;
mod recovery;
mod seal;
mod serve;
pub mod spec;
mod verdicts;
mod view;

pub use controller::StopSignal;
pub use error::MasterError;
pub use lock::private_folder;
pub use prepare::{OtherMaster, Prepared};
pub use serve::{AdminFile, Ended, Options, Summary, run};
pub use view::{RunView, ShardView};

use ledger::WorkerId;
use store::run_log::Outcome;

/// The number in a worker's name; `None` for anything that is no worker's name.
pub(crate) fn worker_id(instance: &str) -> Option<WorkerId> {
    let number = instance.strip_prefix('w')?.parse().ok()?;
    let id = WorkerId(number);
    (id.to_string() == instance).then_some(id)
}

/// The word for an outcome, on the wire, on the command line and in JSON.
#[must_use]
pub fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::Partial => "partial",
        Outcome::Aborted => "aborted",
    }
}
