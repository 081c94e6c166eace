//! From "run this" or "go on with that" to a run that this process has: its lock, its spec and
//! its log. Nothing is launched here, and every refusal names its reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::run_log::{Record, RunLog};
use store::{Created, DirectoryStore, RunId, Store, layout};

use crate::error::MasterError;
use crate::lock::{Locked, RunLock, private_folder};
use crate::spec::Spec;

/// A run that this process has, and no other on this machine.
#[derive(Debug)]
pub struct Prepared {
    /// The run.
    pub run: RunId,
    /// What it does.
    pub spec: Spec,
    /// Whether an earlier master has had it.
    pub resumed: bool,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: RunLog,
    pub(crate) records: Vec<Record>,
    pub(crate) private: PathBuf,
    pub(crate) _lock: RunLock,
}

/// Whether a living master of the run is ended first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherMaster {
    /// Leave it alone: [`MasterError::AnotherMaster`].
    Respect,
    /// End it and its workers.
    TakeOver,
}

impl Prepared {
    /// Creates a run in `output`, which is made if it is not there.
    ///
    /// # Errors
    /// When the output cannot hold a run.
    pub async fn create(output: &Path, spec: Spec) -> Result<Prepared, MasterError> {
        let run = new_run_id(&spec)?;
        let failed = |source| MasterError::Store {
            run: run.clone(),
            source,
        };
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(output).map_err(failed)?);
        let private = private_folder(output, run.as_str());
        let lock = take_lock(&run, &private, OtherMaster::Respect)?;
        let bytes = serde_json::to_vec_pretty(&spec).map_err(|source| MasterError::Bug {
            run: run.clone(),
            what: format!("the spec is not JSON: {source}"),
        })?;
        if store
            .create(&layout::spec(&run), bytes.into())
            .await
            .map_err(failed)?
            == Created::Exists
        {
            return Err(MasterError::AnotherMaster { run, process: None });
        }
        let (log, records) = RunLog::open(store.clone(), run.clone()).await?;
        Ok(Prepared {
            run,
            spec,
            resumed: false,
            store,
            log,
            records,
            private,
            _lock: lock,
        })
    }

    /// Takes up a run that is in `output` and not sealed.
    ///
    /// # Errors
    /// When there is no such run, it is sealed, or another master has it.
    pub async fn resume(
        output: &Path,
        run: &str,
        other: OtherMaster,
    ) -> Result<Prepared, MasterError> {
        let missing = |runs| MasterError::NoSuchRun {
            run: run.to_owned(),
            output: output.display().to_string(),
            runs,
        };
        let run: RunId = run.parse().map_err(|_| missing(Vec::new()))?;
        let failed = |source| MasterError::Store {
            run: run.clone(),
            source,
        };
        if !output.is_dir() {
            return Err(missing(Vec::new()));
        }
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(output).map_err(failed)?);
        let Some(spec) = store.read(&layout::spec(&run)).await.map_err(failed)? else {
            let runs = layout::runs(store.as_ref()).await.map_err(failed)?;
            return Err(missing(runs.iter().map(RunId::to_string).collect()));
        };
        let spec = serde_json::from_slice(&spec).map_err(|source| MasterError::Spec {
            run: run.clone(),
            source,
        })?;
        let private = private_folder(output, run.as_str());
        let lock = take_lock(&run, &private, other)?;
        let (log, records) = RunLog::open(store.clone(), run.clone()).await?;
        if let Some(outcome) = log.fold().sealed {
            // The seal's copy may be missing if its master died right after the seal.
            if let Some(seal) = sealed(&records) {
                crate::seal::copy(&run, &store, seal).await?;
            }
            return Err(MasterError::Sealed {
                run,
                outcome: crate::outcome_word(outcome),
            });
        }
        Ok(Prepared {
            run,
            spec,
            resumed: true,
            store,
            log,
            records,
            private,
            _lock: lock,
        })
    }
}

fn sealed(records: &[Record]) -> Option<&store::run_log::Seal> {
    records
        .iter()
        .flat_map(|record| &record.entries)
        .find_map(|entry| match entry {
            store::run_log::Entry::Seal { seal } => Some(seal),
            _ => None,
        })
}

fn take_lock(run: &RunId, private: &Path, other: OtherMaster) -> Result<RunLock, MasterError> {
    let taken = match other {
        OtherMaster::Respect => RunLock::take(private),
        OtherMaster::TakeOver => RunLock::take_over(private),
    };
    let what = || format!("lock run {run}");
    match taken.map_err(|source| MasterError::Machine {
        what: what(),
        source,
    })? {
        Locked::Ours(lock) => Ok(lock),
        Locked::Held(holder) => Err(MasterError::AnotherMaster {
            run: run.clone(),
            process: holder.process,
        }),
    }
}

/// Sorts by age: the time of creation, and a few random letters for runs of the same second.
fn new_run_id(spec: &Spec) -> Result<RunId, MasterError> {
    let digits: String = spec
        .created_at
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let (date, time) = digits.split_at(digits.len().min(8));
    let tail = random_letters().map_err(|source| MasterError::Machine {
        what: "name a new run".to_owned(),
        source,
    })?;
    let name = format!("run-{date}-{time}-{tail}");
    name.parse().map_err(|_| MasterError::Machine {
        what: format!("name a new run ({name})"),
        source: std::io::Error::other("the clock of this machine gives no usable time"),
    })
}

fn random_letters() -> std::io::Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 4];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let letters = b"bcdfghjkmnpqrstvwxz";
    Ok(bytes
        .iter()
        .map(|b| char::from(letters[usize::from(*b) % letters.len()]))
        .collect())
}
