//! One attempt: the execution of one lease, as its slot and the session both see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Which lease: what it is for, and its fencing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LeaseId {
    pub(crate) shard: u32,
    pub(crate) master_epoch: u32,
    pub(crate) counter: u64,
}

/// Shared by the session, which may end it, and by its slot, which looks before every chart
/// and before it creates the ending.
#[derive(Debug)]
pub(crate) struct Attempt {
    id: LeaseId,
    term: Arc<Term>,
    phase: AtomicU8,
    charts: AtomicU64,
}

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing was coded yet: its failure can charge nobody.
    Waiting,
    /// Its engine is at work.
    Started,
    /// Its engine is done; its ending is on its way into the store.
    Coded,
    /// Its lease is gone. Nothing may follow.
    Void,
}

/// How long the leases of one session are good. The master judges a worker by its last sign
/// of life, so all leases of a session end together.
#[derive(Debug)]
pub(crate) struct Term {
    origin: Instant,
    /// Microseconds after `origin`; 0 once the session is over.
    good_until: AtomicU64,
}

impl Attempt {
    pub(crate) fn new(id: LeaseId, term: Arc<Term>) -> Attempt {
        Attempt {
            id,
            term,
            phase: AtomicU8::new(Phase::Waiting as u8),
            charts: AtomicU64::new(0),
        }
    }

    pub(crate) fn id(&self) -> LeaseId {
        self.id
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::Acquire))
    }

    /// The engine begins. False if the lease is gone.
    pub(crate) fn start(&self) -> bool {
        self.term.is_good(Instant::now()) && self.go(Phase::Waiting, Phase::Started)
    }

    /// The engine is done. False if the lease is gone.
    pub(crate) fn coded(&self) -> bool {
        self.go(Phase::Started, Phase::Coded) && self.is_good()
    }

    /// Whether the lease may still be worked on.
    pub(crate) fn is_good(&self) -> bool {
        self.phase() != Phase::Void && self.term.is_good(Instant::now())
    }

    /// Ends the attempt, wherever it is, and says where it was.
    pub(crate) fn void(&self) -> Phase {
        Phase::of(self.phase.swap(Phase::Void as u8, Ordering::AcqRel))
    }

    /// Ends the attempt if its engine has not begun. False if it has.
    pub(crate) fn void_if_waiting(&self) -> bool {
        self.go(Phase::Waiting, Phase::Void)
    }

    /// One more chart is done.
    pub(crate) fn count_chart(&self) {
        self.charts.fetch_add(1, Ordering::Relaxed);
    }

    /// Charts done.
    pub(crate) fn charts(&self) -> u64 {
        self.charts.load(Ordering::Relaxed)
    }

    fn go(&self, from: Phase, to: Phase) -> bool {
        self.phase
            .compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Phase {
    fn of(number: u8) -> Phase {
        match number {
            0 => Phase::Waiting,
            1 => Phase::Started,
            2 => Phase::Coded,
            _ => Phase::Void,
        }
    }
}

impl Term {
    pub(crate) fn new(now: Instant, good_for: Duration) -> Term {
        let term = Term {
            origin: now,
            good_until: AtomicU64::new(1),
        };
        term.renew(now + good_for);
        term
    }

    /// Leases are good until then. Never shortens a term, and never revives one that is over.
    pub(crate) fn renew(&self, good_until: Instant) {
        let after = good_until.saturating_duration_since(self.origin);
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let longer = |old| (old > 0 && old < micros).then_some(micros);
        // An error means that there was nothing to do.
        let _ = self
            .good_until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, longer);
    }

    /// The session is over, and with it every lease.
    pub(crate) fn end(&self) {
        self.good_until.store(0, Ordering::Release);
    }

    pub(crate) fn is_good(&self, now: Instant) -> bool {
        now < self.good_until()
    }

    pub(crate) fn good_until(&self) -> Instant {
        self.origin + Duration::from_micros(self.good_until.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: LeaseId = LeaseId {
        shard: 7,
        master_epoch: 1,
        counter: 9,
    };
    const HOUR: Duration = Duration::from_secs(3600);

    fn attempt() -> (Attempt, Arc<Term>) {
        let term = Arc::new(Term::new(Instant::now(), HOUR));
        (Attempt::new(ID, term.clone()), term)
    }

    #[test]
    fn what_was_started_is_not_given_back_as_if_it_had_waited() {
        let (waiting, _) = attempt();
        assert!(waiting.void_if_waiting());
        assert!(!waiting.start());

        let (started, _) = attempt();
        assert!(started.start());
        assert!(!started.void_if_waiting());
        assert!(started.is_good());
        assert!(started.coded());
    }

    #[test]
    fn nothing_follows_once_a_lease_is_gone() {
        let (attempt, _) = attempt();
        assert!(attempt.start());
        assert_eq!(attempt.void(), Phase::Started);
        assert!(!attempt.is_good());
        assert!(!attempt.coded());
        assert_eq!(attempt.void(), Phase::Void);
    }

    #[test]
    fn a_term_is_never_shortened_and_never_revived() {
        let now = Instant::now();
        let term = Term::new(now, HOUR);
        term.renew(now + 2 * HOUR);
        term.renew(now + HOUR);
        assert!(term.is_good(now + HOUR));
        assert!(!term.is_good(now + 2 * HOUR));
        term.end();
        term.renew(now + 3 * HOUR);
        assert!(!term.is_good(now));
    }

    #[test]
    fn the_end_of_a_session_ends_its_attempts() {
        let (attempt, term) = attempt();
        assert!(attempt.start());
        term.end();
        assert!(!attempt.is_good());
        assert!(!attempt.coded());
    }
}
