//! The user's own program as an engine: one process per slot, one chart a line in, one answer
//! a line out.
//!
//! ```text
//! {"id":"notes/17.txt","text":"…"}                          to its stdin
//! {"id":"notes/17.txt","findings":[{"code":"J45.909"}]}     from its stdout
//! ```
//!
//! The program is started for the first chart and lives until it fails or the slot ends. What
//! its failure costs is the chart at hand: it is tried again, and quarantined at its third
//! failure. A program that ends between two charts is started again and blames nobody. What it
//! writes on stderr is counted in the log, not shown: it may hold chart text.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use results::EndingWriter;
use serde::Serialize;

pub use super::answer::{Answer, ExecFinding};
use super::breaker::{EngineBreaker, Next, Retry, chain};
use super::co_process::{CoProcess, NoLine};
use super::guard::CANNOT_START;
use super::stderr::StderrLog;
use super::{Cancel, ChartEnd, ChartText, Engine, EngineError, EngineFailure};

/// Buffers that one large chart has grown are given back.
const KEPT_BUFFER: usize = 1024 * 1024;

/// What to run, and how long to be patient with it.
#[derive(Clone)]
pub struct ExecSettings {
    /// The program, looked up in `PATH`, and its arguments.
    pub command: Vec<OsString>,
    /// For the `engine` column of its rows.
    pub label: String,
    pub limits: Limits,
    /// Where its stderr is kept: the worker's private runtime directory. Nowhere if `None`.
    pub stderr_directory: Option<PathBuf>,
}

/// How much time and room an answer may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// From sending a chart to the end of its answer.
    pub chart: Duration,
    /// More for the first chart of a process, which also waits for it to load its models.
    pub start: Duration,
    /// The longest line of an answer, in bytes.
    pub answer_bytes: usize,
}

/// The program of one slot. Owned by one thread; the program ends when this is dropped.
pub struct ExecEngine {
    settings: ExecSettings,
    cancel: Arc<Cancel>,
    breaker: Arc<Mutex<EngineBreaker>>,
    process: Option<CoProcess>,
    stderr: StderrLog,
    request: Vec<u8>,
    answer: Vec<u8>,
}

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    text: &'a str,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            chart: Duration::from_secs(300),
            start: Duration::from_secs(120),
            answer_bytes: 16 * 1024 * 1024,
        }
    }
}

