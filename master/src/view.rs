//! What anybody may see of a run: numbers and states, never a chart.

use ledger::shard::Phase;
use ledger::{Finish, Ledger, Stage, Timestamp};
use store::run_log::Outcome;

/// One look at a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunView {
    /// The run.
    pub run: String,
    /// planning, running, draining or sealed.
    pub state: &'static str,
    /// Once sealed.
    pub outcome: Option<Outcome>,
    /// Exact for files of one chart; estimated for line files until all have been read.
    pub charts_planned: u64,
    /// No more charts will be planned.
    pub plan_closed: bool,
    /// Charts in endings and in attempts that are at work.
    pub charts: u64,
    /// Charts in endings that could not be coded.
    pub charts_quarantined: u64,
    /// Rows with a code, in endings.
    pub findings: u64,
    /// Bytes planned.
    pub bytes_planned: u64,
    /// Bytes of ended shards.
    pub bytes: u64,
    /// Shards by state.
    pub shards: ShardView,
    /// Leases granted by this master.
    pub attempts: u64,
    /// Workers ever launched.
    pub workers_launched: u32,
    /// Workers not confirmed gone.
    pub workers_alive: u32,
    /// Seconds since this master began.
    pub elapsed: f64,
    /// Over the last seconds.
    pub charts_per_second: f64,
    /// Seconds until everything has ended, where it can be told.
    pub eta: Option<f64>,
    /// What the run waits for, in a sentence.
    pub waits_for: String,
    /// The epoch of its master.
    pub master_epoch: u32,
}

/// Shards by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardView {
    /// Wait for a worker.
    pub pending: u64,
    /// At work, or queued at a worker.
    pub leased: u64,
    /// Ended with rows.
    pub committed: u64,
    /// Ended by being cut in two.
    pub split: u64,
    /// Ended by being given up.
    pub quarantined: u64,
}

/// Turns totals into rates.
#[derive(Debug)]
pub(crate) struct Pace {
    began: Timestamp,
    bytes_at_begin: u64,
    /// Time, charts and bytes, a few seconds ago and newer.
    window: std::collections::VecDeque<(Timestamp, u64, u64)>,
}

/// How far back a rate looks: short enough to follow, long enough not to jump.
const WINDOW: u64 = 5_000;

impl Pace {
    pub(crate) fn new(ledger: &Ledger, now: Timestamp) -> Pace {
        Pace {
            began: now,
            bytes_at_begin: ledger.tally().bytes_ended,
            window: std::collections::VecDeque::new(),
        }
    }

    /// Looks at the run. `charts_planned` is what the segments say.
    pub(crate) fn look(
        &mut self,
        run: &str,
        ledger: &Ledger,
        charts_planned: u64,
        now: Timestamp,
    ) -> RunView {
        let tally = ledger.tally();
        let at_work: u64 = ledger
            .shards_at_work()
            .map(|shard| shard.attempts().map(|a| a.charts).max().unwrap_or(0))
            .sum();
        let charts = tally.counts.charts + at_work;
        self.window.push_back((now, charts, tally.bytes_ended));
        while self.window.len() > 2 && self.window.get(1).is_some_and(|w| now.since(w.0) > WINDOW) {
            self.window.pop_front();
        }
        let elapsed = seconds(now.since(self.began));
        let bytes_per_second = match elapsed > 0.0 {
            true => approximate(tally.bytes_ended.saturating_sub(self.bytes_at_begin)) / elapsed,
            false => 0.0,
        };
        let left = tally.bytes_planned.saturating_sub(tally.bytes_ended);
        let all_ended = ledger.plan_closed() && tally.open() == 0;
        let known = ledger.plan_closed() && bytes_per_second > 0.0;
        RunView {
            run: run.to_owned(),
            state: state(ledger),
            outcome: None,
            charts_planned: match all_ended {
                true => tally.counts.charts,
                false => charts_planned.max(charts),
            },
            plan_closed: ledger.plan_closed(),
            charts,
            charts_quarantined: tally.counts.quarantined,
            findings: tally.counts.findings,
            bytes_planned: tally.bytes_planned,
            bytes: tally.bytes_ended,
            shards: ShardView {
                pending: tally.in_phase(Phase::Pending),
                leased: tally.in_phase(Phase::Leased) + tally.in_phase(Phase::Judged),
                committed: tally.in_phase(Phase::Committed),
                split: tally.in_phase(Phase::Split),
                quarantined: tally.in_phase(Phase::Quarantined),
            },
            attempts: tally.attempts,
            workers_launched: ledger.workers_launched(),
            workers_alive: ledger.workers_alive(),
            elapsed,
            charts_per_second: self.charts_per_second(),
            eta: known.then(|| approximate(left) / bytes_per_second),
            waits_for: waits_for(ledger),
            master_epoch: ledger.master_epoch(),
        }
    }

    fn charts_per_second(&self) -> f64 {
        let (Some(first), Some(last)) = (self.window.front(), self.window.back()) else {
            return 0.0;
        };
        let span = seconds(last.0.since(first.0));
        if span > 0.0 {
            approximate(last.1.saturating_sub(first.1)) / span
        } else {
            0.0
        }
    }
}

fn state(ledger: &Ledger) -> &'static str {
    match ledger.stage() {
        Stage::Recovering => "planning",
        Stage::Working if !ledger.plan_closed() => "planning",
        Stage::Working => "running",
        Stage::Stopping { .. } | Stage::Finished => "draining",
    }
}

fn waits_for(ledger: &Ledger) -> String {
    let tally = ledger.tally();
    let alive = ledger.workers_alive();
    match ledger.stage() {
        Stage::Recovering => "reading what an earlier master left".to_owned(),
        Stage::Stopping {
            finish, all_ended, ..
        } => {
            let why = match finish {
                _ if *all_ended => "everything has ended",
                Finish::Seal => "drained",
                Finish::SealAborted => "aborted",
                Finish::Suspend => "suspended",
                Finish::Fail(_) => "failed",
            };
            format!("{why}; {alive} workers to leave")
        }
        Stage::Finished => "the seal".to_owned(),
        Stage::Working => match (ledger.workers_in_session(), tally.in_phase(Phase::Leased)) {
            (0, _) => format!("{alive} workers to start"),
            (_, 0) if !ledger.plan_closed() => "charts to be listed".to_owned(),
            (workers, leased) => format!("{workers} workers with {leased} shards"),
        },
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates and estimates are approximate"
)]
fn approximate(n: u64) -> f64 {
    n as f64
}

fn seconds(milliseconds: u64) -> f64 {
    approximate(milliseconds) / 1_000.0
}
