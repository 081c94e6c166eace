//! Scripted cases through one small world, and random sequences of commands against it.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use crate::command::{
    Command, Counts, Death, DrainMode, Effect, Ending, Failure, Finish, Order, Outcome,
};
use crate::command::{PlannedShard, Recovered, Rejection, Verdict};
use crate::id::{Epoch, Extent, ShardId, Timestamp, Unit, WorkerId};
use crate::invariants::check_invariants;
use crate::ledger::{Ledger, Stage};
use crate::limits::Limits;
use crate::shard::Phase;
use crate::worker::WorkerState;

/// A ledger and everything its effects have brought about: an obedient world, in which the
/// store keeps the first ending and instances end when told.
struct World {
    ledger: Ledger,
    now: Timestamp,
    /// The store: created once.
    endings: BTreeMap<ShardId, Ending>,
    /// What each worker believes it holds.
    believed: Vec<(WorkerId, ShardId, Epoch, Extent)>,
    alive: Vec<WorkerId>,
    finished: Option<Finish>,
    drained: BTreeMap<WorkerId, DrainMode>,
    granted: Vec<(ShardId, Epoch)>,
    effects: VecDeque<Effect>,
    busy: bool,
}

impl World {
    fn new(workers: u32) -> World {
        let limits = Limits {
            workers,
            ..Limits::default()
        };
        let now = Timestamp(1_000);
        let mut world = World {
            ledger: Ledger::new(7, 1, limits, now),
            now,
            endings: BTreeMap::new(),
            believed: Vec::new(),
            alive: Vec::new(),
            finished: None,
            drained: BTreeMap::new(),
            granted: Vec::new(),
            effects: VecDeque::new(),
            busy: false,
        };
        world.tell(Command::Begin).unwrap();
        world
    }

    /// A world in which the plan is closed and every worker has a session and credit.
    fn working(workers: u32, shards: &[PlannedShard]) -> World {
        let mut world = World::new(workers);
        world.tell(Command::AddSegment(shards.to_vec())).unwrap();
        world.tell(Command::ClosePlan).unwrap();
        for worker in world.alive.clone() {
            world.serve(worker, 4);
        }
        world
    }

    fn serve(&mut self, worker: WorkerId, credit: u32) {
        self.tell(Command::Enrolled(worker)).unwrap();
        self.tell(Command::SessionOpened { worker, slots: 1 })
            .unwrap();
        self.tell(Command::Credit(worker, credit)).unwrap();
    }

