//! How workers come, show that they live, and go; and how many there should be.

use crate::command::{Death, DrainMode, Effect, Finish, Rejection};
use crate::id::{Epoch, ShardId, Timestamp, WorkerId};
use crate::ledger::{Ledger, Stage};
use crate::shard::Phase;
use crate::worker::{Worker, WorkerState};

impl Ledger {
    pub(crate) fn enrolled(&mut self, worker: WorkerId, now: Timestamp) -> Result<(), Rejection> {
        let entry = self.worker(worker)?;
        if entry.state() == WorkerState::Launched {
            entry.become_state(WorkerState::Enrolled);
            entry.seen = now;
        }
        Ok(())
    }

    pub(crate) fn session_opened(
        &mut self,
        worker: WorkerId,
        slots: u32,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let entry = self.worker(worker)?;
        match entry.state() {
            WorkerState::Launched | WorkerState::Enrolled => {}
            WorkerState::Active | WorkerState::Suspect => self.interrupt(worker, now),
            _ => return Err(Rejection::OutOfTurn),
        }
        self.enrolled(worker, now)?;
        let stopping = match &self.stage {
            Stage::Recovering | Stage::Working => None,
            Stage::Stopping { releasing, .. } => Some(*releasing),
            Stage::Finished => return Err(Rejection::TooLate),
        };
        let entry = self.worker(worker)?;
        entry.slots = slots.max(1);
        entry.credit = 0;
        entry.served = true;
        entry.seen = now;
        // It came back: the network had failed, and nobody is charged for that.
        entry.interrupted.clear();
        match stopping {
            None => entry.become_state(WorkerState::Active),
            Some(releasing) => {
                entry.become_state(WorkerState::Draining);
                let mode = if releasing {
                    DrainMode::Release
                } else {
                    DrainMode::Finish
                };
                self.effects.push(Effect::Drain(worker, mode));
            }
        }
        Ok(())
    }

    pub(crate) fn heartbeat(
        &mut self,
        worker: WorkerId,
        progress: &[(ShardId, Epoch, u64)],
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let entry = self.worker(worker)?;
        if !entry.in_session() {
            return Err(Rejection::OutOfTurn);
        }
        entry.seen = now;
        if entry.state() == WorkerState::Suspect {
            entry.become_state(WorkerState::Active);
            entry.reason.clear();
        }
        for (shard, epoch, charts) in progress {
            let Some(entry) = self.shards.get_mut(shard.0 as usize) else {
                continue;
            };
            if let Some(attempt) = entry.attempt_mut(*epoch)
                && *charts > attempt.charts
            {
                attempt.charts = *charts;
                attempt.moved = now;
            }
        }
        self.grant(worker, now);
        Ok(())
    }

    pub(crate) fn engine_broken(
        &mut self,
        worker: WorkerId,
        reason: String,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let nothing_ended = self.tally.in_phase(Phase::Committed) == 0;
        let entry = self.worker(worker)?;
        if !entry.in_session() {
            return Err(Rejection::OutOfTurn);
        }
        entry.reason.clone_from(&reason);
        if entry.state() != WorkerState::Draining {
            entry.become_state(WorkerState::Draining);
            self.effects.push(Effect::Drain(worker, DrainMode::Release));
        }
        self.breaker.broken_engines.insert(worker);
        // One broken host is replaced; an engine that works nowhere ends the run.
        let wanted = self.limits.workers.clamp(1, 2) as usize;
        if nothing_ended || self.breaker.broken_engines.len() >= wanted {
            return self.stop_if_working(Finish::Fail(reason), now);
        }
        Ok(())
    }

    pub(crate) fn leaving(&mut self, worker: WorkerId, now: Timestamp) -> Result<(), Rejection> {
        if !self.worker(worker)?.in_session() {
            return Err(Rejection::OutOfTurn);
        }
        self.return_leases(worker);
        let entry = self.worker(worker)?;
        entry.become_state(WorkerState::Left);
        entry.credit = 0;
        entry.seen = now;
        self.grant_everybody(now);
        Ok(())
    }