impl ExecSettings {
    /// The name of the program without its folder, for messages.
    pub fn program(&self) -> String {
        let program = self
            .command
            .first()
            .map(Path::new)
            .and_then(Path::file_name);
        program.unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl ExecEngine {
    /// The engine of slot number `slot`. All slots of a worker share one `breaker`; `cancel`
    /// interrupts this slot. Starts nothing yet.
    pub fn new(
        settings: ExecSettings,
        slot: usize,
        breaker: Arc<Mutex<EngineBreaker>>,
        cancel: Arc<Cancel>,
    ) -> ExecEngine {
        ExecEngine {
            stderr: StderrLog::new(settings.stderr_directory.as_deref(), slot),
            settings,
            cancel,
            breaker,
            process: None,
            request: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// Asks the program for the answer to one chart, once. After a failure the program and all
    /// that it started are gone; the next chart starts it anew.
    pub fn answer(&mut self, chart: &ChartText<'_>) -> Result<Answer, EngineFailure> {
        if self.cancel.is_cancelled() {
            return Err(EngineFailure::Cancelled);
        }
        self.request.clear();
        let request = Request {
            id: chart.id,
            text: chart.text,
        };
        serde_json::to_writer(&mut self.request, &request)
            .expect("strings in memory are always written");
        self.request.push(b'\n');
        self.answer.clear();
        let result = self.ask(chart);
        if result.is_err() {
            self.process = None;
        }
        self.request.shrink_to(KEPT_BUFFER);
        self.answer.shrink_to(KEPT_BUFFER);
        result
    }

    /// Lets the program end by itself, with its input closed, for a moment; then ends it.
    pub fn finish(mut self) {
        if let Some(process) = self.process.take() {
            process.finish();
        }
    }

    fn ask(&mut self, chart: &ChartText<'_>) -> Result<Answer, EngineFailure> {
        // What it says or does between two charts is not the fault of either.
        if self
            .process
            .as_ref()
            .is_some_and(|process| !process.is_waiting())
        {
            log::info!(target: "engine", "{} ended between two charts", self.settings.program());
            self.process = None;
        }
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.start()?,
        };
        let limits = self.settings.limits;
        let cap = limits.answer_bytes;
        let first = if process.has_answered {
            Duration::ZERO
        } else {
            limits.start
        };
        let limit = limits.chart.saturating_add(first);
        let said = process.exchange(&self.request, &mut self.answer, limit, cap, &self.cancel);
        if let Some(cause) = self.answer.strip_prefix(CANNOT_START) {
            return Err(self.cannot_start(errno(cause)));
        }
        said.map_err(|cause| match cause {
            NoLine::Ended => EngineFailure::Died {
                exit: process.end(),
            },
            NoLine::TimedOut => EngineFailure::TimedOut { limit },
            NoLine::TooLong => EngineFailure::AnswerTooLong { cap },
            NoLine::TooMany => EngineFailure::TooManyLines,
            NoLine::Cancelled => EngineFailure::Cancelled,
        })?;
        let answer = Answer::read(&self.answer, chart.id, chart.text)?;
        self.process = Some(process);
        Ok(answer)
    }

    fn start(&self) -> Result<CoProcess, EngineFailure> {
        let started = CoProcess::start(&self.settings.command);
        let (process, stderr) = started.map_err(|source| self.cannot_start(source))?;
        if let Some(stderr) = stderr {
            self.stderr
                .follow(stderr)
                .map_err(|source| self.cannot_start(source))?;
        }
        log::debug!(target: "engine", "started {}", self.settings.program());
        Ok(process)
    }

    fn cannot_start(&self, source: io::Error) -> EngineFailure {
        EngineFailure::CannotStart {
            program: self.settings.program(),
            source,
        }
    }

    /// Answers until there is one, or the chart is to be quarantined for the returned reason.
    fn answer_or_reason(
        &mut self,
        chart: &ChartText<'_>,
    ) -> Result<Result<Answer, String>, EngineError> {
        let mut retry = Retry::default();
        loop {
            let failure = match self.answer(chart) {
                Ok(answer) => {
                    self.breaker
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .answered();
                    return Ok(Ok(answer));
                }
                Err(EngineFailure::Cancelled) => return Err(EngineError::Cancelled),
                Err(failure) => failure,
            };
            let next = retry.failed();
            let program = self.settings.program();
            log::warn!(
                target: "engine",
                "{program} failed on a chart, try {}: {}", retry.deaths(), chain(&failure),
            );
            let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            breaker
                .failed(&program, &failure, next)
                .map_err(EngineError::Broken)?;
            if next == Next::Quarantine {
                let (times, last) = (retry.deaths(), chain(&failure));
                return Ok(Err(format!(
                    "the engine failed {times} times, at last: {last}"
                )));
            }
        }
    }
}

impl Engine for ExecEngine {
    fn code(
        &mut self,
        chart: &ChartText<'_>,
        out: &mut EndingWriter,
    ) -> Result<ChartEnd, EngineError> {
        let answer = match self.answer_or_reason(chart)? {
            Ok(answer) => answer,
            Err(reason) => {
                out.quarantined(chart.row(), &reason)?;
                return Ok(ChartEnd::Quarantined);
            }
        };
        let by = results::Finding {
            engine: Some(&self.settings.label),
            ..results::Finding::default()
        };
        let findings = match &answer {
            Answer::Verbatim(answer) => {
                let row = results::Finding {
                    answer: Some(answer),
                    ..by
                };
                out.coded(chart.row(), Some(&row))?;
                0
            }
            Answer::Findings {
                findings,
                spans_dropped,
            } => {
                if *spans_dropped > 0 {
                    log::warn!(
                        target: "engine",
                        "{} gave {spans_dropped} offsets that are not in the chart",
                        self.settings.program(),
                    );
                }
                if findings.is_empty() {
                    out.coded(chart.row(), Some(&by))?;
                }
                for finding in findings {
                    out.coded(chart.row(), Some(&finding.row(by)))?;
                }
                findings.len()
            }
        };
        Ok(ChartEnd::Coded {
            findings: u64::try_from(findings).unwrap_or(u64::MAX),
        })
    }
}

impl ExecFinding {
    fn row<'a>(&'a self, by: results::Finding<'a>) -> results::Finding<'a> {
        results::Finding {
            code: Some(&self.code),
            description: self.description.as_deref(),
            assertion: self.assertion,
            billable: self.billable,
            evidence: self.evidence.as_deref(),
            span: self.span,
            section: self.section.as_deref(),
            terminology: self.terminology.as_deref(),
            answer: self.answer.as_deref(),
            also: &self.also,
            ..by
        }
    }
}

impl fmt::Debug for ExecEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecEngine")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExecSettings {
    /// Arguments may be anything that a user keeps private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSettings")
            .field("program", &self.program())
            .finish_non_exhaustive()
    }
}

/// The error number that the shim wrote.
fn errno(text: &[u8]) -> io::Error {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    number.map_or_else(|| io::ErrorKind::Other.into(), io::Error::from_raw_os_error)
}