    fn tell(&mut self, command: Command) -> Result<(), Rejection> {
        let answer = self.ledger.decide(command.clone(), self.now);
        if let Err(broken) = check_invariants(&self.ledger) {
            panic!("after {command:?}: {broken}");
        }
        // In order, also when carrying one out has consequences of its own.
        let idle = !self.busy;
        self.effects.extend(answer?);
        if idle {
            self.busy = true;
            while let Some(effect) = self.effects.pop_front() {
                self.carry_out(effect);
            }
            self.busy = false;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) {
        assert!(self.finished.is_none(), "{effect:?} after the last effect");
        match effect {
            Effect::Grant {
                worker,
                shard,
                epoch,
                extent,
            } => {
                assert!(
                    self.granted.iter().all(|(_, e)| *e < epoch),
                    "epochs only grow"
                );
                self.granted.push((shard, epoch));
                self.believed.push((worker, shard, epoch, extent));
            }
            Effect::Revoke {
                worker,
                shard,
                epoch,
            } => {
                self.believed
                    .retain(|b| (b.0, b.1, b.2) != (worker, shard, epoch));
            }
            Effect::Drain(worker, mode) => {
                self.drained.insert(worker, mode);
            }
            Effect::ReadEnding(shard) => {
                let ending = self.endings[&shard];
                let _ = self.tell(Command::EndingFound(shard, ending));
            }
            Effect::FindCut(shard, extent) => {
                let cut = (extent.len() > 1).then(|| extent.begin + extent.len() / 2);
                let _ = self.tell(Command::CutFound(shard, cut));
            }
            Effect::Judge(shard, verdict) => {
                let made = match verdict {
                    Verdict::Split { children, .. } => {
                        Ending::Split([children[0].0, children[1].0])
                    }
                    Verdict::Quarantine { extent, .. } => Ending::Quarantined(Counts {
                        charts: extent.len(),
                        quarantined: extent.len(),
                        findings: 0,
                    }),
                };
                let ending = *self.endings.entry(shard).or_insert(made);
                let _ = self.tell(Command::EndingFound(shard, ending));
            }
            Effect::Launch(worker) => self.alive.push(worker),
            Effect::Terminate(worker) => self.end(worker, false),
            Effect::Finish(finish) => self.finished = Some(finish),
        }
    }

    /// The worker's process is gone.
    fn end(&mut self, worker: WorkerId, died: bool) {
        self.alive.retain(|w| *w != worker);
        self.believed.retain(|b| b.0 != worker);
        let reason = "test".to_owned();
        let death = if died { Death::AtWork } else { Death::None };
        let _ = self.tell(Command::InstanceEnded {
            worker,
            reason,
            death,
        });
    }

    fn crash(&mut self, worker: WorkerId) {
        self.believed.retain(|b| b.0 != worker);
        self.tell(Command::SessionBroken(worker)).unwrap();
        self.end(worker, true);
    }

    fn holding(&self, worker: WorkerId) -> Vec<(ShardId, Epoch, Extent)> {
        self.believed
            .iter()
            .filter(|b| b.0 == worker)
            .map(|b| (b.1, b.2, b.3))
            .collect()
    }

    fn start(&mut self, worker: WorkerId) -> (ShardId, Epoch, Extent) {
        let (shard, epoch, extent) = self.holding(worker)[0];
        let charts = extent.len();
        self.tell(Command::Started {
            worker,
            shard,
            epoch,
            charts,
        })
        .unwrap();
        (shard, epoch, extent)
    }

    /// Creates the ending as a worker would, and reports what came of it.
    fn commit(&mut self, worker: WorkerId, shard: ShardId, epoch: Epoch, extent: Extent) {
        let counts = Counts {
            charts: extent.len(),
            quarantined: 0,
            findings: 1,
        };
        let mut outcome = Outcome::AlreadyEnded;
        self.endings.entry(shard).or_insert_with(|| {
            outcome = Outcome::Committed(counts);
            Ending::Committed(counts)
        });
        self.believed
            .retain(|b| (b.0, b.1, b.2) != (worker, shard, epoch));
        let _ = self.tell(Command::Report {
            worker,
            shard,
            epoch,
            outcome,
        });
        let _ = self.tell(Command::Credit(worker, 1));
    }

    /// Everybody does what it should until the run is over.
    fn heal(&mut self) {
        for _ in 0..10_000 {
            if self.finished.is_some() {
                return;
            }
            self.now.0 += 500;
            for worker in self.alive.clone() {
                let state = self.ledger.workers()[&worker].state();
                match state {
                    WorkerState::Launched | WorkerState::Enrolled => {
                        let _ = self.tell(Command::Enrolled(worker));
                        let _ = self.tell(Command::SessionOpened { worker, slots: 1 });
                        let _ = self.tell(Command::Credit(worker, 2));
                    }
                    WorkerState::Draining => {
                        for (shard, epoch, _) in self.holding(worker) {
                            let outcome = Outcome::Released;
                            let _ = self.tell(Command::Report {
                                worker,
                                shard,
                                epoch,
                                outcome,
                            });
                        }
                        let _ = self.tell(Command::Leaving(worker));
                        self.end(worker, false);
                    }
                    WorkerState::Left => self.end(worker, false),
                    _ => {
                        let _ = self.tell(Command::Heartbeat {
                            worker,
                            progress: vec![],
                        });
                        for (shard, epoch, extent) in self.holding(worker) {
                            self.commit(worker, shard, epoch, extent);
                        }
                        if self.holding(worker).is_empty() {
                            let _ = self.tell(Command::Credit(worker, 1));
                        }
                    }
                }
            }
            let _ = self.tell(Command::Tick);
        }
        panic!(
            "the run does not end: {:?} {:?}",
            self.ledger.stage(),
            self.ledger.tally()
        );
    }

    /// Charts of every planned shard are in exactly one ending.
    fn charts_in_endings(&self) -> u64 {
        self.endings
            .values()
            .map(|ending| match ending {
                Ending::Committed(counts) | Ending::Quarantined(counts) => counts.charts,
                Ending::Split(_) => 0,
            })
            .sum()
    }
}

fn charts(n: u64) -> PlannedShard {
    PlannedShard {
        extent: Extent { begin: 0, end: n },
        unit: Unit::Charts,
        bytes: n * 100,
    }
}

#[test]
fn a_run_without_trouble_ends_sealed() {
    let mut world = World::working(2, &[charts(10), charts(10), charts(10)]);
    world.heal();
    assert_eq!(world.finished, Some(Finish::Seal));
    assert_eq!(world.ledger.tally().counts.charts, 30);
    assert_eq!(world.ledger.tally().attempts, 3);
}

#[test]
fn no_worker_is_launched_for_work_that_is_not_there() {
    let mut world = World::new(4);
    assert_eq!(
        world.alive.len(),
        4,
        "before the plan is known, the limit is launched"
    );
    let mut recovered = Ledger::new(8, 5, Limits::default(), world.now);
    recovered
        .decide(Command::AddSegment(vec![charts(1)]), world.now)
        .unwrap();
    let counts = Counts {
        charts: 1,
        ..Counts::default()
    };
    let ended = Recovered::Ended(Ending::Committed(counts));
    recovered
        .decide(Command::Recover(ShardId(0), ended), world.now)
        .unwrap();
    recovered.decide(Command::ClosePlan, world.now).unwrap();
    let effects = recovered.decide(Command::Begin, world.now).unwrap();
    assert_eq!(effects, [Effect::Finish(Finish::Seal)]);
    world.heal_empty();
}

impl World {
    fn heal_empty(&mut self) {
        self.tell(Command::ClosePlan).unwrap();
        self.heal();
        assert_eq!(self.finished, Some(Finish::Seal));
    }
}

#[test]
fn leases_of_a_broken_session_are_granted_again_at_once() {
    let mut world = World::working(2, &[charts(5), charts(5), charts(5), charts(5)]);
    let (a, b) = (world.alive[0], world.alive[1]);
    let lost = world.holding(a)[0].0;
    let (shard, epoch, extent) = world.holding(b)[0];
    world.tell(Command::SessionBroken(a)).unwrap();
    assert_eq!(
        world.ledger.shards()[lost.0 as usize].phase(),
        Phase::Pending
    );
    world.commit(b, shard, epoch, extent);
    assert!(
        world.holding(b).iter().any(|h| h.0 == lost),
        "what was lost goes first"
    );
    assert_eq!(world.ledger.shards()[lost.0 as usize].charges, 0);
}

#[test]
fn a_worker_that_dies_at_work_charges_only_what_it_had_started() {
    let mut world = World::working(1, &[charts(8), charts(8)]);
    let worker = world.alive[0];
    let (started, ..) = world.start(worker);
    let queued = world.holding(worker)[1].0;
    world.crash(worker);
    assert_eq!(
        world.ledger.shards()[started.0 as usize].phase(),
        Phase::Split
    );
    assert_eq!(world.ledger.shards()[queued.0 as usize].charges, 0);
    world.heal();
    assert_eq!(world.charts_in_endings(), 16);
}

#[test]
fn a_worker_that_somebody_killed_charges_nobody_however_often() {
    let mut world = World::working(1, &[charts(8), charts(1)]);
    for _ in 0..Limits::default().barren_deaths - 1 {
        let worker = world.alive[0];
        if world.ledger.workers()[&worker].state() == WorkerState::Launched {
            world.serve(worker, 2);
        }
        world.start(worker);
        world.tell(Command::SessionBroken(worker)).unwrap();
        world.alive.clear();
        world.believed.clear();
        let (reason, death) = ("killed".to_owned(), Death::Blameless);
        world
            .tell(Command::InstanceEnded {
                worker,
                reason,
                death,
            })
            .unwrap();
    }
    assert!(world.ledger.shards().iter().all(|shard| shard.charges == 0));
    world.heal();
    assert_eq!(world.finished, Some(Finish::Seal));
}

#[test]
fn a_worker_that_comes_back_charges_nobody() {
    let mut world = World::working(1, &[charts(8)]);
    let worker = world.alive[0];
    let (shard, ..) = world.start(worker);
    world.tell(Command::SessionBroken(worker)).unwrap();
    world
        .tell(Command::SessionOpened { worker, slots: 1 })
        .unwrap();
    world.crash(worker);
    assert_eq!(world.ledger.shards()[shard.0 as usize].charges, 0);
}

#[test]
fn one_poison_chart_is_found_by_cutting() {
    let mut world = World::working(1, &[charts(1_000)]);
    let poison = 437;
    let mut deaths = 0;
    while world.finished.is_none() && deaths < 100 {
        world.now.0 += 10;
        let Some(worker) = world.alive.first().copied() else {
            break;
        };
        if world.ledger.workers()[&worker].state() == WorkerState::Launched {
            world.serve(worker, 2);
        }
        if world.ledger.workers()[&worker].state() == WorkerState::Draining {
            world.heal();
            break;
        }
        let (shard, epoch, extent) = world.start(worker);
        if (extent.begin..extent.end).contains(&poison) {
            deaths += 1;
            world.crash(worker);
        } else {
            world.commit(worker, shard, epoch, extent);
        }
    }
    assert_eq!(world.finished, Some(Finish::Seal));
    let counts = world.ledger.tally().counts;
    assert_eq!((counts.charts, counts.quarantined), (1_000, 1));
    assert!(deaths <= 13, "{deaths} deaths");
}

#[test]
fn a_late_commit_of_a_stale_lease_is_the_truth() {
    let mut world = World::working(2, &[charts(5)]);
    let (a, b) = (world.alive[0], world.alive[1]);
    let holder = if world.holding(a).is_empty() { b } else { a };
    let other = if holder == a { b } else { a };
    let (shard, old, extent) = world.holding(holder)[0];
    world.tell(Command::SessionBroken(holder)).unwrap();
    let (_, new, _) = world.holding(other)[0];
    assert!(new > old);
    let counts = Counts {
        charts: 5,
        ..Counts::default()
    };
    world.endings.insert(shard, Ending::Committed(counts));
    let outcome = Outcome::Committed(counts);
    world
        .tell(Command::Report {
            worker: holder,
            shard,
            epoch: old,
            outcome,
        })
        .unwrap();
    assert_eq!(world.ledger.shards()[0].phase(), Phase::Committed);
    assert!(
        world.holding(other).is_empty(),
        "the second attempt was revoked"
    );
    world.commit(other, shard, new, extent);
    assert_eq!(world.ledger.tally().counts.charts, 5, "counted once");
}

#[test]
fn whoever_finds_another_ending_makes_it_known() {
    let mut world = World::working(1, &[charts(5)]);
    let worker = world.alive[0];
    let (shard, epoch, _) = world.start(worker);
    let counts = Counts {
        charts: 5,
        quarantined: 1,
        findings: 3,
    };
    world.endings.insert(shard, Ending::Committed(counts));
    let outcome = Outcome::AlreadyEnded;
    world
        .tell(Command::Report {
            worker,
            shard,
            epoch,
            outcome,
        })
        .unwrap();
    assert_eq!(world.ledger.tally().counts, counts);
}

#[test]
fn the_slowest_lease_is_hedged_by_an_idle_worker() {
    let mut world = World::working(2, &[charts(5), charts(5)]);
    let (a, b) = (world.alive[0], world.alive[1]);
    let (slow, slow_epoch, _) = world.start(a);
    let (quick, epoch, extent) = world.start(b);
    world.now.0 += 100;
    world.commit(b, quick, epoch, extent);
    for _ in 0..6 {
        world.now.0 += 1_000;
        world.tell(Command::Tick).unwrap();
        for worker in [a, b] {
            let progress = vec![(slow, slow_epoch, 1)];
            world.tell(Command::Heartbeat { worker, progress }).unwrap();
        }
    }
    let (hedged, hedge_epoch, extent) = world.holding(b)[0];
    assert_eq!(hedged, slow);
    world.commit(b, hedged, hedge_epoch, extent);
    assert!(world.holding(a).is_empty(), "the slow attempt was revoked");
    world.heal();
    assert_eq!(world.finished, Some(Finish::Seal));
}

#[test]
fn an_idle_worker_takes_what_waits_in_anothers_queue() {
    let mut world = World::working(2, &[charts(5), charts(5), charts(5)]);
    let (a, b) = (world.alive[0], world.alive[1]);
    let full = if world.holding(a).len() == 2 { a } else { b };
    let other = if full == a { b } else { a };
    let (shard, epoch, extent) = world.start(other);
    world.start(full);
    world.commit(other, shard, epoch, extent);
    assert_eq!(world.holding(full).len(), 1);
    assert_eq!(world.holding(other).len(), 1);
}

#[test]
fn silence_makes_suspect_then_lost_and_charges_nobody() {
    let mut world = World::working(2, &[charts(5), charts(5)]);
    let (a, b) = (world.alive[0], world.alive[1]);
    let (shard, ..) = world.start(a);
    for second in 1..=12 {
        world.now.0 += 1_000;
        world
            .tell(Command::Heartbeat {
                worker: b,
                progress: vec![],
            })
            .unwrap();
        world.tell(Command::Tick).unwrap();
        let state = world.ledger.workers()[&a].state();
        let expected = match second {
            0..=5 => WorkerState::Active,
            6..=10 => WorkerState::Suspect,
            _ => WorkerState::Lost,
        };
        assert_eq!(state, expected, "after {second} s");
    }
    assert_eq!(world.ledger.shards()[shard.0 as usize].charges, 0);
    assert_eq!(
        world.ledger.shards()[shard.0 as usize].phase(),
        Phase::Leased
    );
    world.heal();
}

#[test]
fn a_master_that_was_stopped_blames_nobody() {
    let mut world = World::working(2, &[charts(5), charts(5)]);
    world.now.0 += 600_000;
    world.tell(Command::Tick).unwrap();
    for worker in world.alive.clone() {
        assert_eq!(world.ledger.workers()[&worker].state(), WorkerState::Active);
    }
}

#[test]
fn a_stalled_attempt_ends_its_worker_and_is_charged() {
    let mut world = World::working(1, &[charts(5)]);
    let worker = world.alive[0];
    let (shard, ..) = world.start(worker);
    for _ in 0..250 {
        world.now.0 += 1_000;
        let _ = world.tell(Command::Heartbeat {
            worker,
            progress: vec![],
        });
        world.tell(Command::Tick).unwrap();
    }
    assert_eq!(world.ledger.workers()[&worker].state(), WorkerState::Lost);
    assert_eq!(
        world.ledger.shards()[shard.0 as usize].phase(),
        Phase::Split
    );
}

#[test]
fn a_drain_finishes_what_is_started_and_leaves_the_rest() {
    let mut world = World::working(1, &[charts(5), charts(5), charts(5)]);
    let worker = world.alive[0];
    let (shard, epoch, extent) = world.start(worker);
    world.tell(Command::Order(Order::Drain)).unwrap();
    assert_eq!(world.drained[&worker], DrainMode::Finish);
    world.commit(worker, shard, epoch, extent);
    world.heal();
    assert_eq!(world.finished, Some(Finish::Seal));
    assert_eq!(world.ledger.tally().in_phase(Phase::Committed), 1);
    assert_eq!(world.ledger.tally().in_phase(Phase::Pending), 2);
}

#[test]
fn an_order_is_obeyed_while_it_can_harden_the_end() {
    let obeyed = |world: &World| {
        [Order::Drain, Order::Suspend, Order::Abort].map(|order| world.ledger.would_obey(order))
    };
    let mut world = World::working(1, &[charts(5)]);
    assert_eq!(obeyed(&world), [true, true, true]);
    world.tell(Command::Order(Order::Drain)).unwrap();
    assert_eq!(obeyed(&world), [false, true, true]);
    world.tell(Command::Order(Order::Abort)).unwrap();
    assert_eq!(obeyed(&world), [false, false, false]);
    world.heal();
    assert_eq!(obeyed(&world), [false, false, false]);
}

#[test]
fn an_abort_overrules_a_suspend_and_not_the_other_way_round() {
    let mut world = World::working(1, &[charts(5)]);
    world.tell(Command::Order(Order::Suspend)).unwrap();
    world.tell(Command::Order(Order::Abort)).unwrap();
    assert_eq!(
        world.tell(Command::Order(Order::Suspend)),
        Err(Rejection::TooLate)
    );
    world.heal();
    assert_eq!(world.finished, Some(Finish::SealAborted));
}

#[test]
fn an_engine_that_works_nowhere_ends_the_run() {
    let mut world = World::working(2, &[charts(5), charts(5)]);
    let worker = world.alive[0];
    world
        .tell(Command::EngineBroken(
            worker,
            "engine `x` exits at once".into(),
        ))
        .unwrap();
    world.heal();
    assert_eq!(
        world.finished,
        Some(Finish::Fail("engine `x` exits at once".into()))
    );
}

#[test]
fn workers_that_never_enroll_stop_the_launching() {
    let mut world = World::new(1);
    world.tell(Command::AddSegment(vec![charts(1)])).unwrap();
    let mut launches = 0;
    while let Some(worker) = world.alive.first().copied() {
        launches += 1;
        world.end(worker, true);
    }
    assert_eq!(launches, Limits::default().failed_boots);
    assert!(
        matches!(world.finished, Some(Finish::Fail(_))),
        "{:?}",
        world.finished
    );
}

#[test]
fn a_full_disk_stops_the_run_and_seals_nothing() {
    let mut world = World::working(1, &[charts(1), charts(1)]);
    let worker = world.alive[0];
    let (shard, epoch, _) = world.start(worker);
    let outcome = Outcome::Failed(Failure::DiskFull, "no space".into());
    world
        .tell(Command::Report {
            worker,
            shard,
            epoch,
            outcome,
        })
        .unwrap();
    world.heal();
    assert_eq!(world.finished, Some(Finish::Fail("no space".into())));
}

#[test]
fn recovery_gives_the_same_ledger_as_having_lived_through_it() {
    let now = Timestamp(5);
    let mut ledger = Ledger::new(9, 3, Limits::default(), now);
    let counts = |charts| Counts {
        charts,
        quarantined: 0,
        findings: 2,
    };
    for command in [
        Command::AddSegment(vec![charts(10), charts(10)]),
        Command::Recover(
            ShardId(1),
            Recovered::Verdict {
                charges: 1,
                split: Some(([ShardId(2), ShardId(3)], 5)),
            },
        ),
        Command::AddSegment(vec![charts(4)]),
        Command::ClosePlan,
        Command::Recover(ShardId(0), Recovered::Ended(Ending::Committed(counts(10)))),
        Command::Recover(
            ShardId(1),
            Recovered::Ended(Ending::Split([ShardId(2), ShardId(3)])),
        ),
        Command::Recover(ShardId(2), Recovered::Ended(Ending::Committed(counts(5)))),
        Command::Begin,
    ] {
        ledger.decide(command, now).unwrap();
        check_invariants(&ledger).unwrap();
    }
    assert_eq!(ledger.shards()[3].extent, Extent { begin: 5, end: 10 });
    assert_eq!(ledger.shards()[3].charges, 1);
    assert_eq!(ledger.shards()[3].bytes, 500);
    assert_eq!(ledger.tally().open(), 2);
    assert_eq!(ledger.tally().counts, counts(15).with_findings(4));
    assert_eq!(*ledger.stage(), Stage::Working);
}

impl Counts {
    fn with_findings(mut self, findings: u64) -> Counts {
        self.findings = findings;
        self
    }
}

/// What a hostile world does next; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Action {
    Enroll(usize),
    Open(usize),
    Credit(usize, u32),
    Start(usize),
    Progress(usize),
    Commit(usize),
    /// Another attempt's bytes are already in the store.
    StaleCommit(usize),
    Fail(usize, bool),
    Release(usize),
    Break(usize),
    Crash(usize),
    Leave(usize),
    Pass(u64),
    Segment(u64),
    Drain,
    Suspend,
    Abort,
}

