//! The ledger itself: its state, and the one door through which it changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::command::{
    Command, Counts, Effect, Ending, Finish, Order, PlannedShard, Recovered, Rejection,
};
use crate::id::{Epoch, ShardId, Timestamp, WorkerId};
use crate::limits::Limits;
use crate::shard::{Phase, Shard, ShardState};
use crate::worker::{Worker, WorkerState};

/// Everything that is decided during a run, in memory.
///
/// It can be rebuilt at any time from the run log and the endings in the store: feed
/// [`Command::AddSegment`] and [`Command::Recover`] to a fresh one, then [`Command::Begin`].
#[derive(Debug)]
pub struct Ledger {
    pub(crate) master_epoch: u32,
    pub(crate) limits: Limits,
    /// Dense: the index is the shard's number.
    pub(crate) shards: Vec<Shard>,
    /// Shards to grant, front first. May hold shards that are no longer pending (skipped when
    /// met), never misses one that is.
    pub(crate) pending: VecDeque<ShardId>,
    pub(crate) workers: BTreeMap<WorkerId, Worker>,
    pub(crate) next_worker: u32,
    pub(crate) next_counter: u64,
    pub(crate) plan_closed: bool,
    pub(crate) stage: Stage,
    pub(crate) tally: Tally,
    /// Why shards are [`Phase::Judged`], until their verdict is carried out.
    pub(crate) causes: BTreeMap<ShardId, String>,
    pub(crate) breaker: Breaker,
    pub(crate) last_tick: Timestamp,
    pub(crate) effects: Vec<Effect>,
}

/// Where the run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// What an earlier master left is being told; nothing is launched or granted.
    Recovering,
    /// Leases are granted.
    Working,
    /// No new leases; workers leave.
    Stopping {
        /// What the end will be.
        finish: Finish,
        /// Whether every shard had ended when it began.
        all_ended: bool,
        /// When it began.
        since: Timestamp,
        /// Workers were told to give back what they hold.
        releasing: bool,
    },
    /// The last effect was returned.
    Finished,
}

/// Running totals, kept so that a view of the run costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Shards by [`Phase`], in its order.
    pub(crate) phases: [u64; 7],
    /// What the endings hold.
    pub counts: Counts,
    /// Bytes planned, children not counted again.
    pub bytes_planned: u64,
    /// Bytes of shards that have their ending and no children.
    pub bytes_ended: u64,
    /// Leases granted.
    pub attempts: u64,
    /// Shards committed since this master began, and the milliseconds their attempts took.
    pub(crate) attempts_ended: u64,
    pub(crate) attempts_milliseconds: u64,
}

/// What has gone wrong in a row.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    pub(crate) failed_boots: u32,
    pub(crate) barren_deaths: u32,
    pub(crate) environment_failures: u32,
    pub(crate) broken_engines: BTreeSet<WorkerId>,
}

impl Ledger {
    /// An empty ledger of the master with that epoch. `next_worker` is one past the highest
    /// worker ever launched in this run.
    #[must_use]
    pub fn new(master_epoch: u32, next_worker: u32, limits: Limits, now: Timestamp) -> Ledger {
        Ledger {
            master_epoch,
            limits,
            shards: Vec::new(),
            pending: VecDeque::new(),
            workers: BTreeMap::new(),
            next_worker,
            next_counter: 1,
            plan_closed: false,
            stage: Stage::Recovering,
            tally: Tally::default(),
            causes: BTreeMap::new(),
            breaker: Breaker::default(),
            last_tick: now,
            effects: Vec::new(),
        }
    }

    /// Applies one command. Effects are to be carried out in their order.
    ///
    /// # Errors
    /// A [`Rejection`] is an expected "no" and changed nothing.
    pub fn decide(&mut self, command: Command, now: Timestamp) -> Result<Vec<Effect>, Rejection> {
        if self.stage == Stage::Finished {
            return Err(Rejection::TooLate);
        }
        match command {
            Command::AddSegment(shards) => self.add_segment(shards, now),
            Command::ClosePlan => {
                self.plan_closed = true;
                Ok(())
            }
            Command::Begin => self.begin(),
            Command::Recover(shard, recovered) => self.recover(shard, recovered, now),
            Command::Enrolled(worker) => self.enrolled(worker, now),
            Command::SessionOpened { worker, slots } => self.session_opened(worker, slots, now),
            Command::Credit(worker, credit) => self.credit(worker, credit, now),
            Command::Started {
                worker,
                shard,
                epoch,
                charts,
            } => self.started(worker, shard, epoch, charts, now),
            Command::Heartbeat { worker, progress } => self.heartbeat(worker, &progress, now),
            Command::Report {
                worker,
                shard,
                epoch,
                outcome,
            } => self.report(worker, shard, epoch, outcome, now),
            Command::EngineBroken(worker, reason) => self.engine_broken(worker, reason, now),
            Command::Leaving(worker) => self.leaving(worker, now),
            Command::SessionBroken(worker) => self.session_broken(worker, now),
            Command::InstanceEnded {
                worker,
                reason,
                death,
            } => self.instance_ended(worker, reason, death, now),
            Command::CutFound(shard, cut) => self.cut_found(shard, cut, now),
            Command::EndingFound(shard, ending) => self.ending_found(shard, ending, now),
            Command::Order(order) => self.order(order, now),
            Command::Tick => {
                self.tick(now);
                Ok(())
            }
        }?;
        self.advance(now);
        Ok(std::mem::take(&mut self.effects))
    }

