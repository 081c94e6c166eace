use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::attempt::Term;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    leases: Leases<u64>,
    term: Arc<Term>,
    now: Instant,
    next: u64,
}

impl World {
    fn new(slots: u32) -> World {
        let now = Instant::now();
        let mut leases = Leases::new(slots, now);
        leases.opened(Taking::Yes);
        World {
            leases,
            term: Arc::new(Term::new(now, 1000 * SECOND)),
            now,
            next: 0,
        }
    }

    fn grant(&mut self) -> LeaseId {
        self.next += 1;
        let id = id(self.next);
        let attempt = Attempt::new(id, self.term.clone());
        self.leases.granted(Arc::new(attempt), self.next);
        id
    }

    fn grant_all(&mut self) -> u32 {
        let credit = self.leases.credit();
        for _ in 0..credit {
            self.grant();
        }
        credit
    }

    fn hand_out(&mut self, slot: usize) -> Option<Arc<Attempt>> {
        self.leases.wanted(slot, 1);
        let (to, mut leases) = self.leases.hand_out()?;
        assert_eq!((to, leases.len()), (slot, 1));
        leases.pop().map(|(attempt, _)| attempt)
    }
}

fn id(counter: u64) -> LeaseId {
    LeaseId {
        shard: u32::try_from(counter).unwrap(),
        master_epoch: 1,
        counter,
    }
}

#[test]
fn credit_is_given_once_for_each_lease() {
    let mut world = World::new(2);
    assert_eq!(world.leases.credit(), 6);
    assert_eq!(world.leases.credit(), 0);
    world.grant();
    assert_eq!(world.leases.credit(), 0);
    let attempt = world.hand_out(0).unwrap();
    assert_eq!(world.leases.credit(), 0, "it is held while it is worked on");
    assert!(world.leases.ended(attempt.id()));
    assert_eq!(world.leases.credit(), 1);
}

#[test]
fn leases_are_worked_on_in_the_order_of_their_coming() {
    let mut world = World::new(1);
    let ids = [world.grant(), world.grant(), world.grant()];
    for expected in ids {
        assert_eq!(world.hand_out(0).unwrap().id(), expected);
    }
    assert!(world.hand_out(0).is_none());
}

#[test]
fn slots_that_wait_share_what_there_is() {
    let mut world = World::new(2);
    world.leases.wanted(0, 100);
    world.leases.wanted(1, 100);
    for _ in 0..5 {
        world.grant();
    }
    let (first, got) = world.leases.hand_out().unwrap();
    let (second, rest) = world.leases.hand_out().unwrap();
    assert_eq!((first, got.len(), second, rest.len()), (0, 3, 1, 2));
    assert!(world.leases.hand_out().is_none());
}

#[test]
fn a_revoked_lease_that_waits_is_never_handed_out() {
    let mut world = World::new(1);
    let (first, second) = (world.grant(), world.grant());
    let gone = world.leases.revoked(first).unwrap();
    assert_eq!(gone.interrupt, None);
    assert_eq!(world.leases.revoked(first), None);
    assert_eq!(world.hand_out(0).unwrap().id(), second);
}

#[test]
fn only_an_engine_at_work_is_interrupted() {
    let mut world = World::new(1);
    for _ in 0..3 {
        world.grant();
    }
    let (started, coded, read) = (
        world.hand_out(0).unwrap(),
        world.hand_out(0).unwrap(),
        world.hand_out(0).unwrap(),
    );
    assert!(started.start() && coded.start() && coded.coded());
    let interrupt = |gone: Option<Gone>| gone.unwrap().interrupt;
    assert_eq!(interrupt(world.leases.revoked(started.id())), Some(0));
    assert_eq!(interrupt(world.leases.revoked(coded.id())), None);
    assert_eq!(interrupt(world.leases.revoked(read.id())), None);
    assert!(!started.is_good() && !coded.is_good() && !read.start());
}

#[test]
fn a_drain_releases_what_waits_and_keeps_what_began() {
    let mut world = World::new(1);
    let [a, b, c] = [world.grant(), world.grant(), world.grant()];
    let began = world.hand_out(0).unwrap();
    assert!(began.start());
    let read = world.hand_out(0).unwrap();
    world.leases.take_no_more();
    let released: Vec<_> = world
        .leases
        .release_waiting()
        .iter()
        .map(|g| g.id)
        .collect();
    assert_eq!(released, [b, c]);
    assert!(!read.start());
    assert!(world.hand_out(0).is_none());
    assert!(world.leases.holds(a));
    assert!(world.leases.ended(a));
    assert!(world.leases.is_empty());
    assert_eq!(world.leases.credit(), 0);
}

#[test]
fn a_new_session_begins_with_nothing() {
    let mut world = World::new(1);
    world.grant_all();
    let old = world.hand_out(0).unwrap();
    assert!(old.start());
    assert_eq!(world.leases.abandon().len(), 3);
    assert_eq!(world.leases.credit(), 0, "there is no session");
    world.leases.opened(Taking::Yes);
    assert_eq!(world.leases.credit(), 3);
    assert!(!world.leases.ended(old.id()));
    assert!(!old.is_good());
}

