//! `dayfly workers`: the workers of a run.

use proto::v1;
use serde::Serialize;

use crate::cli::LookArgs;
use crate::connect::{self, Master};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Column};
use crate::stored;

/// A worker, as its master or the store has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct WorkerLine {
    /// Its name.
    pub(crate) instance: String,
    /// launched, enrolled, active, suspect, lost, draining, left; from the store, how it ended.
    pub(crate) state: String,
    /// Its process id while it lives.
    pub(crate) process: Option<u32>,
    /// Leases that it holds.
    pub(crate) leases: u32,
    /// Charts of shards that it committed.
    pub(crate) charts: u64,
    /// Shards that it committed.
    pub(crate) shards_committed: u64,
    /// Since it was last heard of.
    pub(crate) heartbeat_age_seconds: Option<f64>,
    /// Why it is lost or how it ended.
    pub(crate) reason: String,
}

const COLUMNS: [Column<WorkerLine>; 8] = [
    ("instance", |w| w.instance.clone()),
    ("state", |w| w.state.clone()),
    ("process", |w| {
        w.process.map(|id| id.to_string()).unwrap_or_default()
    }),
    ("leases", |w| w.leases.to_string()),
    ("charts", |w| w.charts.to_string()),
    ("shards_committed", |w| w.shards_committed.to_string()),
    ("heartbeat_age_seconds", |w| {
        let age = w.heartbeat_age_seconds;
        age.map(|seconds| format!("{seconds:.1}"))
            .unwrap_or_default()
    }),
    ("reason", |w| w.reason.clone()),
];

/// Runs the command.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub(crate) fn run(arguments: &LookArgs) -> Result<Exit, Failure> {
    super::block_on(async {
        let (folder, run) = stored::chosen(&arguments.choice).await?;
        let alive = match connect::find(&folder.output, &run).await? {
            Master::Alive(mut client) => client.list_workers(v1::ListWorkersRequest {}).await.ok(),
            Master::Gone => None,
        };
        let workers = match alive {
            Some(reply) => reply
                .into_inner()
                .workers
                .into_iter()
                .map(of_wire)
                .collect(),
            None => folder.stored(&run).await?.workers().await?,
        };
        output::print_list(arguments.output_format, &workers, &COLUMNS)?;
        Ok(Exit::Complete)
    })
}

fn of_wire(worker: v1::Worker) -> WorkerLine {
    WorkerLine {
        instance: worker.instance,
        state: worker.state,
        process: Some(worker.process).filter(|id| *id != 0),
        leases: worker.leases,
        charts: worker.charts,
        shards_committed: worker.shards_committed,
        heartbeat_age_seconds: Some(worker.heartbeat_age_seconds),
        reason: worker.reason,
    }
}
