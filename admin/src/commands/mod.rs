//! One file for each command. Each returns the exit code, or the failure that `main` prints.

pub(crate) mod assert;
pub(crate) mod code;
pub(crate) mod explain;
pub(crate) mod orders;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod shards;
pub(crate) mod status;
pub(crate) mod summary;
pub(crate) mod terminology;
pub(crate) mod watch;
pub(crate) mod workers;

use std::future::Future;

use crate::error::Failure;
use crate::exit::Exit;

/// Runs a command that talks to a master or a store.
fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

/// What a master answered that was asked for the impossible.
fn refused(status: &tonic::Status) -> Failure {
    Failure::failed(format_args!("the master says: {}", status.message()))
}
