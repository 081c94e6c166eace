//! `dayfly run`: a run from its settings to its summary. This process becomes its master.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

use intake::{Input, InputError, Listed};
use master::spec::{Engine, Spec};
use master::{Ended, MasterError, OtherMaster, Prepared, RunView, StopSignal};
use store::{DirectoryStore, RunId, Store, layout};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::cli::{EngineKind, RunArgs, TableOrJson};
use crate::commands::{plan, summary};
use crate::error::{Failure, resume_command};
use crate::exit::Exit;
use crate::output::{self, note};
use crate::settings::{EngineSettings, Settings, variables};
use crate::{pins, progress};

/// Attempts at a time in each worker: one process for each core is enough parallelism.
const SLOTS: u32 = 1;

/// Runs the command. `began` is when the process did.
///
/// # Errors
/// Whatever keeps the run from beginning or from going on.
pub(crate) fn run(arguments: RunArgs, began: Instant) -> Result<Exit, Failure> {
    let flags = flags(&arguments)?;
    match &arguments.resume {
        Some(run) => resume(&arguments, flags, run, began),
        None => fresh(&arguments, flags, began),
    }
}

/// What is shown while it runs and at its end.
struct Shown {
    output: PathBuf,
    quiet: bool,
    format: TableOrJson,
    began: Instant,
}

fn fresh(arguments: &RunArgs, flags: Settings, began: Instant) -> Result<Exit, Failure> {
    let asked_of_icd10 = flags.engine.terminology.is_some() || flags.engine.cues.is_some();
    let settings = Settings::read(arguments.spec.as_deref(), &variables(), flags)
        .map_err(Failure::usage_because)?;
    let spec = pins::pin(&settings)?;
    if asked_of_icd10 && !matches!(spec.engine, Engine::Icd10 { .. }) {
        return Err(Failure::usage(
            "--terminology and --cues are for the icd10 engine",
        ));
    }
    check_encoding(&spec)?;
    let typed = settings.input.as_deref().unwrap_or(Path::new(&spec.input));
    if let Some(output) = &settings.output {
        pins::require_local(output)?;
        check_apart(Path::new(&spec.input), typed, output)?;
    }
    require_charts(typed)?;
    if arguments.dry_run {
        return plan::print(&spec, typed, arguments.output_format);
    }
    let output = output(&settings)?;
    let shown = Shown::new(arguments, &output, began);
    runtime()?.block_on(async {
        let prepared = Prepared::create(&absolute(&output)?, spec)
            .await
            .map_err(|error| Failure::of_master(error, &output))?;
        let workers = prepared.spec.workers;
        go(prepared, workers, &shown).await
    })
}

fn resume(
    arguments: &RunArgs,
    flags: Settings,
    run: &str,
    began: Instant,
) -> Result<Exit, Failure> {
    // Variables are for new runs; to resume, only what is said now counts.
    let wanted = match &arguments.spec {
        Some(spec) => Settings::read(Some(spec), &variables(), flags),
        None => Ok(flags),
    };
    let mut wanted = wanted.map_err(Failure::usage_because)?;
    let variable = || std::env::var_os("DAYFLY_OUTPUT").map(PathBuf::from);
    wanted.output = wanted.output.or_else(variable);
    let output = output(&wanted)?;
    pins::require_local(&output)?;
    let folder = absolute(&output)?;
    let shown = Shown::new(arguments, &output, began);
    let master_failure = |error| Failure::of_master(error, &output);
    runtime()?.block_on(async {
        let other = match arguments.take_over {
            true => OtherMaster::TakeOver,
            false => OtherMaster::Respect,
        };
        if arguments.take_over
            && let Some(pinned) = pinned_spec(&folder, run).await?
        {
            // A living master is not ended for a resume that would be refused.
            same_way_of_coding(run, &pinned, &wanted).map_err(|f| f.or_master(&output))?;
        }
        let prepared = Prepared::resume(&folder, run, other)
            .await
            .map_err(master_failure)?;
        let now = same_way_of_coding(prepared.run.as_str(), &prepared.spec, &wanted)
            .map_err(|f| f.or_master(&output))?;
        go(prepared, now.workers, &shown).await
    })
}

