//! Why a master could not do its work. The chain is printed once, by the program.

use store::RunId;

/// What ends a master before its run has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterError {
    /// Exit 5.
    #[error("another master has run {run}{}", .process.map(|p| format!(" (process {p})")).unwrap_or_default())]
    AnotherMaster {
        /// The run.
        run: RunId,
        /// Who, on this machine.
        process: Option<i32>,
    },
    /// Exit 2.
    #[error("there is no run {run} in {output}{}", hint(.runs))]
    NoSuchRun {
        /// What was asked for.
        run: String,
        /// Where.
        output: String,
        /// What is there.
        runs: Vec<String>,
    },
    /// Exit 2.
    #[error("run {run} is sealed ({outcome}): there is nothing to resume")]
    Sealed {
        /// The run.
        run: RunId,
        /// How it ended.
        outcome: &'static str,
    },
    /// Exit 2.
    #[error(
        "run {run} cannot go on with another {what}: it pins {pinned:?}, and this is {wanted:?}"
    )]
    Differs {
        /// The run.
        run: RunId,
        /// In what.
        what: &'static str,
        /// What the run pins.
        pinned: String,
        /// What was asked for.
        wanted: String,
    },
    /// The store failed.
    #[error("the store of run {run}")]
    Store {
        /// The run.
        run: RunId,
        /// How.
        #[source]
        source: store::StoreError,
    },
    /// The run log failed.
    #[error(transparent)]
    Log(#[from] store::run_log::LogError),
    /// An object of the run cannot be read or made.
    #[error(transparent)]
    Results(#[from] results::ResultsError),
    /// The spec in the store is not one that this program understands.
    #[error("the spec of run {run} cannot be read by this version ({version})", version = env!("CARGO_PKG_VERSION"))]
    Spec {
        /// The run.
        run: RunId,
        /// How.
        #[source]
        source: serde_json::Error,
    },
    /// The input is missing, empty or unreadable: exit 2.
    #[error(transparent)]
    Input(#[from] intake::InputError),
    /// The reading options are wrong: exit 2.
    #[error(transparent)]
    Reading(#[from] intake::OptionsError),
    /// Certificates could not be made.
    #[error("make the certificates of run {run}")]
    Identity {
        /// The run.
        run: RunId,
        /// How.
        #[source]
        source: identity::IdentityError,
    },
    /// Processes of an earlier master could not be ended.
    #[error(transparent)]
    Fleet(#[from] fleet::FleetError),
    /// The operating system refused something of this machine.
    #[error("{what}")]
    Machine {
        /// The operation and its object.
        what: String,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// A bug: two parts of the program disagree.
    #[error("internal error in run {run}: {what}; please report it")]
    Bug {
        /// The run.
        run: RunId,
        /// Which parts, about what.
        what: String,
    },
}

impl MasterError {
    /// Whether the disk of the store is full: the results so far are safe, and the run can be
    /// resumed once there is room.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = source {
            if let Some(store) = error.downcast_ref::<store::StoreError>() {
                return store.is_disk_full();
            }
            source = error.source();
        }
        false
    }
}

fn hint(runs: &[String]) -> String {
    match runs {
        [] => " (it holds no runs)".to_owned(),
        [.., newest] if runs.len() > 5 => {
            format!(" (it holds {} runs, the newest {newest})", runs.len())
        }
        some => format!(" (it holds {})", some.join(", ")),
    }
}
