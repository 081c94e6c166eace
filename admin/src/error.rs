//! What ends a command early: an exit code, a chain of causes, and what to do next.

use std::error::Error;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use master::MasterError;
use store::StoreError;

use crate::exit::Exit;
use crate::output;

/// A command's failure. Printed once, by `main`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// The user asked for something that cannot be: exit 2.
    pub(crate) fn usage(message: impl Display) -> Failure {
        Failure::new(Exit::Usage, anyhow::anyhow!("{message}"))
    }

    /// The same, because of `source`.
    pub(crate) fn usage_because(source: impl Error + Send + Sync + 'static) -> Failure {
        Failure::new(Exit::Usage, source.into())
    }

    /// Something that should have worked did not: exit 1.
    pub(crate) fn failed(message: impl Display) -> Failure {
        Failure::new(Exit::Failed, anyhow::anyhow!("{message}"))
    }

    /// The same, because of `source`.
    pub(crate) fn failed_because(source: impl Error + Send + Sync + 'static) -> Failure {
        Failure::new(Exit::Failed, source.into())
    }

    fn new(exit: Exit, error: anyhow::Error) -> Failure {
        Failure {
            exit,
            error,
            hint: None,
        }
    }

    /// What was being done, above the causes so far.
    #[must_use]
    pub(crate) fn context(mut self, doing: impl Display + Send + Sync + 'static) -> Failure {
        self.error = self.error.context(doing);
        self
    }

    /// What to do next: shown on a line of its own.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the chain, each cause once, and the hint.
    pub(crate) fn print(&self) {
        let mut causes = self.error.chain().map(|cause| Shown(cause).to_string());
        let mut last = causes.next().unwrap_or_default();
        output::note(format_args!("error: {last}"));
        for cause in causes {
            // A cause that its wrapper has already said in full.
            if !last.ends_with(&cause) {
                output::note(format_args!("  because: {cause}"));
            }
            last = cause;
        }
        if let Some(hint) = &self.hint {
            output::note(format_args!("hint: {hint}"));
        }
    }

    /// A master's error before there is a run to resume.
    pub(crate) fn of_master(error: MasterError, output: &Path) -> Failure {
        let exit = match &error {
            MasterError::AnotherMaster { .. } => Exit::AnotherMaster,
            MasterError::NoSuchRun { .. }
            | MasterError::Sealed { .. }
            | MasterError::Differs { .. }
            | MasterError::Spec { .. }
            | MasterError::Input(_)
            | MasterError::Reading(_) => Exit::Usage,
            MasterError::Store {
                source: StoreError::Folder { .. },
                ..
            } if !error.is_disk_full() => Exit::Usage,
            _ => Exit::Failed,
        };
        let hint = match &error {
            MasterError::AnotherMaster { run, .. } => Some(format!(
                "to end it and go on here: {} --take-over",
                resume_command(run.as_str(), output)
            )),
            MasterError::NoSuchRun { .. } => Some(format!(
                "to see what is there: dayfly runs --output {}",
                quoted(output)
            )),
            MasterError::Sealed { run, .. } => Some(format!(
                "to look at it: dayfly status {run} --output {}",
                quoted(output)
            )),
            MasterError::Differs { run, .. } => Some(format!(
                "run {run} goes on only as it began; to code differently, start a new run"
            )),
            _ => None,
        };
        let failure = Failure::new(exit, error.into());
        Failure { hint, ..failure }
    }

    /// A master's error in the middle of `run`, which can be resumed.
    pub(crate) fn of_run(error: MasterError, run: &str, output: &Path) -> Failure {
        let full = error.is_disk_full();
        let mut failure = Failure::of_master(error, output);
        if failure.exit == Exit::Failed {
            let resume = resume_command(run, output);
            failure.hint = Some(match full {
                true => format!("what has ended is safe; free some space, then: {resume}"),
                false => format!("to go on once this is mended: {resume}"),
            });
        }
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let exit = match error {
            StoreError::Folder { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        Failure::new(exit, error.into())
    }
}

impl From<store::run_log::LogError> for Failure {
    fn from(error: store::run_log::LogError) -> Failure {
        Failure::failed_because(error)
    }
}

impl From<results::ResultsError> for Failure {
    fn from(error: results::ResultsError) -> Failure {
        Failure::failed_because(error)
    }
}

impl From<intake::InputError> for Failure {
    fn from(error: intake::InputError) -> Failure {
        Failure::usage_because(error)
    }
}

/// A reader of our output that has left is no failure: see [`output::Closed`].
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::failed_because(error)
    }
}

/// The command that goes on with a run.
pub(crate) fn resume_command(run: &str, output: &Path) -> String {
    format!("dayfly run --resume {run} --output {}", quoted(output))
}

/// A path as one would type it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,~".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Where `path` leads, its folder resolved; the last name stays as it was typed.
pub(crate) fn with_folder_resolved(path: &Path) -> std::io::Result<PathBuf> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if !path.is_dir() => {
            let folder = match folder.as_os_str().is_empty() {
                true => Path::new("."),
                false => folder,
            };
            Ok(folder.canonicalize()?.join(name))
        }
        _ => path.canonicalize(),
    }
}

/// An operating system error without its number, which tells people nothing.
struct Shown<'a>(&'a (dyn Error + 'static));

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        match text.rsplit_once(" (os error ") {
            Some((plain, _)) if self.0.is::<std::io::Error>() => f.write_str(plain),
            _ => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_one_would_type_them() {
        for (path, shown) in [
            ("out/runs", "out/runs"),
            ("my results", "'my results'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), shown);
        }
    }
}