fn action() -> impl Strategy<Value = Action> {
    let i = 0..8_usize;
    prop_oneof![
        4 => i.clone().prop_map(Action::Enroll),
        4 => i.clone().prop_map(Action::Open),
        6 => (i.clone(), 1..5_u32).prop_map(|(i, n)| Action::Credit(i, n)),
        6 => i.clone().prop_map(Action::Start),
        2 => i.clone().prop_map(Action::Progress),
        8 => i.clone().prop_map(Action::Commit),
        2 => i.clone().prop_map(Action::StaleCommit),
        2 => (i.clone(), any::<bool>()).prop_map(|(i, engine)| Action::Fail(i, engine)),
        2 => i.clone().prop_map(Action::Release),
        2 => i.clone().prop_map(Action::Break),
        2 => i.clone().prop_map(Action::Crash),
        1 => i.prop_map(Action::Leave),
        4 => (1..9_000_u64).prop_map(Action::Pass),
        2 => (1..20_u64).prop_map(Action::Segment),
        1 => Just(Action::Drain),
        1 => Just(Action::Suspend),
        1 => Just(Action::Abort),
    ]
}

impl World {
    fn apply(&mut self, action: Action) {
        let worker = |i: usize, w: &World| w.alive.get(i % w.alive.len().max(1)).copied();
        let lease = |i: usize, w: &World| w.believed.get(i % w.believed.len().max(1)).copied();
        match action {
            Action::Enroll(i) => {
                if let Some(w) = worker(i, self) {
                    let _ = self.tell(Command::Enrolled(w));
                }
            }
            Action::Open(i) => {
                if let Some(worker) = worker(i, self) {
                    self.believed.retain(|b| b.0 != worker);
                    let _ = self.tell(Command::SessionOpened { worker, slots: 1 });
                }
            }
            Action::Credit(i, n) => {
                if let Some(w) = worker(i, self) {
                    let _ = self.tell(Command::Credit(w, n));
                }
            }
            Action::Start(i) => {
                if let Some((worker, shard, epoch, extent)) = lease(i, self) {
                    let charts = extent.len();
                    let _ = self.tell(Command::Started {
                        worker,
                        shard,
                        epoch,
                        charts,
                    });
                }
            }
            Action::Progress(i) => {
                if let Some((worker, shard, epoch, _)) = lease(i, self) {
                    let progress = vec![(shard, epoch, i as u64)];
                    let _ = self.tell(Command::Heartbeat { worker, progress });
                }
            }
            Action::Commit(i) => {
                if let Some((worker, shard, epoch, extent)) = lease(i, self) {
                    self.commit(worker, shard, epoch, extent);
                }
            }
            Action::StaleCommit(i) => {
                if let Some((shard, epoch)) = self.granted.get(i % self.granted.len().max(1)) {
                    let (shard, epoch) = (*shard, *epoch);
                    let extent = self.ledger.shards()[shard.0 as usize].extent;
                    if let Some(w) = worker(i, self) {
                        self.commit(w, shard, epoch, extent);
                    }
                }
            }
            Action::Fail(i, engine) => {
                if let Some((worker, shard, epoch, _)) = lease(i, self) {
                    self.believed.retain(|b| b.2 != epoch);
                    let failure = if engine {
                        Failure::Engine
                    } else {
                        Failure::Environment
                    };
                    let outcome = Outcome::Failed(failure, "test".into());
                    let _ = self.tell(Command::Report {
                        worker,
                        shard,
                        epoch,
                        outcome,
                    });
                }
            }
            Action::Release(i) => {
                if let Some((worker, shard, epoch, _)) = lease(i, self) {
                    self.believed.retain(|b| b.2 != epoch);
                    let outcome = Outcome::Released;
                    let _ = self.tell(Command::Report {
                        worker,
                        shard,
                        epoch,
                        outcome,
                    });
                }
            }
            Action::Break(i) => {
                if let Some(w) = worker(i, self) {
                    let _ = self.tell(Command::SessionBroken(w));
                }
            }
            Action::Crash(i) => {
                if let Some(w) = worker(i, self) {
                    self.end(w, true);
                }
            }
            Action::Leave(i) => {
                if let Some(w) = worker(i, self) {
                    let _ = self.tell(Command::Leaving(w));
                }
            }
            Action::Pass(milliseconds) => {
                self.now.0 += milliseconds;
                let _ = self.tell(Command::Tick);
            }
            Action::Segment(n) => {
                let _ = self.tell(Command::AddSegment(vec![charts(n), charts(1)]));
            }
            Action::Drain => drop(self.tell(Command::Order(Order::Drain))),
            Action::Suspend => drop(self.tell(Command::Order(Order::Suspend))),
            Action::Abort => drop(self.tell(Command::Order(Order::Abort))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, the invariants hold after every step; and once the
    /// world behaves, the run ends, with every planned chart in exactly one ending when
    /// nobody stopped it before.
    #[test]
    fn any_order_of_events_keeps_the_invariants(
        workers in 1..4_u32,
        actions in proptest::collection::vec(action(), 0..120),
    ) {
        let mut world = World::new(workers);
        world.tell(Command::AddSegment(vec![charts(7), charts(1), charts(3)])).unwrap();
        for action in actions {
            if world.finished.is_none() {
                world.apply(action);
            }
        }
        if world.finished.is_none() {
            let _ = world.tell(Command::ClosePlan);
            world.heal();
        }
        if world.finished == Some(Finish::Seal) && world.ledger.tally().open() == 0 {
            let planned: u64 = world.ledger.tally().bytes_planned / 100;
            prop_assert_eq!(world.charts_in_endings(), planned);
            prop_assert_eq!(world.ledger.tally().counts.charts, planned);
        }
    }

    /// A "no" changes nothing.
    #[test]
    fn a_rejection_changes_nothing(actions in proptest::collection::vec(action(), 0..40)) {
        let mut world = World::working(2, &[charts(7), charts(1), charts(3)]);
        for action in actions {
            if world.finished.is_none() {
                world.apply(action);
            }
        }
        let unknown = WorkerId(999);
        for command in [
            Command::Credit(unknown, 1),
            Command::Enrolled(unknown),
            Command::Recover(ShardId(0), Recovered::Ended(Ending::Split([ShardId(1); 2]))),
            Command::CutFound(ShardId(999), Some(1)),
            Command::EndingFound(ShardId(999), Ending::Committed(Counts::default())),
        ] {
            let before = format!("{:?}", world.ledger);
            let answer = world.ledger.decide(command, world.now);
            prop_assert!(answer.is_err());
            prop_assert_eq!(&before, &format!("{:?}", world.ledger));
        }
    }
}
