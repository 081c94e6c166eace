//! How far a run is, on stderr: a bar on a terminal, else a line now and then.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use master::RunView;
use tokio::sync::watch;

use crate::output::{counted, duration, grouped, note};

/// Between two lines where stderr is a file: rare enough to read a day's run.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The bar measures bytes in parts of this.
const PARTS: u64 = 1_000;

/// The bar on the terminal, while there is one: whoever writes to stderr goes around it.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes to stderr without tearing the bar.
pub(crate) fn beside<T>(write: impl FnOnce() -> T) -> T {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Shows `views` until there are no more.
pub(crate) async fn show(mut views: watch::Receiver<RunView>) {
    if std::io::stderr().is_terminal() {
        let bar = Bar::begin();
        while views.changed().await.is_ok() {
            bar.update(&views.borrow_and_update());
        }
        return;
    }
    let mut last_line = Instant::now();
    let mut shown = None;
    loop {
        let changed = views.changed().await.is_ok();
        let view = views.borrow_and_update().clone();
        let begins = shown.is_none() && view.bytes_planned > 0;
        let due = begins || !changed || last_line.elapsed() >= LINE_EVERY;
        if due && !view.run.is_empty() && shown.as_ref() != Some(&view) {
            note(format_args!("{}", line(&view)));
            last_line = Instant::now();
            shown = Some(view);
        }
        if !changed {
            return;
        }
    }
}

/// Removes the bar, if there is one, for what is said last.
pub(crate) fn end() {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// Removed from the terminal when dropped.
struct Bar(ProgressBar);

impl Bar {
    fn begin() -> Bar {
        let target = ProgressDrawTarget::stderr_with_hz(5);
        let bar = ProgressBar::with_draw_target(Some(PARTS), target);
        let style = ProgressStyle::with_template("{bar:24} {percent:>3}%  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("planning");
        *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        Bar(bar)
    }

    fn update(&self, view: &RunView) {
        self.0.set_position(part(view, PARTS));
        self.0.set_message(message(view));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        end();
    }
}

/// How much is done, by bytes: charts differ too much to be counted alike.
fn part(view: &RunView, of: u64) -> u64 {
    match view.bytes_planned {
        0 => 0,
        planned => {
            let part = u128::from(view.bytes) * u128::from(of) / u128::from(planned);
            u64::try_from(part).unwrap_or(of).min(of)
        }
    }
}

/// `12,345 of 20,000 charts, 1,234 charts/s, ETA 6.2 s, 2 workers, 3 quarantined`
fn message(view: &RunView) -> String {
    let mut text = match view.charts_planned > view.charts {
        // While files are being listed or line files read, the total is not known exactly.
        true => format!(
            "{} of {} charts",
            grouped(view.charts),
            grouped(view.charts_planned)
        ),
        false => counted(view.charts, "chart"),
    };
    let rate = std::time::Duration::from_secs_f64(view.charts_per_second.clamp(0.0, 1e12));
    text.push_str(&format!(", {} charts/s", grouped(rate.as_secs())));
    if let Some(eta) = view.eta.filter(|_| view.state == "running") {
        text.push_str(&format!(", ETA {}", duration(eta)));
    }
    text.push_str(&format!(
        ", {}",
        counted(view.workers_alive.into(), "worker")
    ));
    if view.charts_quarantined > 0 {
        text.push_str(&format!(
            ", {} quarantined",
            grouped(view.charts_quarantined)
        ));
    }
    if view.state != "running" && view.state != "sealed" {
        text.push_str(&format!(" ({}: {})", view.state, view.waits_for));
    }
    text
}

/// The bar's message where there is no bar.
fn line(view: &RunView) -> String {
    format!("{}: {}%, {}", view.run, part(view, 100), message(view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let view = RunView {
            run: "run-1".into(),
            state: "running",
            charts_planned: 20_000,
            charts: 12_345,
            charts_quarantined: 3,
            bytes_planned: 1_000,
            bytes: 505,
            workers_alive: 2,
            charts_per_second: 1_234.5,
            eta: Some(6.25),
            ..RunView::default()
        };
        assert_eq!(
            line(&view),
            "run-1: 50%, 12,345 of 20,000 charts, 1,234 charts/s, ETA 6.2 s, 2 workers, 3 quarantined"
        );
        let planning = RunView {
            run: "run-1".into(),
            state: "planning",
            waits_for: "2 workers to start".into(),
            ..RunView::default()
        };
        assert_eq!(
            line(&planning),
            "run-1: 0%, 0 charts, 0 charts/s, 0 workers (planning: 2 workers to start)"
        );
    }
}
