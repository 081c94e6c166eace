//! `dayfly watch`: a line for each change of a run, until it ends.

use std::io::Write;

use proto::v1;

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
        let mut lines = Lines {
            out: Output::new(),
            format: arguments.output_format,
            last: None,
        };
        if let Master::Alive(mut client) = connect::find(&folder.output, &run).await?
            && let Ok(stream) = client.watch_run(v1::WatchRunRequest {}).await
        {
            let mut stream = stream.into_inner();
            // A master that dies breaks the stream; what it left is told below.
            while let Ok(Some(view)) = stream.message().await {
                lines.show(RunStatus::of_wire(view, &folder.output))?;
                if lines.out.is_closed() {
                    return Ok(Exit::Complete);
                }
            }
        }
        let stored = folder.stored(&run).await?;
        let sealed = stored.seal().map(|seal| seal.outcome);
        if sealed.is_none() || !lines.has_shown_the_outcome() {
            lines.show(stored.status().await?)?;
        }
        Ok(sealed.map_or(Exit::Suspended, Exit::of_outcome))
    })
}

/// Prints a line whenever something has changed.
struct Lines {
    out: Output,
    format: TableOrJsonl,
    last: Option<RunStatus>,
}

impl Lines {
    fn show(&mut self, status: RunStatus) -> Result<(), Failure> {
        // Time always passes, and rates with it: that alone is no news.
        let news = RunStatus {
            elapsed_seconds: 0.0,
            charts_per_second: None,
            eta_seconds: None,
            ..status.clone()
        };
        if self.last.as_ref() == Some(&news) {
            return Ok(());
        }
        match self.format {
            TableOrJsonl::Table => writeln!(self.out, "{}", line(&status))?,
            TableOrJsonl::Jsonl => output::json(&mut self.out, &status)?,
        }
        self.out.flush()?;
        self.last = Some(news);
        Ok(())
    }

    fn has_shown_the_outcome(&self) -> bool {
        self.last
            .as_ref()
            .is_some_and(|status| status.outcome.is_some())
    }
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