    /// The number that the next shard of the plan will get.
    ///
    /// # Panics
    /// Beyond four thousand million shards.
    #[must_use]
    pub fn next_shard(&self) -> ShardId {
        ShardId(u32::try_from(self.shards.len()).expect("a run has fewer than 2^32 shards"))
    }

    /// All shards, in plan order.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// All workers this master launched.
    #[must_use]
    pub fn workers(&self) -> &BTreeMap<WorkerId, Worker> {
        &self.workers
    }

    /// Where the run is.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether no more segments will come.
    #[must_use]
    pub fn plan_closed(&self) -> bool {
        self.plan_closed
    }

    /// Running totals.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Shards that somebody holds now.
    pub fn shards_at_work(&self) -> impl Iterator<Item = &Shard> {
        let held: BTreeSet<ShardId> = self
            .workers
            .values()
            .flat_map(|w| w.held.iter().copied())
            .collect();
        held.into_iter().map(|shard| &self.shards[shard.0 as usize])
    }

    /// Workers ever launched in this run.
    #[must_use]
    pub fn workers_launched(&self) -> u32 {
        self.next_worker - 1
    }

    /// Workers whose instance is not confirmed gone.
    #[must_use]
    pub fn workers_alive(&self) -> u32 {
        self.workers.values().map(|w| u32::from(!w.ended)).sum()
    }

    /// Workers in session.
    #[must_use]
    pub fn workers_in_session(&self) -> u32 {
        self.workers
            .values()
            .map(|w| u32::from(w.in_session()))
            .sum()
    }

    /// The epoch of this master.
    #[must_use]
    pub fn master_epoch(&self) -> u32 {
        self.master_epoch
    }

    /// The limits it decides by.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The counted changes of a shard's state go through here.
    pub(crate) fn set(&mut self, shard: ShardId, next: ShardState) -> ShardState {
        let entry = &mut self.shards[shard.0 as usize];
        self.tally.phases[entry.phase() as usize] -= 1;
        self.tally.phases[next.phase() as usize] += 1;
        entry.become_state(next)
    }

    /// Puts a shard where it is granted next: what was lost has waited longest.
    pub(crate) fn set_pending(&mut self, shard: ShardId) {
        self.set(shard, ShardState::Pending);
        self.pending.push_front(shard);
    }

    pub(crate) fn add(&mut self, shard: Shard) -> ShardId {
        let id = self.next_shard();
        self.tally.phases[shard.phase() as usize] += 1;
        self.shards.push(shard);
        id
    }

    pub(crate) fn known(&self, shard: ShardId) -> Result<Phase, Rejection> {
        self.shards
            .get(shard.0 as usize)
            .map(Shard::phase)
            .ok_or(Rejection::UnknownShard)
    }

    pub(crate) fn worker(&mut self, worker: WorkerId) -> Result<&mut Worker, Rejection> {
        self.workers
            .get_mut(&worker)
            .ok_or(Rejection::UnknownWorker)
    }

    pub(crate) fn next_epoch(&mut self) -> Epoch {
        let counter = self.next_counter;
        self.next_counter += 1;
        Epoch {
            master: self.master_epoch,
            counter,
        }
    }

    fn add_segment(&mut self, shards: Vec<PlannedShard>, now: Timestamp) -> Result<(), Rejection> {
        if self.plan_closed {
            return Err(Rejection::TooLate);
        }
        for planned in shards {
            self.tally.bytes_planned += planned.bytes;
            let shard = Shard::new(
                planned.extent,
                planned.unit,
                planned.bytes,
                0,
                ShardState::Pending,
            );
            let id = self.add(shard);
            self.pending.push_back(id);
        }
        self.grant_everybody(now);
        Ok(())
    }

    /// Takes over what an earlier master left. Verdicts come in log order, before endings.
    fn recover(
        &mut self,
        shard: ShardId,
        recovered: Recovered,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let phase = self.known(shard)?;
        if self.stage != Stage::Recovering {
            return Err(Rejection::TooLate);
        }
        match recovered {
            Recovered::Verdict { charges, split } => {
                self.shards[shard.0 as usize].charges = charges;
                if let Some((children, cut)) = split {
                    self.reserve(shard, children, cut);
                }
                Ok(())
            }
            Recovered::Ended(ending) => {
                if phase == Phase::Pending && !matches!(ending, Ending::Committed(_)) {
                    self.set(shard, ShardState::Judged);
                }
                self.ending_found(shard, ending, now)
            }
        }
    }

    fn begin(&mut self) -> Result<(), Rejection> {
        if self.stage != Stage::Recovering {
            return Err(Rejection::TooLate);
        }
        self.stage = Stage::Working;
        Ok(())
    }

    fn order(&mut self, order: Order, now: Timestamp) -> Result<(), Rejection> {
        self.stop(order.finish(), now)
    }
}

impl Tally {
    /// How many shards are in a phase.
    #[must_use]
    pub fn in_phase(&self, phase: Phase) -> u64 {
        self.phases[phase as usize]
    }

    /// Shards that still need an ending.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.in_phase(Phase::Pending) + self.in_phase(Phase::Leased) + self.in_phase(Phase::Judged)
    }

    /// Mean milliseconds of an attempt that ended its shard; `None` before the first.
    #[must_use]
    pub fn mean_attempt(&self) -> Option<u64> {
        self.attempts_milliseconds.checked_div(self.attempts_ended)
    }
}

impl WorkerState {
    /// Whether the master still expects work of it.
    #[must_use]
    pub fn is_expected(self) -> bool {
        !matches!(self, WorkerState::Left | WorkerState::Lost)
    }
}
