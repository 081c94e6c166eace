//! What the worker holds: leases that wait, leases that slots have, and credit. Pure: it is
//! told the time and does nothing itself.
//!
//! ```text
//!   credit ─► granted ─► waiting ─► a slot ─► ended
//!                           └──────────┴────► revoked, released, abandoned
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attempt::{Attempt, LeaseId, Phase};

/// Leases wanted ahead for each slot, at first and at the most.
const FIRST_AHEAD: u32 = 2;
const MOST_AHEAD: u32 = 512;

/// More than this much work in the queue is more than is needed ahead.
const ENOUGH_AHEAD: Duration = Duration::from_secs(1);

/// The leases of a worker. `W` is what a slot needs to work on one.
#[derive(Debug)]
pub(crate) struct Leases<W> {
    slots: u32,
    ahead: u32,
    taking: Taking,
    /// In the order of their coming. One that was voided meanwhile is passed over.
    waiting: VecDeque<Leased<W>>,
    held: HashMap<LeaseId, Held>,
    /// How many of `held` no slot has yet.
    queued: u32,
    /// Leases that the master may still send.
    promised: u32,
    /// How many leases each slot would take now.
    wants: Vec<usize>,
    /// A slot found nothing, although leases were promised.
    ran_dry: bool,
    /// Attempts that ended since the last look at the pace.
    ended: u32,
    paced: Instant,
}

/// A lease with what its slot needs for it.
type Leased<W> = (Arc<Attempt>, W);

#[derive(Debug)]
struct Held {
    attempt: Arc<Attempt>,
    slot: Option<usize>,
}

/// Whether more leases are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    Yes,
    /// The worker is about to leave, or has no session.
    No,
}

/// A lease that was taken from its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) id: LeaseId,
    /// The slot whose engine must be interrupted, if it is at work.
    pub(crate) interrupt: Option<usize>,
}

impl<W> Leases<W> {
    pub(crate) fn new(slots: u32, now: Instant) -> Leases<W> {
        let slots = slots.max(1);
        Leases {
            slots,
            ahead: FIRST_AHEAD,
            taking: Taking::No,
            waiting: VecDeque::new(),
            held: HashMap::new(),
            queued: 0,
            promised: 0,
            wants: vec![0; slots as usize],
            ran_dry: false,
            ended: 0,
            paced: now,
        }
    }

    /// A session begins: nothing is held or promised in it yet.
    pub(crate) fn opened(&mut self, taking: Taking) {
        self.abandon();
        self.taking = taking;
        self.ran_dry = false;
    }

    /// From now on no credit is given.
    pub(crate) fn take_no_more(&mut self) {
        self.taking = Taking::No;
    }

    /// How much credit to give now. It counts as given.
    pub(crate) fn credit(&mut self) -> u32 {
        if self.taking == Taking::No {
            return 0;
        }
        let target = self.slots.saturating_mul(1 + self.ahead);
        let held = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        let credit = target.saturating_sub(held.saturating_add(self.promised));
        self.promised += credit;
        credit
    }

    /// A lease came. The same one twice is one.
    pub(crate) fn granted(&mut self, attempt: Arc<Attempt>, work: W) {
        self.promised = self.promised.saturating_sub(1);
        if std::mem::take(&mut self.ran_dry) {
            self.ahead = (self.ahead * 2).min(MOST_AHEAD);
        }
        if self.held.contains_key(&attempt.id()) {
            return;
        }
        let held = Held {
            attempt: attempt.clone(),
            slot: None,
        };
        self.held.insert(attempt.id(), held);
        self.queued += 1;
        self.waiting.push_back((attempt, work));
    }

    /// A lease came that is given back at once.
    pub(crate) fn refused(&mut self) {
        self.promised = self.promised.saturating_sub(1);
    }

    /// A slot would take that many.
    pub(crate) fn wanted(&mut self, slot: usize, count: usize) {
        if let Some(wants) = self.wants.get_mut(slot) {
            *wants = count;
        }
    }

