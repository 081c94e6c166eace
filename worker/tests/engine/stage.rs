//! What the tests share: engines, charts, processes, the log.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use results::EndingWriter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use worker::engine::exec::{Answer, ExecEngine, ExecSettings, Limits};
use worker::engine::{Cancel, ChartText, EngineBreaker, EngineFailure};

/// Far more than anything here takes on a loaded machine.
pub(crate) const GENEROUS: Duration = Duration::from_secs(120);

/// The command of one of the programs of this test.
pub(crate) fn program(args: &[&str]) -> Vec<OsString> {
    let own = std::env::current_exe().unwrap().into_os_string();
    [own, "program".into()]
        .into_iter()
        .chain(args.iter().map(OsString::from))
        .collect()
}

pub(crate) fn settings(command: Vec<OsString>) -> ExecSettings {
    let limits = Limits {
        chart: GENEROUS,
        start: GENEROUS,
        answer_bytes: 16 * 1024 * 1024,
    };
    ExecSettings {
        command,
        label: "exec".into(),
        limits,
        stderr_directory: None,
    }
}

pub(crate) fn engine(settings: ExecSettings) -> ExecEngine {
    let breaker = Arc::new(Mutex::new(EngineBreaker::default()));
    ExecEngine::new(settings, 0, breaker, Arc::new(Cancel::new().unwrap()))
}

pub(crate) fn chart<'a>(id: &'a str, text: &'a str) -> ChartText<'a> {
    ChartText {
        id,
        text,
        meta: None,
    }
}

/// The codes of the answer to a chart.
pub(crate) fn codes(
    engine: &mut ExecEngine,
    id: &str,
    text: &str,
) -> Result<Vec<String>, EngineFailure> {
    match engine.answer(&chart(id, text))? {
        Answer::Findings { findings, .. } => {
            Ok(findings.into_iter().map(|finding| finding.code).collect())
        }
        Answer::Verbatim(_) => panic!("findings were expected"),
    }
}

/// The rows that `fill` writes.
pub(crate) fn rows(
    charts: u64,
    quarantined: u64,
    fill: impl FnOnce(&mut EndingWriter),
) -> Vec<results::Row> {
    let mut writer = EndingWriter::new().unwrap();
    fill(&mut writer);
    let meta = results::EndingMeta {
        run: "night-07".parse().unwrap(),
        shard: 0,
        kind: results::EndingKind::Committed,
        master_epoch: 0,
        lease: 1,
        worker: "w1".into(),
        charts,
        charts_quarantined: quarantined,
        findings: writer.findings(),
        reason: None,
        verdict: None,
        children: None,
    };
    let file = writer.finish(&meta).unwrap();
    results::read_rows("the ending", file)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Waits until another process has made `file`.
pub(crate) fn wait_for(file: &Path) {
    wait_until("a file", || file.exists());
}

/// Waits for what another process or thread is about to do.
pub(crate) fn wait_until(what: &str, come: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !come() {
        assert!(begun.elapsed() < GENEROUS, "{what} never came");
        std::thread::yield_now();
    }
}

/// Running processes by name, held so that no other process can be taken for them.
pub(crate) struct Watched(BTreeMap<String, (Pid, OwnedFd)>);

impl Watched {
    /// Those of a `stubborn` program that has answered a chart.
    pub(crate) fn of(pids: &Path) -> Watched {
        let text = std::fs::read_to_string(pids).unwrap();
        let watch = |line: &str| {
            let (name, pid) = line.split_once(' ').unwrap();
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            (
                name.to_owned(),
                (pid, pidfd_open(pid, PidfdFlags::empty()).unwrap()),
            )
        };
        let watched = Watched(text.lines().map(watch).collect());
        let names: Vec<&str> = watched.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["escaped", "guard", "program", "sibling"]);
        for (name, process) in &watched.0 {
            assert!(
                !has_ended(&process.1, Duration::ZERO),
                "{name} has ended too early"
            );
        }
        watched
    }

    pub(crate) fn pid(&self, name: &str) -> Pid {
        self.0[name].0
    }

    pub(crate) fn assert_gone(&self) {
        for (name, process) in &self.0 {
            assert!(has_ended(&process.1, GENEROUS), "{name} is still alive");
        }
    }

    pub(crate) fn assert_gone_soon(&self, name: &str) {
        assert!(
            has_ended(&self.0[name].1, GENEROUS),
            "{name} is still alive"
        );
    }

    pub(crate) fn assert_gone_already(&self) {
        for (name, process) in &self.0 {
            assert!(
                has_ended(&process.1, Duration::ZERO),
                "{name} is still alive"
            );
        }
    }
}

fn has_ended(process: &OwnedFd, within: Duration) -> bool {
    let within = Timespec::try_from(within).unwrap();
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&within)).unwrap() > 0
}

static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Keep;

impl log::Log for Keep {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut logged = LOGGED.lock().unwrap();
        logged.push_str(&format!(
            "{} {}: {}\n",
            record.level(),
            record.target(),
            record.args()
        ));
    }

    fn flush(&self) {}
}

/// From here on [`logged`] has what is logged.
pub(crate) fn keep_log() {
    log::set_logger(&Keep).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
}

pub(crate) fn logged() -> String {
    LOGGED.lock().unwrap().clone()
}