#[test]
fn more_is_wanted_ahead_when_a_slot_ran_dry() {
    let mut world = World::new(1);
    assert_eq!(world.grant_all(), 3);
    let mut most = 0;
    for _ in 0..20 {
        while let Some(attempt) = world.hand_out(0) {
            world.leases.ended(attempt.id());
        }
        most = most.max(world.grant_all());
        // Dry while leases were on their way: the promise came first, then the emptiness.
        let promised = world.leases.credit();
        assert_eq!(promised, 0);
        while let Some(attempt) = world.hand_out(0) {
            world.leases.ended(attempt.id());
        }
        let promised = world.leases.credit();
        assert!(world.hand_out(0).is_none());
        for _ in 0..promised {
            world.grant();
        }
    }
    assert_eq!(most, 1 + MOST_AHEAD);
}

#[test]
fn less_is_wanted_ahead_when_the_queue_is_more_than_a_second_of_work() {
    let mut world = World::new(1);
    world.leases.ahead = 64;
    assert_eq!(world.grant_all(), 65);
    let attempt = world.hand_out(0).unwrap();
    world.leases.ended(attempt.id());
    world.now += 2 * SECOND;
    world.leases.pace(world.now);
    assert_eq!(world.leases.ahead, 32);
    // Nothing ended since: that may be the charts, and says nothing new.
    world.now += 2 * SECOND;
    world.leases.pace(world.now);
    assert_eq!(world.leases.ahead, 32);
}

#[derive(Debug, Clone)]
enum Step {
    Credit,
    Grant,
    Want(usize, usize),
    Start(usize),
    End(usize),
    Revoke(usize),
    ReleaseWaiting,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..1000usize;
    prop_oneof![
        3 => Just(Step::Credit),
        6 => Just(Step::Grant),
        6 => (0..3usize, 1..5usize).prop_map(|(slot, count)| Step::Want(slot, count)),
        4 => any.clone().prop_map(Step::Start),
        4 => any.clone().prop_map(Step::End),
        3 => any.prop_map(Step::Revoke),
        1 => Just(Step::ReleaseWaiting),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    /// Whatever happens in whatever order: no lease is worked on twice or after it is gone,
    /// and what is counted is what is there.
    #[test]
    fn what_is_held_is_what_was_granted_and_did_not_end(steps in prop::collection::vec(step(), 1..200)) {
        let mut world = World::new(3);
        let mut handed: Vec<Arc<Attempt>> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut last = 0;
        for step in steps {
            match step {
                Step::Credit => {
                    let held = u32::try_from(world.leases.held.len()).unwrap();
                    let credit = world.leases.credit();
                    prop_assert!(credit == 0 || held + world.leases.promised == 3 * (1 + world.leases.ahead));
                }
                // A master keeps to the credit it was given.
                Step::Grant if world.leases.promised > 0 => { world.grant(); }
                Step::Grant => {}
                Step::Want(slot, count) => world.leases.wanted(slot, count),
                Step::Start(n) => {
                    if !handed.is_empty() {
                        let attempt = &handed[n % handed.len()];
                        let held = world.leases.holds(attempt.id());
                        let waiting = attempt.phase() == Phase::Waiting;
                        prop_assert_eq!(attempt.start(), held && waiting);
                    }
                }
                Step::End(n) => {
                    if !handed.is_empty() {
                        let attempt = handed.swap_remove(n % handed.len());
                        let good = attempt.is_good();
                        prop_assert_eq!(world.leases.ended(attempt.id()), good);
                    }
                }
                Step::Revoke(n) => {
                    let counter = n as u64 % (world.next + 1);
                    if counter > 0 {
                        world.leases.revoked(id(counter));
                    }
                }
                Step::ReleaseWaiting => {
                    for gone in world.leases.release_waiting() {
                        prop_assert!(!world.leases.holds(gone.id));
                    }
                }
                Step::Reopen => {
                    world.leases.opened(Taking::Yes);
                    prop_assert!(world.leases.is_empty());
                    prop_assert_eq!(world.leases.promised, 0);
                }
            }
            while let Some((_, leases)) = world.leases.hand_out() {
                for (attempt, work) in leases {
                    prop_assert!(seen.insert(attempt.id()), "handed out twice");
                    prop_assert!(attempt.phase() == Phase::Waiting, "handed out when it was gone");
                    prop_assert!(work > last, "out of order");
                    last = work;
                    handed.push(attempt);
                }
            }
            let queued = world.leases.held.values().filter(|held| held.slot.is_none()).count();
            prop_assert_eq!(queued, world.leases.queued as usize);
            for held in world.leases.held.values() {
                prop_assert!(held.attempt.is_good());
            }
        }
    }
}
