//! A way to interrupt a slot that waits for its engine.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::{fmt, io};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Interrupts a chart on its way through an engine, from another thread: the lease was
/// revoked, or the worker is about to end. It stays set until [`clear`](Self::clear).
pub struct Cancel {
    event: OwnedFd,
}

impl Cancel {
    /// Fails only if the process has no file descriptor left.
    pub fn new() -> io::Result<Cancel> {
        Ok(Cancel {
            event: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Interrupts the chart at hand, and every later one until it is cleared.
    pub fn cancel(&self) {
        // It fails only if the counter is full, and then it is set.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// Lets charts through again.
    pub fn clear(&self) {
        // It fails only if the counter is zero, and then it is clear.
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
    }

    pub fn is_cancelled(&self) -> bool {
        let mut fds = [PollFd::new(&self.event, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(poll(&mut fds, Some(&now)), Ok(ready) if ready > 0)
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel")
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}
