//! How a run ends: from the first "no new leases" until nothing is left.

use crate::command::{DrainMode, Effect, Finish, Order, Rejection};
use crate::id::{Timestamp, WorkerId};
use crate::ledger::{Ledger, Stage};
use crate::shard::Phase;
use crate::worker::WorkerState;

impl Ledger {
    /// What follows from the state by itself; runs after every command.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        if self.stage == Stage::Working {
            if self.plan_closed && self.tally.open() == 0 {
                self.begin_stopping(Finish::Seal, true, now);
            } else {
                self.launch_wanted(now);
            }
        }
        if let Stage::Stopping { .. } = self.stage {
            self.hurry(now);
            self.finish_when_nothing_is_left();
        }
    }

    /// Whether an order would change how the run ends. Where every shard has its ending, nothing
    /// is left that it could change.
    #[must_use]
    pub fn would_obey(&self, order: Order) -> bool {
        match &self.stage {
            Stage::Recovering | Stage::Working => true,
            Stage::Stopping {
                finish, all_ended, ..
            } => !all_ended && rank(&order.finish()) > rank(finish),
            Stage::Finished => false,
        }
    }

    /// Begins to stop. A harder end may overrule a softer one: abort beats fail beats suspend
    /// beats drain.
    pub(crate) fn stop(&mut self, finish: Finish, now: Timestamp) -> Result<(), Rejection> {
        match &self.stage {
            Stage::Recovering | Stage::Working => {}
            Stage::Stopping {
                finish: present, ..
            } if rank(&finish) > rank(present) => {}
            _ => return Err(Rejection::TooLate),
        }
        self.begin_stopping(finish, false, now);
        Ok(())
    }

    /// The same for failures that may come in numbers: only the first counts.
    pub(crate) fn stop_if_working(
        &mut self,
        finish: Finish,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if self.stage == Stage::Working {
            self.begin_stopping(finish, false, now);
        }
        Ok(())
    }

    fn begin_stopping(&mut self, finish: Finish, all_ended: bool, now: Timestamp) {
        let releasing = matches!(finish, Finish::SealAborted | Finish::Fail(_));
        self.stage = Stage::Stopping {
            finish,
            all_ended,
            since: now,
            releasing,
        };
        let mode = if releasing {
            DrainMode::Release
        } else {
            DrainMode::Finish
        };
        self.drain_everybody(mode);
        let unreachable: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, w)| matches!(w.state(), WorkerState::Launched | WorkerState::Enrolled))
            .map(|(id, _)| *id)
            .collect();
        for worker in unreachable {
            self.lose(worker, "the run stopped before it had a session");
        }
    }

    fn drain_everybody(&mut self, mode: DrainMode) {
        for (id, worker) in &mut self.workers {
            if worker.in_session() {
                if worker.state() != WorkerState::Draining {
                    worker.become_state(WorkerState::Draining);
                }
                self.effects.push(Effect::Drain(*id, mode));
            }
        }
    }

    /// Nobody may hold up the end for ever.
    fn hurry(&mut self, now: Timestamp) {
        let Stage::Stopping {
            finish,
            since,
            releasing,
            ..
        } = &mut self.stage
        else {
            return;
        };
        let waited = now.since(*since);
        if *finish == Finish::Suspend && !*releasing && waited > self.limits.suspend_grace {
            *releasing = true;
            *since = now;
            self.drain_everybody(DrainMode::Release);
            return;
        }
        let releasing = *releasing;
        let late: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, w)| !w.ended && w.state().is_expected())
            .filter(|(_, w)| releasing || w.held.is_empty())
            .map(|(id, _)| *id)
            .collect();
        if waited > self.limits.leave {
            for worker in late {
                self.return_leases(worker);
                self.lose(worker, "it did not leave in time");
            }
        }
    }

    fn finish_when_nothing_is_left(&mut self) {
        let Stage::Stopping { finish, .. } = &self.stage else {
            return;
        };
        let alive = self.workers.values().any(|w| !w.has_ended());
        let verdicts = self.tally.in_phase(Phase::Judged) > 0 && *finish == Finish::Seal;
        if !alive && !verdicts {
            let finish = finish.clone();
            self.stage = Stage::Finished;
            self.effects.push(Effect::Finish(finish));
        }
    }
}

impl Order {
    /// The end that it leads to.
    pub(crate) fn finish(self) -> Finish {
        match self {
            Order::Drain => Finish::Seal,
            Order::Abort => Finish::SealAborted,
            Order::Suspend => Finish::Suspend,
        }
    }
}

fn rank(finish: &Finish) -> u8 {
    match finish {
        Finish::Seal => 0,
        Finish::Suspend => 1,
        Finish::Fail(_) => 2,
        Finish::SealAborted => 3,
    }
}
