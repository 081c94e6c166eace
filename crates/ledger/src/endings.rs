//! How attempts end, what a failure costs, and how a shard gets its ending.

use crate::command::{Counts, Effect, Ending, Failure, Finish, Outcome, Rejection, Verdict};
use crate::id::{Epoch, Extent, ShardId, Timestamp, WorkerId};
use crate::ledger::{Ledger, Stage};
use crate::shard::{Phase, Shard, ShardState};

/// Failures in a row that charged nobody, after which the run stops: the world is broken.
const ENVIRONMENT_FAILURES: u32 = 10;

impl Ledger {
    pub(crate) fn started(
        &mut self,
        worker: WorkerId,
        shard: ShardId,
        epoch: Epoch,
        charts: u64,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        self.known(shard)?;
        self.worker(worker)?.seen = now;
        let entry = &mut self.shards[shard.0 as usize];
        let attempt = entry.attempt_mut(epoch).ok_or(Rejection::StaleLease)?;
        attempt.started = Some(now);
        attempt.moved = now;
        entry.charts = Some(charts);
        Ok(())
    }

    pub(crate) fn report(
        &mut self,
        worker: WorkerId,
        shard: ShardId,
        epoch: Epoch,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let phase = self.known(shard)?;
        self.worker(worker)?.seen = now;
        let holds = self.shards[shard.0 as usize]
            .attempts()
            .any(|a| a.epoch == epoch && a.worker == worker);
        match outcome {
            // Also from a stale lease: what is in the store is the truth, whoever put it there.
            Outcome::Committed(counts) if !phase.is_ending() && phase != Phase::Reserved => {
                self.time_attempt(shard, epoch, now);
                self.commit(shard, epoch, counts);
                let entry = self.worker(worker)?;
                entry.shards += 1;
                entry.charts += counts.charts;
            }
            _ if !holds => return Err(Rejection::StaleLease),
            Outcome::Committed(_) => return Err(Rejection::StaleLease),
            Outcome::AlreadyEnded => {
                self.forget_attempt(shard, epoch);
                if self.shards[shard.0 as usize]
                    .attempts()
                    .any(|a| a.epoch != epoch)
                {
                    // The other attempt may be the one that ended it; its report will tell.
                } else {
                    self.set(shard, ShardState::Judged);
                    self.effects.push(Effect::ReadEnding(shard));
                }
            }
            Outcome::Released => self.give_up(shard, epoch),
            Outcome::Failed(failure, cause) => self.failed(shard, epoch, failure, cause, now)?,
        }
        self.grant(worker, now);
        Ok(())
    }

    /// An attempt ends without an ending and without a charge.
    pub(crate) fn give_up(&mut self, shard: ShardId, epoch: Epoch) {
        let last = self.shards[shard.0 as usize]
            .attempts()
            .all(|a| a.epoch == epoch);
        if self.forget_attempt(shard, epoch).is_some() && last {
            self.set_pending(shard);
        }
    }

    fn failed(
        &mut self,
        shard: ShardId,
        epoch: Epoch,
        failure: Failure,
        cause: String,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        match failure {
            Failure::Engine => {
                self.give_up(shard, epoch);
                self.charge(shard, cause);
                Ok(())
            }
            Failure::Environment => {
                self.give_up(shard, epoch);
                self.breaker.environment_failures += 1;
                if self.breaker.environment_failures >= ENVIRONMENT_FAILURES {
                    return self.stop_if_working(Finish::Fail(cause), now);
                }
                Ok(())
            }
            Failure::DiskFull => {
                self.give_up(shard, epoch);
                self.stop_if_working(Finish::Fail(cause), now)
            }
        }
    }

    /// Charges a shard that holds no lease for that failure any more. A shard that somebody
    /// else holds meanwhile is judged when that attempt fails as well.
    pub(crate) fn charge(&mut self, shard: ShardId, cause: String) {
        let entry = &mut self.shards[shard.0 as usize];
        if !matches!(entry.phase(), Phase::Pending | Phase::Leased) {
            return;
        }
        entry.charges += 1;
        // Once the run stops there are no new verdicts; the charge is told by the next failure.
        if entry.phase() == Phase::Pending && self.stage == Stage::Working {
            self.set(shard, ShardState::Judged);
            self.causes.insert(shard, cause);
            self.judge(shard);
        }
    }

    /// Decides what follows from the charges of a shard in [`Phase::Judged`].
    fn judge(&mut self, shard: ShardId) {
        let entry = &self.shards[shard.0 as usize];
        let (extent, charges) = (entry.extent, entry.charges);
        if entry.may_be_cut() {
            self.effects.push(Effect::FindCut(shard, extent));
        } else if charges >= self.limits.charges {
            let reason = self.causes.get(&shard).cloned().unwrap_or_default();
            let verdict = Verdict::Quarantine {
                extent,
                charges,
                reason,
            };
            self.effects.push(Effect::Judge(shard, verdict));
        } else {
            self.causes.remove(&shard);
            self.set_pending(shard);
        }
    }

