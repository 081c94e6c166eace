//! Points between "the world said yes" and "we know it", at which tests end or stop a process.
//!
//! With the feature `failpoints`, `DAYFLY_FAIL_AT=worker::coded=3` kills the process that passes
//! that point for the third time, and `=3:stop` stops it. With `DAYFLY_FAIL_ONCE=FILE` only the
//! process that can create the file is hit, so that its replacement gets by. Without the feature
//! nothing of it is compiled.

/// Passes a point.
#[cfg(feature = "failpoints")]
pub fn hit(point: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static WANTED: LazyLock<Option<(String, u64, Signal)>> = LazyLock::new(|| {
        let wanted = std::env::var("DAYFLY_FAIL_AT").ok()?;
        let (point, how) = wanted.rsplit_once('=')?;
        let (nth, signal) = match how.strip_suffix(":stop") {
            Some(nth) => (nth, Signal::STOP),
            None => (how, Signal::KILL),
        };
        Some((point.to_owned(), nth.parse().ok()?, signal))
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let Some((wanted, nth, signal)) = &*WANTED else {
        return;
    };
    if wanted != point || PASSED.fetch_add(1, Ordering::SeqCst) + 1 != *nth {
        return;
    }
    let first = std::env::var_os("DAYFLY_FAIL_ONCE")
        .is_none_or(|file| std::fs::File::create_new(file).is_ok());
    if first {
        // A process may always send itself a signal.
        let _ = kill_process(getpid(), *signal);
    }
}

/// Passes a point.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_point: &str) {}
