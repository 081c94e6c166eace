//! The command line: definitions alone.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Codes a batch of medical charts with a master and workers, on this machine.
///
/// Data goes to stdout, everything else to stderr. Exit codes: 0 complete, 1 failed, 2 usage or
/// configuration, 3 partial (charts quarantined or not reached), 4 aborted, 5 another master has
/// the run, 6 suspended (resumable).
#[derive(Debug, Parser)]
#[command(
    name = "dayfly",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Code a directory of charts (or one chart file), or go on with a run
    Run(Box<RunArgs>),
    /// List the runs of an output folder, oldest first
    Runs(RunsArgs),
    /// Show how far a run is, or how it ended
    Status(LookArgs),
    /// Follow a run until it ends, one line a change; exits as the run does
    Watch(WatchArgs),
    /// List the workers of a run
    Workers(LookArgs),
    /// List the shards of a run
    Shards(ShardsArgs),
    /// End leasing now; what is leased ends or is given back, then the run is sealed
    Drain(OrderArgs),
    /// Stop a run at once and seal it as aborted
    Abort(OrderArgs),
    /// Code charts here and now, from files or from stdin, and show what was found where
    Code(CodeArgs),
    /// Tell the assertion of spans that another system found (JSON lines on stdin)
    Assert(AssertArgs),
    /// Terminologies: the codes and the terms that lead to them
    #[command(subcommand)]
    Terminology(TerminologyCommand),
    /// A worker process, started by its master
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// `dayfly run`
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A spec: the settings below, and more, as TOML
    pub(crate) spec: Option<PathBuf>,
    /// The charts: a directory, or one .txt, .jsonl, .jsonl.gz, .jsonl.zst or .csv file
    #[arg(long, value_name = "DIR")]
    pub(crate) input: Option<PathBuf>,
    /// Where the results go; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Worker processes [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<u32>,
    /// What codes the charts [default: icd10, or exec where a COMMAND is given]
    #[arg(long)]
    pub(crate) engine: Option<EngineKind>,
    /// A terminology file instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) terminology: Option<PathBuf>,
    /// A table of further assertion cues
    #[arg(long, value_name = "FILE")]
    pub(crate) cues: Option<PathBuf>,
    /// Go on with a run that was suspended or cut off
    #[arg(long, value_name = "RUN")]
    pub(crate) resume: Option<String>,
    /// With --resume: end the master that has the run first
    #[arg(long, requires = "resume")]
    pub(crate) take_over: bool,
    /// Print the plan; start nothing, create nothing
    #[arg(long, conflicts_with = "resume")]
    pub(crate) dry_run: bool,
    /// No progress on stderr
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// How the summary is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: TableOrJson,
    /// The engine's program and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Engines that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineKind {
    /// The built-in ICD-10-CM coder
    Icd10,
    /// A program of yours
    Exec,
    /// Finds nothing: for measuring everything else
    #[value(hide = true)]
    Noop,
}

/// Which run of which output folder.
#[derive(Debug, Args)]
pub(crate) struct RunChoice {
    /// The run [default: the newest]
    pub(crate) run: Option<String>,
    /// The output folder of the run [default: $DAYFLY_OUTPUT]
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// `dayfly runs`
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The output folder of the runs [default: $DAYFLY_OUTPUT]
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// How the list is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: Format,
}

/// `dayfly status`, `dayfly workers`
#[derive(Debug, Args)]
pub(crate) struct LookArgs {
    /// Which run.
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: Format,
}

/// `dayfly watch`
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Which run.
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// How changes are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: TableOrJsonl,
}

/// `dayfly shards`
#[derive(Debug, Args)]
pub(crate) struct ShardsArgs {
    /// Which run.
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// Only those in this state
    #[arg(long)]
    pub(crate) state: Option<ShardState>,
    /// Only the first so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// How the list is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: Format,
}

/// States of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShardState {
    /// Waits for a worker
    Pending,
    /// At work, or queued at a worker
    Leased,
    /// Ended with rows
    Committed,
    /// Ended by being cut in two
    Split,
    /// Ended by being given up
    Quarantined,
}

/// `dayfly drain`, `dayfly abort`
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// Which run.
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// How the answer is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: TableOrJson,
}

/// Which coder.
#[derive(Debug, Args)]
pub(crate) struct CoderArgs {
    /// A terminology file instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) terminology: Option<PathBuf>,
    /// A table of further assertion cues
    #[arg(long, value_name = "FILE")]
    pub(crate) cues: Option<PathBuf>,
}