    pub(crate) fn cut_found(
        &mut self,
        shard: ShardId,
        cut: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if self.known(shard)? != Phase::Judged {
            return Err(Rejection::TooLate);
        }
        if self.stage != Stage::Working {
            self.set_pending(shard);
            return Ok(());
        }
        let Extent { begin, end } = self.shards[shard.0 as usize].extent;
        match cut.filter(|cut| begin < *cut && *cut < end) {
            None => {
                self.shards[shard.0 as usize].charts = Some(1);
                self.judge(shard);
                self.grant_everybody(now);
            }
            Some(cut) => {
                let first = self.next_shard();
                let children = [first, ShardId(first.0 + 1)];
                self.reserve(shard, children, cut);
                let verdict = Verdict::Split {
                    children: [
                        (children[0], Extent { begin, end: cut }),
                        (children[1], Extent { begin: cut, end }),
                    ],
                    charges: self.shards[shard.0 as usize].charges,
                    cause: self.causes.get(&shard).cloned().unwrap_or_default(),
                };
                self.effects.push(Effect::Judge(shard, verdict));
            }
        }
        Ok(())
    }

    /// Makes the numbers of a split's children known; they count once its ending says so.
    /// Children that a recovered verdict names are planned already reserved in between.
    pub(crate) fn reserve(&mut self, parent: ShardId, children: [ShardId; 2], cut: u64) {
        let parent = self.shards[parent.0 as usize].clone();
        let Extent { begin, end } = parent.extent;
        let whole = parent.extent.len().max(1);
        for (id, extent) in children
            .into_iter()
            .zip([Extent { begin, end: cut }, Extent { begin: cut, end }])
        {
            let part = u128::from(parent.bytes) * u128::from(extent.len()) / u128::from(whole);
            let bytes = u64::try_from(part).unwrap_or(parent.bytes);
            let state = ShardState::Reserved;
            let child = Shard::new(extent, parent.unit, bytes, parent.charges, state);
            debug_assert_eq!(id, self.next_shard(), "children follow everything known");
            self.add(child);
        }
    }

    pub(crate) fn ending_found(
        &mut self,
        shard: ShardId,
        ending: Ending,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let phase = self.known(shard)?;
        match (phase, ending) {
            (Phase::Pending | Phase::Leased | Phase::Judged, Ending::Committed(counts)) => {
                self.commit(
                    shard,
                    Epoch {
                        master: 0,
                        counter: 0,
                    },
                    counts,
                );
            }
            (Phase::Judged, Ending::Split(children)) => {
                for child in children {
                    if self.known(child)? != Phase::Reserved {
                        return Err(Rejection::TooLate);
                    }
                }
                self.set(shard, ShardState::Split { children });
                for child in children.into_iter().rev() {
                    self.set_pending(child);
                }
            }
            (Phase::Judged, Ending::Quarantined(counts)) => {
                self.set(shard, ShardState::Quarantined);
                self.count(shard, counts);
            }
            _ => return Err(Rejection::TooLate),
        }
        self.causes.remove(&shard);
        self.grant_everybody(now);
        Ok(())
    }

    /// The shard's ending holds rows. Every attempt but the one that made it is void.
    fn commit(&mut self, shard: ShardId, by: Epoch, counts: Counts) {
        let attempts: Vec<_> = self.shards[shard.0 as usize]
            .attempts()
            .map(|attempt| (attempt.worker, attempt.epoch))
            .collect();
        for (worker, epoch) in attempts {
            self.forget_attempt(shard, epoch);
            if epoch != by {
                self.effects.push(Effect::Revoke {
                    worker,
                    shard,
                    epoch,
                });
            }
        }
        self.set(shard, ShardState::Committed);
        self.causes.remove(&shard);
        self.count(shard, counts);
        self.breaker.failed_boots = 0;
        self.breaker.barren_deaths = 0;
        self.breaker.environment_failures = 0;
    }

    fn count(&mut self, shard: ShardId, counts: Counts) {
        self.tally.counts.charts += counts.charts;
        self.tally.counts.quarantined += counts.quarantined;
        self.tally.counts.findings += counts.findings;
        self.tally.bytes_ended += self.shards[shard.0 as usize].bytes;
    }

    fn time_attempt(&mut self, shard: ShardId, epoch: Epoch, now: Timestamp) {
        let attempt = self.shards[shard.0 as usize]
            .attempts()
            .find(|a| a.epoch == epoch);
        if let Some(started) = attempt.and_then(|a| a.started) {
            self.tally.attempts_ended += 1;
            self.tally.attempts_milliseconds += now.since(started);
        }
    }
}
