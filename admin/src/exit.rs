//! The exit codes of `dayfly`, the same for every command. Scripts rely on them.

use std::process::ExitCode;

use store::run_log::Outcome;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The run is complete: every chart was coded. For other commands: it did what was asked.
    Complete = 0,
    /// It failed; the message says why. A run can be resumed once that is mended.
    Failed = 1,
    /// The command line, the spec or the input is wrong. Nothing was started.
    Usage = 2,
    /// The run is sealed, and charts were quarantined or not reached.
    Partial = 3,
    /// The run is sealed as aborted.
    Aborted = 4,
    /// Another master has the run.
    AnotherMaster = 5,
    /// The run was suspended and can be resumed.
    Suspended = 6,
}

impl Exit {
    /// The exit code of a sealed run.
    #[must_use]
    pub fn of_outcome(outcome: Outcome) -> Exit {
        match outcome {
            Outcome::Complete => Exit::Complete,
            Outcome::Partial => Exit::Partial,
            Outcome::Aborted => Exit::Aborted,
        }
    }

    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
