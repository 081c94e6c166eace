//! `dayfly runs`: the runs of an output folder.

use serde::Serialize;

use crate::cli::RunsArgs;
use crate::connect::{self, Master};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Column};
use crate::stored::Folder;

/// A run in a list.
#[derive(Debug, Serialize)]
struct RunLine {
    run: String,
    /// running (a master is alive), sealed, or suspended.
    state: &'static str,
    outcome: Option<&'static str>,
    /// Known once it is sealed.
    charts: Option<u64>,
    charts_quarantined: Option<u64>,
    findings: Option<u64>,
    sealed_at: Option<String>,
}

const COLUMNS: [Column<RunLine>; 7] = [
    ("run", |r| r.run.clone()),
    ("state", |r| r.state.to_owned()),
    ("outcome", |r| r.outcome.unwrap_or_default().to_owned()),
    ("charts", |r| number(r.charts)),
    ("charts_quarantined", |r| number(r.charts_quarantined)),
    ("findings", |r| number(r.findings)),
    ("sealed_at", |r| r.sealed_at.clone().unwrap_or_default()),
];

/// Runs the command.
///
/// # Errors
/// When the folder or a run in it cannot be read.
pub(crate) fn run(arguments: &RunsArgs) -> Result<Exit, Failure> {
    super::block_on(async {
        let folder = Folder::open(arguments.output.as_deref())?;
        let mut lines = Vec::new();
        for run in folder.runs().await? {
            let stored = folder.stored(&run).await?;
            let seal = stored.seal();
            let state = match seal {
                Some(_) => "sealed",
                None => match connect::find(&folder.output, &run).await {
                    Ok(Master::Gone) => "suspended",
                    // Somebody else's identity file is there: their master is, or was.
                    Ok(Master::Alive(_)) | Err(_) => "running",
                },
            };
            lines.push(RunLine {
                run: run.to_string(),
                state,
                outcome: seal.map(|seal| master::outcome_word(seal.outcome)),
                charts: seal.map(|seal| seal.counts.charts),
                charts_quarantined: seal.map(|seal| seal.counts.charts_quarantined),
                findings: seal.map(|seal| seal.counts.findings),
                sealed_at: seal.map(|seal| seal.sealed_at.clone()),
            });
        }
        output::print_list(arguments.output_format, &lines, &COLUMNS)?;
        Ok(Exit::Complete)
    })
}

fn number(number: Option<u64>) -> String {
    number.map(|n| n.to_string()).unwrap_or_default()
}
