//! The worker: pulls leases from its master, reads their charts, has them coded, and creates
//! the endings of their shards.
//!
//! ```text
//!   enroll ─► session ─► leases ─► slots: reading ─► coding ─► ending ─► the store
//!                ▲                            │
//!                └──── started, ended ────────┘
//! ```
//!
//! Reading order: [`Config`], `leases` (what is held; pure), `attempt` (the right to go on),
//! `session` (the one task that owns it all), `slot` and its stages `reading`, `coding`,
//! `ending`; then [`engine`].
//!
//! What it promises: an ending is created at most once and only while its lease is good; an
//! attempt is stopped before its lease can have expired at the master; nothing of a chart
//! appears in logs, errors or messages to the master; and it ends at once when its master is
//! gone, and its engines with it.

mod attempt;
mod coding;
pub mod command;
mod config;
mod connect;
mod convert;
mod ending;
pub mod engine;
mod engines;
mod error;
mod leases;
mod outbox;
mod panics;
mod reading;
mod renewal;
mod session;
mod slot;
mod worker;

use tokio::sync::mpsc;

pub use config::{Config, LaunchLine};
pub use error::WorkerError;
pub use panics::hide_messages;

/// What the world around a worker wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Finish what has begun, give back the rest, leave.
    Leave,
    /// The pipe to the master is closed: end now.
    MasterGone,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It said goodbye: it holds nothing, and nothing that it did is unreported.
    Left,
    /// Its master is gone.
    MasterGone,
}

/// Enrolls with the master and works for it until it is told to leave.
///
/// Engines and threads of slots are gone when this returns, except with
/// [`Outcome::MasterGone`] and for a chart that takes longer than a moment: both end with the
/// process.
///
/// # Errors
/// [`WorkerError`] when it cannot begin, is refused, or has lost its master for seconds.
pub async fn run(
    config: Config,
    mut shutdown: mpsc::Receiver<Shutdown>,
) -> Result<Outcome, WorkerError> {
    let identity = tokio::select! {
        biased;
        end = session::before_session(&mut shutdown) => return Ok(match end {
            session::End::MasterGone => Outcome::MasterGone,
            _ => Outcome::Left,
        }),
        identity = connect::enroll(&config) => identity?,
    };
    log::debug!(run = config.run.as_str(), worker = config.instance.as_str(); "enrolled");
    let mut worker = worker::Worker::new(config, &identity)?;
    let outcome = worker.work(&mut shutdown).await;
    if !matches!(outcome, Ok(Outcome::MasterGone)) {
        worker.stop().await;
    }
    outcome
}
