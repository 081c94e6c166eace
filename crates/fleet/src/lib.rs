//! Instances: started, seen, ended. On one machine an instance is a child process of the
//! master ([`LocalProcesses`]); what an earlier master left running is found by its command
//! line ([`leftovers`]), the way a cloud's instances are found by their tags.
//!
//! This crate decides nothing: how many instances there should be is the ledger's business.

pub mod leftovers;
mod local;

pub use local::{Ended, How, LocalProcesses, Running};

use std::io;

/// Why the operating system did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The worker's program could not be started.
    #[error("start worker {instance}")]
    Start {
        /// The worker's name.
        instance: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The processes of this machine could not be listed or ended.
    #[error("{what}")]
    Processes {
        /// The operation.
        what: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A process of an earlier master did not end although it was killed.
    #[error("process {process} of an earlier master does not end; is it in uninterruptible sleep?")]
    WillNotEnd {
        /// Its process id.
        process: i32,
    },
}
