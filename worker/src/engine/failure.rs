//! The ways in which an engine process fails a chart: a closed set, without chart text.

use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

/// Why there is no answer for a chart. After any of these the process and all that it started
/// are gone.
#[derive(Debug, thiserror::Error)]
pub enum EngineFailure {
    /// It ended before it answered.
    #[error("it {exit} before it answered")]
    Died { exit: Exit },
    #[error("it did not answer within {limit:?}")]
    TimedOut { limit: Duration },
    /// The line is not one JSON object.
    #[error("its answer is not a JSON object")]
    NotJson,
    /// A JSON object, but what it says of findings cannot be understood.
    #[error("its answer is malformed: {what}")]
    Malformed { what: &'static str },
    /// The answer has no `id`, or that of another chart.
    #[error("its answer does not have the id of the chart")]
    WrongId,
    #[error("its answer is longer than {cap} bytes")]
    AnswerTooLong { cap: usize },
    /// It wrote more than one line for one chart.
    #[error("it wrote more than one line for a chart")]
    TooManyLines,
    #[error("cannot start {program}")]
    CannotStart {
        program: String,
        #[source]
        source: io::Error,
    },
    /// Nobody's fault: the slot was told to give the chart up.
    #[error("the chart was given up")]
    Cancelled,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// It could not be seen to end within a generous time.
    Unknown,
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Exit {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Exit::Unknown => f.write_str("ended in an unknown way"),
        }
    }
}
