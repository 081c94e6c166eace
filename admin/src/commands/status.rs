//! `dayfly status`: how far a run is, or how it ended.

use proto::v1;
use serde::Serialize;

use crate::cli::{Format, LookArgs};
use crate::connect::{self, Master};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Column, counted, duration, grouped};
use crate::stored;

/// A run, as its master or its store has it. The names are those of the summary of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunStatus {
    /// The run.
    pub(crate) run: String,
    /// planning, running, draining, sealed; or suspended: not sealed, and no master is alive.
    pub(crate) state: String,
    /// complete, partial or aborted, once it is sealed.
    pub(crate) outcome: Option<String>,
    /// Why it is not complete, once it is sealed.
    pub(crate) reason: Option<String>,
    /// Estimated for line files until they have been read.
    pub(crate) charts_planned: u64,
    /// No more charts will be planned.
    pub(crate) plan_closed: bool,
    /// Charts that are done.
    pub(crate) charts: u64,
    /// Those among them that could not be coded.
    pub(crate) charts_quarantined: u64,
    /// Rows with a code.
    pub(crate) findings: u64,
    /// Bytes planned, as stored.
    pub(crate) bytes_planned: u64,
    /// Bytes of ended shards; only a living master knows.
    pub(crate) bytes: Option<u64>,
    /// All shards.
    pub(crate) shards: u64,
    /// Shards that wait for a worker.
    pub(crate) shards_pending: u64,
    /// Shards at a worker.
    pub(crate) shards_leased: u64,
    /// Shards that ended with rows.
    pub(crate) shards_committed: u64,
    /// Shards that ended by being cut in two.
    pub(crate) shards_split: u64,
    /// Shards that ended by being given up.
    pub(crate) shards_quarantined: u64,
    /// Leases that were worked on; unknown where a master died.
    pub(crate) attempts: Option<u64>,
    /// Workers ever launched.
    pub(crate) workers_launched: u64,
    /// Workers not confirmed gone.
    pub(crate) workers_alive: u64,
    /// Of this master; of the whole log once there is none.
    pub(crate) elapsed_seconds: f64,
    /// Over the last seconds.
    pub(crate) charts_per_second: Option<f64>,
    /// Until everything has ended.
    pub(crate) eta_seconds: Option<f64>,
    /// What the run waits for.
    pub(crate) waits_for: String,
    /// The epoch of its newest master.
    pub(crate) master_epoch: u64,
    /// Its output folder.
    pub(crate) output: String,
}

const COLUMNS: [Column<RunStatus>; 16] = [
    ("run", |s| s.run.clone()),
    ("state", |s| s.state.clone()),
    ("outcome", |s| s.outcome.clone().unwrap_or_default()),
    ("charts_planned", |s| s.charts_planned.to_string()),
    ("charts", |s| s.charts.to_string()),
    ("charts_quarantined", |s| s.charts_quarantined.to_string()),
    ("findings", |s| s.findings.to_string()),
    ("shards", |s| s.shards.to_string()),
    ("shards_pending", |s| s.shards_pending.to_string()),
    ("shards_leased", |s| s.shards_leased.to_string()),
    ("shards_committed", |s| s.shards_committed.to_string()),
    ("shards_split", |s| s.shards_split.to_string()),
    ("shards_quarantined", |s| s.shards_quarantined.to_string()),
    ("workers_launched", |s| s.workers_launched.to_string()),
    ("workers_alive", |s| s.workers_alive.to_string()),
    ("elapsed_seconds", |s| format!("{:.1}", s.elapsed_seconds)),
];

