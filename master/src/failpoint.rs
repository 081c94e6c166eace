//! Points between "the world said yes" and "we know it", at which tests end this process.
//!
//! With the feature `failpoints`, `DAYFLY_FAIL_AT=master::verdict-appended=2` kills the process
//! when it passes that point for the second time. Without the feature nothing of it exists.

/// Passes a point.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("DAYFLY_FAIL_AT") else {
        return;
    };
    let Some((point, nth)) = wanted.rsplit_once('=') else {
        return;
    };
    if point == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == nth.parse().unwrap_or(1) {
        // A process may always kill itself.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Passes a point.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn hit(_name: &str) {}
