//! Nothing of an engine outlives its worker, or its own failure.
//!
//! The program here ignores the end of its input and every signal that can be ignored, has a
//! child, and has a daemon in another session that is nobody's child.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use worker::engine::EngineFailure;

use crate::stage::{Watched, codes, engine, program, settings, wait_for};

/// The command of the stubborn program, which notes its processes in `pids`.
pub(crate) fn stubborn(pids: &Path) -> Vec<OsString> {
    let script = r#"trap "" TERM HUP INT; exec "$@""#;
    let ignoring = ["sh", "-c", script, "sh"].map(OsString::from);
    ignoring
        .into_iter()
        .chain(program(&["stubborn", pids.to_str().unwrap()]))
        .collect()
}

pub(crate) fn all_is_gone_after_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let mut settings = settings(stubborn(&pids));
    settings.limits.chart = Duration::from_millis(100);
    let mut engine = engine(settings);
    codes(&mut engine, "c", "J45").unwrap();
    let watched = Watched::of(&pids);
    let failure = codes(&mut engine, "c", "hang").unwrap_err();
    assert!(
        matches!(failure, EngineFailure::TimedOut { .. }),
        "{failure:?}"
    );
    watched.assert_gone_already();
}

pub(crate) fn all_is_gone_when_a_slot_ends() {
    let directory = tempfile::tempdir().unwrap();
    for finish in [false, true] {
        let pids = directory.path().join(format!("pids-{finish}"));
        let mut engine = engine(settings(stubborn(&pids)));
        codes(&mut engine, "c", "J45").unwrap();
        let watched = Watched::of(&pids);
        if finish {
            engine.finish()
        } else {
            drop(engine)
        }
        watched.assert_gone_already();
    }
}

pub(crate) fn all_is_gone_when_the_worker_is_killed() {
    for text in ["hang", ""] {
        let mut worker = DoomedWorker::start();
        worker.code("J45");
        assert_eq!(worker.result(), "[\"J45\"]");
        let watched = Watched::of(&worker.pids);
        if !text.is_empty() {
            // The program may or may not have the chart yet: both are to be tried.
            worker.code(text);
        }
        worker.process.kill().unwrap();
        worker.process.wait().unwrap();
        watched.assert_gone();
    }
}

pub(crate) fn all_is_gone_when_the_guard_is_killed() {
    let mut worker = DoomedWorker::start();
    worker.code("J45");
    assert_eq!(worker.result(), "[\"J45\"]");
    let watched = Watched::of(&worker.pids);
    worker.code("hang");
    wait_for(&worker.pids.with_extension("hangs"));
    kill_process(watched.pid("guard"), Signal::KILL).unwrap();
    assert_eq!(worker.result(), "Died { exit: Signal(9) }");
    watched.assert_gone_already();

    // And the slot goes on.
    std::fs::remove_file(&worker.pids).unwrap();
    worker.code("J46");
    assert_eq!(worker.result(), "[\"J46\"]");
    let watched = Watched::of(&worker.pids);
    worker.process.kill().unwrap();
    worker.process.wait().unwrap();
    watched.assert_gone();
}

pub(crate) fn a_program_dies_with_its_guard_also_where_nobody_reaps() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let mut engine = engine(settings(stubborn(&pids)));
    codes(&mut engine, "c", "J45").unwrap();
    let watched = Watched::of(&pids);
    kill_process(watched.pid("guard"), Signal::KILL).unwrap();
    watched.assert_gone_soon("program");
    // What it had started is nobody's now: this process watches over no orphans.
    for orphan in ["escaped", "sibling"] {
        kill_process(watched.pid(orphan), Signal::KILL).unwrap();
    }
    watched.assert_gone();
}

/// A worker process with one slot: see [`crate::doomed`].
struct DoomedWorker {
    process: Child,
    results: BufReader<std::process::ChildStdout>,
    pids: PathBuf,
    _directory: tempfile::TempDir,
}

impl DoomedWorker {
    fn start() -> DoomedWorker {
        let directory = tempfile::tempdir().unwrap();
        let pids = directory.path().join("pids");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg("doomed")
            .arg(&pids)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let results = BufReader::new(process.stdout.take().unwrap());
        DoomedWorker {
            process,
            results,
            pids,
            _directory: directory,
        }
    }

    fn code(&mut self, text: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{text}").unwrap();
    }

    fn result(&mut self) -> String {
        let mut line = String::new();
        self.results.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}