    pub(crate) fn session_broken(
        &mut self,
        worker: WorkerId,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let state = self.worker(worker)?.state();
        match state {
            WorkerState::Active | WorkerState::Suspect => self.interrupt(worker, now),
            WorkerState::Draining => {
                self.return_leases(worker);
                self.lose(worker, "its session broke while it drained");
            }
            _ => return Err(Rejection::OutOfTurn),
        }
        self.grant_everybody(now);
        Ok(())
    }

    pub(crate) fn instance_ended(
        &mut self,
        worker: WorkerId,
        reason: String,
        death: Death,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let entry = self.worker(worker)?;
        if entry.ended {
            return Err(Rejection::TooLate);
        }
        entry.ended = true;
        let died = death != Death::None && !entry.asked_to_end;
        let charged = if entry.in_session() {
            self.return_leases(worker)
        } else {
            std::mem::take(&mut entry.interrupted)
        };
        let entry = self.worker(worker)?;
        entry.credit = 0;
        match entry.state() {
            WorkerState::Left | WorkerState::Lost => {}
            WorkerState::Draining if !died => entry.become_state(WorkerState::Left),
            _ => entry.become_state(WorkerState::Lost),
        }
        if entry.reason.is_empty() {
            entry.reason.clone_from(&reason);
        }
        let served = entry.served;
        if died && death == Death::AtWork {
            for (shard, _) in charged {
                self.charge(shard, format!("the worker died while coding it ({reason})"));
            }
        }
        if !served {
            self.breaker.failed_boots += 1;
            if self.breaker.failed_boots >= self.limits.failed_boots {
                let why = format!(
                    "{} workers in a row ended before they could work; the last: {reason}",
                    self.breaker.failed_boots
                );
                return self.stop_if_working(Finish::Fail(why), now);
            }
        } else if died {
            self.breaker.barren_deaths += 1;
            if self.breaker.barren_deaths >= self.limits.barren_deaths {
                let why = format!(
                    "{} workers in a row died before anything was finished; the last: {reason}",
                    self.breaker.barren_deaths
                );
                return self.stop_if_working(Finish::Fail(why), now);
            }
        }
        self.grant_everybody(now);
        Ok(())
    }

