//! What is left of an engine when its guard was killed.
//!
//! The guard is the reaper of all that its program started. If something kills the guard, its
//! reaper is the worker, if the worker asked for it: then the worker has children that it
//! never started, and they are ended.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, set_child_subreaper,
    waitpid,
};

use super::guard::{children_of, timespec};

/// A killed process that cannot end within this time is left to its fate: it hangs in the
/// kernel, and waiting would hang the slot too.
const END_LIMIT: Duration = Duration::from_secs(10);

/// Descendants may be nested; each round ends one level of them.
const ROUNDS: u32 = 100;

/// The guards of this process, by process id. Held while one is started, so that no sweep
/// takes a new guard for an orphan.
static GUARDS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Makes this process the reaper of its engines' descendants. **From then on every child of
/// this process that is not the guard of an engine may be killed**, so it is for the `main` of
/// a worker, which starts nothing else.
pub fn watch_over_orphans() -> io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    WATCHING.store(true, Ordering::Relaxed);
    Ok(())
}

/// Ends every child that is not the guard of a running engine. Does nothing in a process that
/// does not watch over orphans. Engines call it when their guard was killed.
pub fn end_orphans() {
    if !WATCHING.load(Ordering::Relaxed) {
        return;
    }
    let guards = GUARDS.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..ROUNDS {
        let orphans = children_of(getpid()).filter(|child| !guards.contains(&child.as_raw_pid()));
        let ended = orphans.filter(|orphan| end(*orphan)).count();
        if ended == 0 {
            return;
        }
        log::warn!(target: "engine", "ended {ended} processes that a killed guard had left");
    }
}

/// Starts a guard and remembers it.
pub(super) fn start_guard(command: &mut Command) -> io::Result<Child> {
    let mut guards = GUARDS.lock().unwrap_or_else(PoisonError::into_inner);
    let guard = command.spawn()?;
    guards.insert(Pid::from_child(&guard).as_raw_pid());
    Ok(guard)
}

/// Forgets a guard that has been waited for.
pub(super) fn forget_guard(guard: &Child) {
    let mut guards = GUARDS.lock().unwrap_or_else(PoisonError::into_inner);
    guards.remove(&Pid::from_child(guard).as_raw_pid());
}

/// Kills a child and reaps it.
fn end(child: Pid) -> bool {
    let killed = kill_process(child, Signal::KILL).is_ok();
    killed && ends_within(child, END_LIMIT) && waitpid(Some(child), WaitOptions::NOHANG).is_ok()
}

/// Waits for a child to end, without reaping it.
pub(super) fn ends_within(child: Pid, limit: Duration) -> bool {
    let Ok(ended) = pidfd_open(child, PidfdFlags::empty()) else {
        return false;
    };
    let mut fds = [PollFd::new(&ended, PollFlags::IN)];
    let deadline = std::time::Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
