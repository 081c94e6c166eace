//! Points between "it happened" and "we told", at which tests end or stop this process.
//!
//! With the feature `failpoints`, `DAYFLY_FAIL_AT=worker::coded=3` kills the process when it
//! passes that point for the third time, `=3:stop` stops it. Without the feature nothing of
//! it is compiled.

/// Passes a point.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(point: &str) {
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

    if let Some((wanted, nth, signal)) = &*WANTED
        && wanted == point
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    {
        // A process may always send itself a signal.
        let _ = kill_process(getpid(), *signal);
    }
}

/// Passes a point.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn hit(_point: &str) {}