    /// Leases for one slot that waits for some; `None` when there is nothing to hand out.
    /// Several slots that wait share what there is.
    pub(crate) fn hand_out(&mut self) -> Option<(usize, Vec<Leased<W>>)> {
        let waiting_slots = self.wants.iter().filter(|wants| **wants > 0).count();
        let slot = self.wants.iter().position(|wants| *wants > 0)?;
        let share = (self.queued as usize).div_ceil(waiting_slots).max(1);
        let count = self.wants[slot].min(share);
        let mut leases = Vec::with_capacity(count);
        while leases.len() < count {
            let Some((attempt, work)) = self.waiting.pop_front() else {
                break;
            };
            // A voided one is not held any more.
            if let Some(held) = self.held.get_mut(&attempt.id())
                && Arc::ptr_eq(&held.attempt, &attempt)
            {
                held.slot = Some(slot);
                self.queued -= 1;
                leases.push((attempt, work));
            }
        }
        if leases.is_empty() {
            // The very first leases are always waited for: that says nothing about the pace.
            self.ran_dry |= self.promised > 0 && self.ended > 0;
            return None;
        }
        self.wants[slot] = 0;
        Some((slot, leases))
    }

    /// An attempt ended in its slot. False if its lease was gone before.
    pub(crate) fn ended(&mut self, id: LeaseId) -> bool {
        self.ended += 1;
        self.held.remove(&id).is_some()
    }

    /// The master took a lease back.
    pub(crate) fn revoked(&mut self, id: LeaseId) -> Option<Gone> {
        let held = self.held.remove(&id)?;
        Some(self.gone(id, &held))
    }

    /// Gives up every lease whose engine has not begun.
    pub(crate) fn release_waiting(&mut self) -> Vec<Gone> {
        let mut released = Vec::new();
        let mut queued = 0;
        self.held.retain(|id, held| {
            let gone = held.attempt.void_if_waiting();
            if gone {
                released.push(Gone {
                    id: *id,
                    interrupt: None,
                });
                queued += u32::from(held.slot.is_none());
            }
            !gone
        });
        self.queued -= queued;
        self.waiting.clear();
        released.sort_unstable_by_key(|gone| gone.id);
        released
    }

    /// Gives up every lease.
    pub(crate) fn release_all(&mut self) -> Vec<Gone> {
        let held = std::mem::take(&mut self.held);
        let mut gone: Vec<Gone> = held.iter().map(|(id, held)| self.gone(*id, held)).collect();
        self.waiting.clear();
        gone.sort_unstable_by_key(|gone| gone.id);
        gone
    }

    /// The session is over: the master has taken everything back.
    pub(crate) fn abandon(&mut self) -> Vec<Gone> {
        self.taking = Taking::No;
        self.promised = 0;
        self.release_all()
    }

    /// The counters of attempts whose engine is at work.
    pub(crate) fn progress(&self) -> impl Iterator<Item = (LeaseId, u64)> {
        let at_work = |held: &&Held| held.slot.is_some() && held.attempt.phase() != Phase::Waiting;
        self.held
            .values()
            .filter(at_work)
            .map(|held| (held.attempt.id(), held.attempt.charts()))
    }

    /// Looks at the pace, and wants fewer ahead if the queue holds more than a second of work.
    pub(crate) fn pace(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.paced);
        if passed < ENOUGH_AHEAD / 2 {
            return;
        }
        let enough = f64::from(self.ended) * ENOUGH_AHEAD.as_secs_f64() / passed.as_secs_f64();
        // At the very beginning nothing can have ended yet.
        if self.ended > 0 && f64::from(self.queued) > enough.max(f64::from(self.slots)) {
            self.ahead = (self.ahead / 2).max(1);
        }
        self.ended = 0;
        self.paced = now;
    }

    pub(crate) fn holds(&self, id: LeaseId) -> bool {
        self.held.contains_key(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn gone(&mut self, id: LeaseId, held: &Held) -> Gone {
        if held.slot.is_none() {
            self.queued -= 1;
        }
        let at_work = held.attempt.void() == Phase::Started;
        Gone {
            id,
            interrupt: held.slot.filter(|_| at_work),
        }
    }
}

#[cfg(test)]
mod tests;
