//! `dayfly watch`: a line for each change of a run, until it ends.

use std::io::Write;

use proto::v1;
use store::run_log::Outcome;

use crate::cli::{TableOrJsonl, WatchArgs};
use crate::commands::status::RunStatus;
use crate::connect::{self, Master};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Output, duration, grouped};
use crate::stored;

/// Runs the command. Its exit code is that of the run.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub(crate) fn run(arguments: &WatchArgs) -> Result<Exit, Failure> {
    super::block_on(async {
        let (folder, run) = stored::chosen(&arguments.choice).await?;
        let mut out = Output::new();
        let mut last = None;
        if let Master::Alive(mut client) = connect::find(&folder.output, &run).await?
            && let Ok(stream) = client.watch_run(v1::WatchRunRequest {}).await
        {
            let mut stream = stream.into_inner();
            // A master that dies breaks the stream; what it left is told below.
            while let Ok(Some(view)) = stream.message().await {
                let status = RunStatus::of_wire(view, &folder.output);
                show(&mut out, arguments.output_format, &mut last, status)?;
                if out.is_closed() {
                    return Ok(Exit::Complete);
                }
            }
        }
        let stored = folder.stored(&run).await?;
        let sealed = stored.seal().map(|seal| seal.outcome);
        show(
            &mut out,
            arguments.output_format,
            &mut last,
            stored.status().await?,
        )?;
        Ok(sealed.map_or(Exit::Suspended, |outcome: Outcome| {
            Exit::of_outcome(outcome)
        }))
    })
}

fn show(
    out: &mut Output,
    format: TableOrJsonl,
    last: &mut Option<String>,
    status: RunStatus,
) -> Result<(), Failure> {
    let line = line(&status);
    if last.as_ref() == Some(&line) {
        return Ok(());
    }
    match format {
        TableOrJsonl::Table => writeln!(out, "{line}")?,
        TableOrJsonl::Jsonl => output::json(out, &status)?,
    }
    out.flush()?;
    *last = Some(line);
    Ok(())
}

fn line(status: &RunStatus) -> String {
    let ended = status.shards_committed + status.shards_split + status.shards_quarantined;
    let mut line = format!(
        "{} {}: {} of {} charts, {} of {} shards, {} workers",
        status.run,
        status.outcome.as_deref().unwrap_or(&status.state),
        grouped(status.charts),
        grouped(status.charts_planned),
        grouped(ended),
        grouped(status.shards),
        status.workers_alive,
    );
    if status.charts_quarantined > 0 {
        line.push_str(&format!(
            ", {} quarantined",
            grouped(status.charts_quarantined)
        ));
    }
    if let (Some(pace), None) = (status.charts_per_second, &status.outcome) {
        line.push_str(&format!(", {pace:.0} charts/s"));
    }
    if let (Some(eta), "running") = (status.eta_seconds, status.state.as_str()) {
        line.push_str(&format!(", {} left", duration(eta)));
    }
    if !status.waits_for.is_empty() {
        line.push_str(&format!("; waits for {}", status.waits_for));
    }
    line
}
