//! Who gets which lease: pending shards first, then what waits unstarted in a longer queue,
//! then a second attempt at the slowest.

use crate::command::{Effect, Rejection};
use crate::id::{Epoch, ShardId, Timestamp, WorkerId};
use crate::ledger::{Ledger, Stage};
use crate::shard::{Attempt, Phase, ShardState};
use crate::worker::WorkerState;

impl Ledger {
    pub(crate) fn credit(
        &mut self,
        worker: WorkerId,
        credit: u32,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let entry = self.worker(worker)?;
        if !entry.in_session() {
            return Err(Rejection::OutOfTurn);
        }
        entry.credit = entry.credit.saturating_add(credit);
        entry.seen = now;
        self.grant(worker, now);
        Ok(())
    }

    /// Gives every worker what it may have; for changes that concern all of them.
    pub(crate) fn grant_everybody(&mut self, now: Timestamp) {
        let waiting: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, w)| w.credit > 0)
            .map(|(id, _)| *id)
            .collect();
        for worker in waiting {
            self.grant(worker, now);
        }
    }

    /// Gives one worker what it may have.
    pub(crate) fn grant(&mut self, worker: WorkerId, now: Timestamp) {
        if self.stage != Stage::Working {
            return;
        }
        let all_slots = self.slots_in_session();
        while self.may_take(worker, all_slots) {
            let Some(shard) = self.next_pending().or_else(|| self.take_back(worker)) else {
                break;
            };
            self.lease(worker, shard, now);
        }
        self.hedge(worker, now);
    }

    /// Whether the worker has credit, and its queue is not longer than its share of what is
    /// left: near the end everybody holds little, so that nobody idles beside a full queue.
    fn may_take(&self, worker: WorkerId, all_slots: u64) -> bool {
        let Some(entry) = self.workers.get(&worker) else {
            return false;
        };
        if entry.state() != WorkerState::Active || entry.credit == 0 {
            return false;
        }
        let slots = u64::from(entry.slots);
        let share = self.tally.in_phase(Phase::Pending) * slots / (2 * all_slots.max(1));
        (entry.held.len() as u64) < share.max(slots + 1)
    }

    fn slots_in_session(&self) -> u64 {
        self.workers
            .values()
            .filter(|w| w.in_session())
            .map(|w| u64::from(w.slots))
            .sum()
    }

    fn next_pending(&mut self) -> Option<ShardId> {
        while let Some(shard) = self.pending.pop_front() {
            if self.shards[shard.0 as usize].phase() == Phase::Pending {
                return Some(shard);
            }
        }
        None
    }

    /// For a worker with an idle slot: a shard that another has queued behind its slots.
    fn take_back(&mut self, worker: WorkerId) -> Option<ShardId> {
        let idle = self.workers.get(&worker)?;
        if idle.held.len() >= idle.slots as usize {
            return None;
        }
        let (from, shard, epoch) = self
            .workers
            .iter()
            .filter(|(id, w)| **id != worker && w.held.len() > w.slots as usize)
            .max_by_key(|(_, w)| w.held.len())
            .and_then(|(id, w)| {
                w.held.iter().rev().find_map(|shard| {
                    let queued = self.only_attempt(*shard)?;
                    queued
                        .started
                        .is_none()
                        .then_some((*id, *shard, queued.epoch))
                })
            })?;
        self.effects.push(Effect::Revoke {
            worker: from,
            shard,
            epoch,
        });
        self.forget_attempt(shard, epoch);
        self.set(shard, ShardState::Pending);
        Some(shard)
    }

    fn only_attempt(&self, shard: ShardId) -> Option<&Attempt> {
        match self.shards[shard.0 as usize].state() {
            ShardState::Leased {
                first,
                second: None,
            } => Some(first),
            _ => None,
        }
    }

    /// Makes the first attempt at a pending shard.
    fn lease(&mut self, worker: WorkerId, shard: ShardId, now: Timestamp) {
        let attempt = self.new_attempt(worker, shard, now);
        self.set(
            shard,
            ShardState::Leased {
                first: attempt,
                second: None,
            },
        );
    }

    /// Gives an idle worker a second attempt at the slowest started lease. Safe, because an
    /// ending is created once, whoever comes first.
    fn hedge(&mut self, worker: WorkerId, now: Timestamp) {
        if self.tally.in_phase(Phase::Pending) > 0 || !self.plan_closed {
            return;
        }
        let Some(entry) = self.workers.get(&worker) else {
            return;
        };
        if entry.state() != WorkerState::Active || entry.credit == 0 || !entry.held.is_empty() {
            return;
        }
        let Some(mean) = self.tally.mean_attempt() else {
            return;
        };
        let slow = (mean * self.limits.hedge_factor).max(self.limits.hedge);
        let slowest = self
            .workers
            .iter()
            .filter(|(id, _)| **id != worker)
            .flat_map(|(_, w)| w.held.iter())
            .filter_map(|shard| {
                let attempt = self.only_attempt(*shard)?;
                let started = attempt.started?;
                (now.since(started) > slow).then_some((started, *shard))
            })
            .min();
        let Some((_, shard)) = slowest else { return };
        let second = self.new_attempt(worker, shard, now);
        let first = self.only_attempt(shard).cloned();
        if let Some(first) = first {
            let second = Some(Box::new(second));
            self.set(shard, ShardState::Leased { first, second });
        }
    }

    fn new_attempt(&mut self, worker: WorkerId, shard: ShardId, now: Timestamp) -> Attempt {
        let epoch = self.next_epoch();
        let extent = self.shards[shard.0 as usize].extent;
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.credit -= 1;
            entry.held.insert(shard);
        }
        self.tally.attempts += 1;
        self.effects.push(Effect::Grant {
            worker,
            shard,
            epoch,
            extent,
        });
        Attempt {
            worker,
            epoch,
            started: None,
            charts: 0,
            moved: now,
        }
    }

    /// Ends one attempt's hold on its shard, and returns it. The shard stays leased when
    /// another attempt goes on; otherwise its state is the caller's to change.
    pub(crate) fn forget_attempt(&mut self, shard: ShardId, epoch: Epoch) -> Option<Attempt> {
        let (gone, stays) = match self.shards[shard.0 as usize].state().clone() {
            ShardState::Leased { first, second } if first.epoch == epoch => {
                (first, second.map(|s| *s))
            }
            ShardState::Leased {
                first,
                second: Some(second),
            } if second.epoch == epoch => (*second, Some(first)),
            _ => return None,
        };
        if let Some(entry) = self.workers.get_mut(&gone.worker) {
            entry.held.remove(&shard);
        }
        if let Some(first) = stays {
            self.set(
                shard,
                ShardState::Leased {
                    first,
                    second: None,
                },
            );
        }
        Some(gone)
    }
}