/// `dayfly code`
#[derive(Debug, Args)]
pub(crate) struct CodeArgs {
    /// Chart files or directories of them; none, or -, is one chart of plain text on stdin
    pub(crate) files: Vec<PathBuf>,
    /// Which coder.
    #[command(flatten)]
    pub(crate) coder: CoderArgs,
    /// The encoding of the charts
    #[arg(long, default_value = "utf-8")]
    pub(crate) encoding: String,
    /// Show how the coder came to each finding
    #[arg(long)]
    pub(crate) explain: bool,
    /// For people, or one finding a line
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: TableOrJsonl,
}

/// `dayfly assert`
#[derive(Debug, Args)]
pub(crate) struct AssertArgs {
    /// Which coder.
    #[command(flatten)]
    pub(crate) coder: CoderArgs,
}

/// `dayfly terminology …`
#[derive(Debug, Subcommand)]
pub(crate) enum TerminologyCommand {
    /// Build one terminology file from the official ICD-10-CM release files
    Build(Box<BuildArgs>),
    /// Say what a terminology file holds
    Show(ShowArgs),
}

/// `dayfly terminology build`
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The name the terminology will carry, as in icd10cm-fy2026-04; its date tells from when it holds
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// icd10cm-tabular-*.xml (.gz)
    #[arg(long, value_name = "FILE")]
    pub(crate) tabular: PathBuf,
    /// The code list: icd10cm-codes-*.txt (.gz), one code a line
    #[arg(long, value_name = "FILE")]
    pub(crate) code_list: PathBuf,
    /// icd10cm-neoplasm-*.xml (.gz)
    #[arg(long, value_name = "FILE")]
    pub(crate) neoplasm: Option<PathBuf>,
    /// icd10cm-drug-*.xml (.gz)
    #[arg(long, value_name = "FILE")]
    pub(crate) drug: Option<PathBuf>,
    /// icd10cm-eindex-*.xml (.gz), the index of external causes
    #[arg(long, value_name = "FILE")]
    pub(crate) external: Option<PathBuf>,
    /// icd10cm-index-*.xml (.gz), the main Alphabetic Index
    #[arg(long, value_name = "FILE")]
    pub(crate) index: Option<PathBuf>,
    /// Synonyms of the Human Disease Ontology, JSON with synonym_to_icd10cm (.gz)
    #[arg(long, value_name = "FILE")]
    pub(crate) disease_ontology: Option<PathBuf>,
    /// A synonym table of yours, the most trusted first: term, code, source, tab-separated
    #[arg(long, value_name = "FILE")]
    pub(crate) synonyms: Vec<PathBuf>,
    /// Leave out the synonyms that this program carries
    #[arg(long)]
    pub(crate) no_own_synonyms: bool,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How the report is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: TableOrJson,
}

/// `dayfly terminology show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The file [default: the built-in terminology]
    pub(crate) file: Option<PathBuf>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output_format: TableOrJson,
}

/// `dayfly worker`: what a master gives the processes that it starts.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The run.
    #[arg(long)]
    pub(crate) run: String,
    /// Its own name.
    #[arg(long)]
    pub(crate) instance: String,
    /// Attempts at a time.
    #[arg(long)]
    pub(crate) slots: u32,
    /// A private folder.
    #[arg(long)]
    pub(crate) runtime_dir: Option<PathBuf>,
}

/// Every way of printing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One document
    Json,
    /// One object a line
    Jsonl,
    /// With a header
    Csv,
}

/// Where there is one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableOrJson {
    /// For people
    Table,
    /// One object
    Json,
}

/// Where there is a stream of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableOrJsonl {
    /// For people
    Table,
    /// One object a line
    Jsonl,
}

impl From<WorkerArgs> for worker::command::WorkerArguments {
    fn from(arguments: WorkerArgs) -> Self {
        Self {
            run: arguments.run,
            instance: arguments.instance,
            slots: arguments.slots,
            runtime_dir: arguments.runtime_dir,
        }
    }
}

impl EngineKind {
    /// As in a spec.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            EngineKind::Icd10 => "icd10",
            EngineKind::Exec => "exec",
            EngineKind::Noop => "noop",
        }
    }
}

impl ShardState {
    /// As on the wire and in JSON.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ShardState::Pending => "pending",
            ShardState::Leased => "leased",
            ShardState::Committed => "committed",
            ShardState::Split => "split",
            ShardState::Quarantined => "quarantined",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definitions_agree_with_themselves() {
        super::Cli::command().debug_assert();
    }
}