/// Runs a prepared run with `workers`, and shows how it goes and how it ended.
async fn go(prepared: Prepared, workers: u32, shown: &Shown) -> Result<Exit, Failure> {
    let run = prepared.run.clone();
    let master_of = match prepared.resumed {
        true => summary::MasterOf::Rest,
        false => summary::MasterOf::All,
    };
    let failed = |error| Failure::of_run(error, run.as_str(), &shown.output);
    let machine = |what: &str| {
        let what = what.to_owned();
        move |source| MasterError::Machine { what, source }
    };
    let worker_program = std::fs::read_link("/proc/self/exe")
        .or_else(|_| std::env::current_exe())
        .map_err(machine("find this program's own file"))
        .map_err(failed)?;
    let folder = shown.output.canonicalize();
    let options = master::Options {
        worker_program,
        workers,
        slots: SLOTS,
        began: shown.began,
        person: person(),
        output: folder
            .map_err(machine("resolve the output folder"))
            .map_err(failed)?,
    };
    let (stop, signals) = mpsc::channel(1);
    let listening = Signals::listen()
        .map_err(machine("listen to signals"))
        .map_err(failed)?;
    let listening = tokio::spawn(listening.pass_on(stop, run.clone()));
    let (view, views) = watch::channel(RunView::default());
    let progress = (!shown.quiet).then(|| tokio::spawn(progress::show(views)));
    let ended = Box::pin(master::run(prepared, options, signals, view)).await;
    if let Some(progress) = progress {
        // It ends with the views; a panic in it must not hide how the run ended.
        let _ = progress.await;
    }
    listening.abort();
    let summary = ended.map_err(failed)?;
    match shown.format {
        TableOrJson::Json => output::print_json(&summary::Json::new(&summary, &shown.output))?,
        TableOrJson::Table => {
            output::print_text(&summary::for_people(&summary, master_of, &shown.output).await)?;
        }
    }
    let resume = resume_command(run.as_str(), &shown.output);
    match summary.ended {
        Ended::Sealed(outcome) => Ok(Exit::of_outcome(outcome)),
        Ended::Suspended => {
            // A person at the terminal has just read it in the summary.
            if shown.format == TableOrJson::Json || !std::io::stdout().is_terminal() {
                note(format_args!("suspended; to go on: {resume}"));
            }
            Ok(Exit::Suspended)
        }
        Ended::Failed(reason) => Err(Failure::failed(format_args!("run {run} failed: {reason}"))
            .hint(format!("to go on once this is mended: {resume}"))),
    }
}

impl Shown {
    fn new(arguments: &RunArgs, output: &Path, began: Instant) -> Shown {
        Shown {
            output: output.to_owned(),
            quiet: arguments.quiet,
            format: arguments.output_format,
            began,
        }
    }
}

/// What ends a run early from outside.
struct Signals([Option<Signal>; 3]);

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        let hangup = match ignores_hangup() {
            // Started with `nohup`: it stays that way.
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Signals([Some(interrupt), Some(terminate), hangup]))
    }

    /// The first suspends the run, the second ends this process at once; its workers end by
    /// themselves.
    async fn pass_on(mut self, stop: mpsc::Sender<StopSignal>, run: RunId) {
        self.next().await;
        note(format_args!(
            "suspending {run}: workers finish or give back what they hold; \
             press Ctrl-C again to stop at once"
        ));
        let _ = stop.send(StopSignal::Suspend).await;
        self.next().await;
        progress::end();
        note(format_args!("stopped at once; {run} can be resumed"));
        // Asked for twice, and nothing is lost by it.
        std::process::exit(Exit::Suspended.code().into());
    }

    async fn next(&mut self) {
        async fn one(signal: &mut Option<Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        let [a, b, c] = &mut self.0;
        tokio::select! {
            () = one(a) => {}
            () = one(b) => {}
            () = one(c) => {}
        }
    }
}

/// Whether whoever started this process wants it to survive the end of the terminal.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1: the lowest bit.
    mask.is_some_and(|mask| mask & 1 != 0)
}

fn flags(arguments: &RunArgs) -> Result<Settings, Failure> {
    let words = arguments.command.iter().cloned().map(OsString::into_string);
    let command = words
        .collect::<Result<Vec<String>, OsString>>()
        .map_err(|word| Failure::usage(format_args!("the command's word {word:?} is not UTF-8")))?;
    let command = (!command.is_empty()).then_some(command);
    let kind = match (arguments.engine, &command) {
        (Some(kind), Some(_)) if kind != EngineKind::Exec => {
            return Err(Failure::usage(format_args!(
                "a command is for the exec engine, not for --engine {}",
                kind.as_str()
            )));
        }
        (Some(kind), _) => Some(kind),
        (None, Some(_)) => Some(EngineKind::Exec),
        (None, None) => None,
    };
    Ok(Settings {
        input: arguments.input.clone(),
        output: arguments.output.clone(),
        workers: arguments.workers,
        engine: EngineSettings {
            kind: kind.map(|kind| kind.as_str().to_owned()),
            command,
            terminology: arguments.terminology.clone(),
            cues: arguments.cues.clone(),
            ..EngineSettings::default()
        },
        ..Settings::default()
    })
}

