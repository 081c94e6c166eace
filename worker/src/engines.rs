//! The engines of this worker's slots, as the run pins them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use coder::{Coder, Cues, Terminology};

use crate::engine::exec::{ExecEngine, ExecSettings};
use crate::engine::icd10::Icd10;
use crate::engine::{Cancel, Engine, EngineBreaker};
use crate::error::chain;

/// Which engine a run uses.
#[derive(Debug)]
pub(crate) enum EngineChoice {
    Icd10 { terminology: Pinned, cues: Pinned },
    Exec(ExecSettings),
    Noop,
}

/// A file that the engine reads, or what is built in, with the digest that it must have.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) path: Option<PathBuf>,
    pub(crate) digest: String,
}

/// Makes an engine for each slot. One for all slots.
#[derive(Debug)]
pub(crate) struct Engines {
    choice: EngineChoice,
    /// Made by whichever slot is first; the others wait for it.
    coder: OnceLock<Result<Arc<Coder>, String>>,
    breaker: Arc<Mutex<EngineBreaker>>,
}

impl Engines {
    pub(crate) fn new(choice: EngineChoice) -> Engines {
        Engines {
            choice,
            coder: OnceLock::new(),
            breaker: Arc::default(),
        }
    }

    /// Whether there is nothing to read and nothing to code.
    pub(crate) fn is_noop(&self) -> bool {
        matches!(self.choice, EngineChoice::Noop)
    }

    /// The engine of a slot, which `cancel` interrupts; or why this worker has none.
    pub(crate) fn make(
        &self,
        slot: usize,
        cancel: &Arc<Cancel>,
    ) -> Result<Box<dyn Engine>, String> {
        match &self.choice {
            EngineChoice::Icd10 { terminology, cues } => {
                let coder = self.coder.get_or_init(|| coder(terminology, cues));
                Ok(Box::new(Icd10::new(coder.clone()?)))
            }
            EngineChoice::Exec(settings) => Ok(Box::new(ExecEngine::new(
                settings.clone(),
                slot,
                self.breaker.clone(),
                cancel.clone(),
            ))),
            EngineChoice::Noop => Ok(Box::new(crate::engine::noop::Noop)),
        }
    }
}

/// The coder that the run pins. Another one would not find the same.
fn coder(terminology: &Pinned, cues: &Pinned) -> Result<Arc<Coder>, String> {
    let made = match &terminology.path {
        Some(path) => Terminology::map(path).map_err(|error| chain(&error))?,
        None => Terminology::embedded(),
    };
    let table = match &cues.path {
        Some(path) => {
            let table = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read cue table {}: {error}", path.display()))?;
            Cues::built_in_with(&table).map_err(|error| chain(&error))?
        }
        None => Cues::built_in(),
    };
    same("terminology", &terminology.digest, &made.digest())?;
    same("cue table", &cues.digest, &table.digest())?;
    Ok(Arc::new(Coder::new(made, table)))
}

fn same(what: &str, pinned: &str, found: &str) -> Result<(), String> {
    if pinned == found {
        return Ok(());
    }
    Err(format!(
        "the {what} of this worker is not that of the run: the run pins {pinned}, here it is {found}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> (Pinned, Pinned) {
        let coder = Coder::embedded();
        let pinned = |digest| Pinned { path: None, digest };
        (
            pinned(coder.terminology_digest()),
            pinned(coder.cues_digest()),
        )
    }

    #[test]
    fn a_coder_other_than_the_pinned_one_is_refused_by_name() {
        let (terminology, cues) = built_in();
        assert!(coder(&terminology, &cues).is_ok());

        let (mut terminology, mut cues) = built_in();
        terminology.digest = "0".repeat(64);
        let error = coder(&terminology, &cues).unwrap_err();
        assert!(
            error.starts_with("the terminology of this worker"),
            "{error}"
        );
        terminology = built_in().0;
        cues.digest = "0".repeat(64);
        let error = coder(&terminology, &cues).unwrap_err();
        assert!(error.starts_with("the cue table of this worker"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let (mut terminology, cues) = built_in();
        terminology.path = Some("/nonexistent/terminology.bin".into());
        let error = coder(&terminology, &cues).unwrap_err();
        assert!(error.contains("/nonexistent/terminology.bin"), "{error}");
    }
}
