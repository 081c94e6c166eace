//! Points between "it happened" and "we told", at which tests end or stop this process.
//!
//! With the feature `failpoints`, `DAYFLY_FAIL_AT=worker::coded=3` kills each worker when it
//! passes that point for the third time; `w0001/worker::coded=3` only that worker (the one
//! that replaces it lives), and with `=3:stop` it is stopped instead. Without the feature
//! nothing of it is compiled.

/// Passes a point.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(point: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static WANTED: LazyLock<Option<(String, u64, Signal)>> = LazyLock::new(|| {
        let wanted = std::env::var("DAYFLY_FAIL_AT").ok()?;
        let (point, how) = wanted.rsplit_once('=')?;
        let point = match point.split_once('/') {
            Some((instance, point)) => (INSTANCE.get()? == instance).then_some(point)?,
            None => point,
        };
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

#[cfg(feature = "failpoints")]
static INSTANCE: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Which worker this process is. Before the first point is passed.
#[cfg(feature = "failpoints")]
pub(crate) fn this_is(instance: &str) {
    // A second worker in one process is one of a test that names none.
    let _ = INSTANCE.set(instance.to_owned());
}

/// Passes a point.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn hit(_point: &str) {}

/// Which worker this process is.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn this_is(_instance: &str) {}
