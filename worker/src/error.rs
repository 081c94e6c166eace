//! Why a worker ends otherwise than by leaving.

use std::net::SocketAddr;
use std::time::Duration;

/// A worker that cannot go on. Nothing in it is a secret or comes from a chart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    #[error("cannot start: {what}")]
    Start {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// The line that the master writes into the pipe.
    #[error("the line from the master cannot be used: {what}")]
    LaunchLine { what: &'static str },
    #[error("cannot make an identity")]
    Identity(#[from] identity::IdentityError),
    #[error("the master at {address} did not enroll this worker")]
    Enroll {
        address: SocketAddr,
        #[source]
        source: Box<tonic::Status>,
    },
    /// The master judged this worker's identity, version or token, and refuses it. Trying again is of no use.
    #[error("the master at {address} refused this worker")]
    Refused {
        address: SocketAddr,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the master at {address} was not reached within {limit:?}")]
    MasterLost {
        address: SocketAddr,
        limit: Duration,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The peer is of another version, or worse.
    #[error("the master at {address} said something that makes no sense: {what}")]
    Nonsense {
        address: SocketAddr,
        what: &'static str,
    },
    /// A bug of the worker.
    #[error("a slot ended unexpectedly: {what}")]
    SlotDied { what: String },
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