fn output(settings: &Settings) -> Result<PathBuf, Failure> {
    settings
        .output
        .clone()
        .ok_or_else(|| Failure::usage("there is no output: --output says where the results go"))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(Failure::usage_because)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.enable_all().build()?)
}

/// The name in the admin's certificate: for the audit trail, not a right.
fn person() -> String {
    let name = ["USER", "LOGNAME"].into_iter().find_map(|variable| {
        std::env::var(variable)
            .ok()
            .filter(|name| !name.is_empty() && name.len() <= 256)
    });
    name.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()))
}

fn check_encoding(spec: &Spec) -> Result<(), Failure> {
    intake::ReadOptions::default()
        .with_encoding(&spec.reading.encoding)
        .map(drop)
        .map_err(Failure::usage_because)
}

/// Refuses an output that the next run over the same input would take for charts.
fn check_apart(input: &Path, typed: &Path, output: &Path) -> Result<(), Failure> {
    if input.is_dir() && resolved(output).starts_with(input) {
        return Err(Failure::usage(format_args!(
            "output {output:?} is inside of input {typed:?}"
        ))
        .hint("choose an output folder beside it"));
    }
    Ok(())
}

/// Where a path that need not exist will be: what exists of it is resolved.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for above in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (above.canonicalize(), absolute.strip_prefix(above)) {
            return real.join(rest);
        }
    }
    absolute
}

/// Looks for a first chart file, so that nothing is created for an input without any.
fn require_charts(typed: &Path) -> Result<(), Failure> {
    let mut skipped = 0;
    for listed in Input::open(typed)?.list(None) {
        match listed {
            Listed::Object(_) => return Ok(()),
            Listed::Skipped(_) => skipped += 1,
            Listed::Trouble(_) => {}
        }
    }
    let path = typed.to_owned();
    Err(InputError::Empty { path, skipped }.into())
}

/// The spec of a run that is there and not sealed.
async fn pinned_spec(folder: &Path, run: &str) -> Result<Option<Spec>, Failure> {
    let (Ok(run), true) = (run.parse::<RunId>(), folder.is_dir()) else {
        return Ok(None);
    };
    let store = DirectoryStore::open_to_read(folder)?;
    if store.exists(&layout::seal(&run)).await? {
        return Ok(None);
    }
    let spec = store.read(&layout::spec(&run)).await?;
    // A spec that cannot be understood is refused by whoever takes up the run.
    Ok(spec.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Why a run cannot be resumed as asked.
enum NotTheSame {
    Cannot(Failure),
    Differs(MasterError),
}

impl NotTheSame {
    fn or_master(self, output: &Path) -> Failure {
        match self {
            NotTheSame::Cannot(failure) => failure,
            NotTheSame::Differs(error) => Failure::of_master(error, output),
        }
    }
}

/// Pins anew what the run pins, with what is wanted now laid over it, and refuses any
/// difference that would change results. Returns the spec as of now.
fn same_way_of_coding(run: &str, pinned: &Spec, wanted: &Settings) -> Result<Spec, NotTheSame> {
    let wanted = wanted.clone().over(pins::settings_of(pinned));
    let now = pins::pin(&wanted).map_err(|failure| {
        NotTheSame::Cannot(failure.context(format!("run {run} cannot go on as it began")))
    })?;
    match (pinned.difference(&now), run.parse()) {
        (Some(difference), Ok(run)) => Err(NotTheSame::Differs(MasterError::Differs {
            run,
            what: difference.what,
            pinned: difference.pinned,
            wanted: difference.wanted,
        })),
        _ => Ok(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_below_the_input_is_found_through_links_and_dots() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let charts = root.join("charts");
        std::fs::create_dir(&charts).unwrap();
        std::os::unix::fs::symlink(&charts, root.join("link")).unwrap();
        for (output, refused) in [
            ("charts", true),
            ("charts/out/new", true),
            ("link/out", true),
            ("charts2", false),
            ("out", false),
        ] {
            let checked = check_apart(&charts, &charts, &root.join(output));
            assert_eq!(checked.is_err(), refused, "{output}");
        }
    }
}