/// Runs the command.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub(crate) fn run(arguments: &LookArgs) -> Result<Exit, Failure> {
    super::block_on(async {
        let (folder, run) = stored::chosen(&arguments.choice).await?;
        let alive = match connect::find(&folder.output, &run).await? {
            Master::Alive(mut client) => client.get_run(v1::GetRunRequest {}).await.ok(),
            Master::Gone => None,
        };
        let status = match alive {
            Some(reply) => RunStatus::of_wire(reply.into_inner(), &folder.output),
            None => folder.stored(&run).await?.status().await?,
        };
        match arguments.output_format {
            Format::Table => output::print_text(&for_people(&status))?,
            Format::Json => output::print_json(&status)?,
            other => output::print_list(other, &[status], &COLUMNS)?,
        }
        Ok(Exit::Complete)
    })
}

impl RunStatus {
    /// What a living master says.
    #[must_use]
    pub(crate) fn of_wire(run: v1::Run, output: &std::path::Path) -> RunStatus {
        let shards = run.shards.unwrap_or_default();
        RunStatus {
            run: run.run,
            state: run.state,
            outcome: Some(run.outcome).filter(|word| !word.is_empty()),
            reason: None,
            charts_planned: run.charts_planned,
            plan_closed: run.plan_closed,
            charts: run.charts,
            charts_quarantined: run.charts_quarantined,
            findings: run.findings,
            bytes_planned: run.bytes_planned,
            bytes: Some(run.bytes),
            shards: shards.pending
                + shards.leased
                + shards.committed
                + shards.split
                + shards.quarantined,
            shards_pending: shards.pending,
            shards_leased: shards.leased,
            shards_committed: shards.committed,
            shards_split: shards.split,
            shards_quarantined: shards.quarantined,
            attempts: Some(run.attempts),
            workers_launched: run.workers_launched.into(),
            workers_alive: run.workers_alive.into(),
            elapsed_seconds: run.elapsed_seconds,
            charts_per_second: Some(run.charts_per_second),
            eta_seconds: run.eta_seconds,
            waits_for: run.waits_for,
            master_epoch: run.master_epoch.into(),
            output: output.display().to_string(),
        }
    }
}

fn for_people(status: &RunStatus) -> String {
    let mut text = match &status.outcome {
        Some(outcome) => format!("{} is {} ({outcome})\n", status.run, status.state),
        None => format!("{} is {}\n", status.run, status.state),
    };
    let mut line = |name: &str, value: String| {
        text.push_str(&format!("  {name:<10}{value}\n"));
    };
    if let Some(reason) = &status.reason {
        line("because", reason.clone());
    }
    let quarantined = match status.charts_quarantined {
        0 => String::new(),
        n => format!(", {} quarantined", grouped(n)),
    };
    let of = match status.charts_planned > status.charts {
        true => format!(" of {}", grouped(status.charts_planned)),
        false => String::new(),
    };
    line(
        "charts",
        format!("{}{of}{quarantined}", grouped(status.charts)),
    );
    line("findings", grouped(status.findings));
    line("shards", shards(status));
    // Without a master nobody knows; they end by themselves within seconds.
    let alive = match status.state.as_str() {
        "suspended" => "not confirmed gone",
        _ => "alive",
    };
    let (launched, left) = (status.workers_launched, status.workers_alive);
    line("workers", format!("{launched} launched, {left} {alive}"));
    if let Some(pace) = status.charts_per_second {
        let left = match status.eta_seconds {
            Some(seconds) => format!(", {} left", duration(seconds)),
            None => String::new(),
        };
        line("pace", format!("{pace:.0} charts/s{left}"));
    }
    line("time", duration(status.elapsed_seconds));
    if !status.waits_for.is_empty() {
        line("waits for", status.waits_for.clone());
    }
    line(
        "results",
        format!("{}/runs/{}/shards", status.output, status.run),
    );
    text
}

fn shards(status: &RunStatus) -> String {
    let parts = [
        (status.shards_committed, "committed"),
        (status.shards_split, "split"),
        (status.shards_quarantined, "quarantined"),
        (status.shards_leased, "leased"),
        (status.shards_pending, "pending"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{} {state}", grouped(*count)))
        .collect();
    match parts.is_empty() {
        true => counted(status.shards, "shard"),
        false => parts.join(", "),
    }
}
