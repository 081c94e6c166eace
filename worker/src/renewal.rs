//! Which heartbeats were sent when, and until when an answer renews the leases. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Heartbeats whose answers are waited for; older ones are past their use.
const WAITED_FOR: usize = 64;

/// The heartbeats of one session.
#[derive(Debug)]
pub(crate) struct Renewal {
    good_for: Duration,
    last: u64,
    sent: VecDeque<(u64, Instant)>,
}

impl Renewal {
    /// What is renewed is good for `lease` from the sending of the heartbeat, less `margin`,
    /// in which an attempt is stopped.
    pub(crate) fn new(lease: Duration, margin: Duration) -> Renewal {
        Renewal {
            good_for: lease.saturating_sub(margin),
            last: 0,
            sent: VecDeque::new(),
        }
    }

    /// For how long a lease is good without a sign of life.
    pub(crate) fn good_for(&self) -> Duration {
        self.good_for
    }

    /// A heartbeat is about to be sent: its number.
    pub(crate) fn next(&mut self, now: Instant) -> u64 {
        self.last += 1;
        if self.sent.len() == WAITED_FOR {
            self.sent.pop_front();
        }
        self.sent.push_back((self.last, now));
        self.last
    }

    /// The master answered a heartbeat: until when leases are good now. `None` for a number
    /// that was never sent or has been answered.
    pub(crate) fn answered(&mut self, number: u64) -> Option<Instant> {
        let place = self.sent.iter().position(|(sent, _)| *sent == number)?;
        let (_, at) = self.sent.drain(..=place).next_back()?;
        Some(at + self.good_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_good_from_the_sending_and_not_from_the_answer() {
        let second = Duration::from_secs(1);
        let begin = Instant::now();
        let mut renewal = Renewal::new(10 * second, 2 * second);
        assert_eq!(renewal.next(begin), 1);
        assert_eq!(renewal.next(begin + second), 2);
        assert_eq!(renewal.next(begin + 2 * second), 3);
        assert_eq!(renewal.answered(2), Some(begin + 9 * second));
        assert_eq!(renewal.answered(1), None, "an older one renews nothing");
        assert_eq!(renewal.answered(7), None, "never sent");
        assert_eq!(renewal.answered(3), Some(begin + 10 * second));
    }

    #[test]
    fn a_margin_longer_than_the_lease_leaves_nothing() {
        let renewal = Renewal::new(Duration::from_secs(1), Duration::from_secs(2));
        assert_eq!(renewal.good_for(), Duration::ZERO);
    }
}