    /// Judges silence. When the master itself was stopped for a while, everybody's silence is
    /// its own, and the clock is set forward for all.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        let gap = now.since(self.last_tick);
        self.last_tick = now;
        if gap > self.limits.suspect {
            for worker in self.workers.values_mut() {
                worker.seen = Timestamp(worker.seen.0 + gap);
                worker.launched = Timestamp(worker.launched.0 + gap);
            }
        }
        let all: Vec<WorkerId> = self.workers.keys().copied().collect();
        for worker in all {
            self.judge_silence(worker, now);
            self.judge_stalls(worker, now);
        }
        self.grant_everybody(now);
    }

    fn judge_silence(&mut self, worker: WorkerId, now: Timestamp) {
        let Some(entry) = self.workers.get_mut(&worker) else {
            return;
        };
        if entry.ended {
            return;
        }
        let silent = now.since(entry.seen);
        match entry.state() {
            WorkerState::Launched if now.since(entry.launched) > self.limits.boot => {
                self.lose(worker, "it never enrolled");
            }
            WorkerState::Enrolled if !entry.served && silent > self.limits.boot => {
                self.lose(worker, "it enrolled and never opened a session");
            }
            WorkerState::Enrolled if entry.served && silent > self.limits.reconnect => {
                self.lose(worker, "its session broke and it did not come back");
            }
            WorkerState::Active if silent > self.limits.suspect => {
                entry.become_state(WorkerState::Suspect);
                entry.reason = "silent".to_owned();
            }
            WorkerState::Suspect | WorkerState::Draining if silent > self.limits.lease => {
                self.return_leases(worker);
                self.lose(worker, "its heartbeats stopped");
            }
            WorkerState::Left if silent > self.limits.leave && !entry.asked_to_end => {
                entry.asked_to_end = true;
                self.effects.push(Effect::Terminate(worker));
            }
            _ => {}
        }
    }

    /// Ends leases whose chart counter stands still for longer than their history explains.
    fn judge_stalls(&mut self, worker: WorkerId, now: Timestamp) {
        let Some(entry) = self.workers.get(&worker) else {
            return;
        };
        let stalled: Vec<_> = entry
            .held
            .iter()
            .flat_map(|shard| {
                self.shards[shard.0 as usize]
                    .attempts()
                    .filter(|a| a.worker == worker)
                    .filter(|a| {
                        a.started
                            .is_some_and(|s| self.is_stalled(s, a.moved, a.charts, now))
                    })
                    .map(|a| (*shard, a.epoch))
            })
            .collect();
        if stalled.is_empty() {
            return;
        }
        // Its engine hangs and cannot be told so: the whole worker is replaced.
        self.return_leases(worker);
        self.lose(worker, "an attempt stopped making progress");
        for (shard, _) in stalled {
            self.charge(shard, "its charts stopped making progress".to_owned());
        }
    }

    fn is_stalled(
        &self,
        started: Timestamp,
        moved: Timestamp,
        charts: u64,
        now: Timestamp,
    ) -> bool {
        let mean = moved.since(started).checked_div(charts).unwrap_or(0);
        now.since(moved) > self.limits.stall.max(mean * self.limits.stall_factor)
    }

    /// Gives a worker up and has its instance ended.
    pub(crate) fn lose(&mut self, worker: WorkerId, reason: &str) {
        let Some(entry) = self.workers.get_mut(&worker) else {
            return;
        };
        entry.become_state(WorkerState::Lost);
        entry.reason = reason.to_owned();
        entry.credit = 0;
        entry.asked_to_end = true;
        entry.interrupted.clear();
        self.effects.push(Effect::Terminate(worker));
    }

    /// The session is gone: its leases return at once, and what was started is remembered
    /// until it is known whether the process died.
    fn interrupt(&mut self, worker: WorkerId, now: Timestamp) {
        let started = self.return_leases(worker);
        let Some(entry) = self.workers.get_mut(&worker) else {
            return;
        };
        entry.interrupted = started;
        entry.become_state(WorkerState::Enrolled);
        entry.seen = now;
        entry.credit = 0;
    }

    /// Returns everything a worker holds, and says which attempts had been started.
    pub(crate) fn return_leases(&mut self, worker: WorkerId) -> Vec<(ShardId, Epoch)> {
        let Some(entry) = self.workers.get_mut(&worker) else {
            return Vec::new();
        };
        let held = std::mem::take(&mut entry.held);
        let mut started = Vec::new();
        for shard in held.into_iter().rev() {
            let attempt = self.shards[shard.0 as usize]
                .attempts()
                .find(|a| a.worker == worker);
            let Some((epoch, at_work)) = attempt.map(|a| (a.epoch, a.started.is_some())) else {
                continue;
            };
            if at_work {
                started.push((shard, epoch));
            }
            self.give_up(shard, epoch);
        }
        started
    }

    /// Keeps as many workers as there is work for. An instance counts until it is confirmed
    /// gone, so that there are never more than the limit.
    pub(crate) fn launch_wanted(&mut self, now: Timestamp) {
        let alive = self.workers.values().filter(|w| !w.ended).count() as u64;
        let limit = u64::from(self.limits.workers);
        let wanted = if self.plan_closed {
            limit.min(self.tally.open())
        } else {
            limit
        };
        for _ in alive..wanted {
            let worker = WorkerId(self.next_worker);
            self.next_worker += 1;
            self.workers.insert(worker, Worker::launched(now));
            self.effects.push(Effect::Launch(worker));
        }
    }
}
