//! `dayfly code`: codes charts here and now, in this one thread.
//!
//! For people it shows each finding in its sentence; as JSON lines, one finding a line with the
//! fields of a run's results. It is also what a run is measured against: what one process takes
//! that only reads, codes and writes.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use coder::{Coder, Coding, Finding, Scratch};
use intake::{
    ChartRead, Input, Listed, ObjectKind, ReadOptions, ShardReader, extent_of, read_text,
};
use results::plan::ShardSource;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::{CodeArgs, TableOrJsonl};
use crate::commands::explain::{People, Why};
use crate::commands::plan;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Output, counted, note};
use crate::pins;

/// What the `engine` column of a run says of this coder.
const ENGINE: &str = "icd10";

/// The id of the chart on standard input.
const STDIN_ID: &str = "stdin";

/// Text files read one after the other into the same memory.
const FILES_AT_A_TIME: usize = 256;

/// Runs the command.
///
/// # Errors
/// When an input is not there (exit 2), or this machine cannot read it.
pub(crate) fn run(arguments: &CodeArgs) -> Result<Exit, Failure> {
    let files = arguments.coder.terminology.as_deref();
    let coder = pins::coder(files, arguments.coder.cues.as_deref())?;
    let options = ReadOptions::default()
        .with_encoding(&arguments.encoding)
        .map_err(Failure::usage_because)?;
    let from_stdin = |path: &Path| path == Path::new("-");
    let inputs = arguments.files.iter().filter(|path| !from_stdin(path));
    // All that was typed is looked at before the first chart is coded.
    let inputs = inputs
        .map(|path| {
            pins::require_local(path)?;
            Ok(Input::open(path)?)
        })
        .collect::<Result<Vec<Input>, Failure>>()?;
    let mut session = Session {
        sink: match arguments.output_format {
            TableOrJsonl::Jsonl => Sink::Lines {
                with_reasons: arguments.explain,
            },
            TableOrJsonl::Table => Sink::People(People {
                colour: output::stdout_has_colour(),
                explain: arguments.explain,
            }),
        },
        scratch: Scratch::default(),
        out: Output::new(),
        coder: &coder,
        charts: 0,
        findings: 0,
        quarantined: 0,
        troubles: 0,
    };
    if inputs.len() < arguments.files.len().max(1) {
        session.stdin(&options)?;
    }
    for input in &inputs {
        session.input(input, &options)?;
    }
    session.end(arguments.output_format)
}

/// One pass over what was asked for.
struct Session<'c> {
    coder: &'c Coder,
    scratch: Scratch,
    out: Output,
    sink: Sink,
    charts: u64,
    findings: u64,
    quarantined: u64,
    troubles: u64,
}

enum Sink {
    Lines { with_reasons: bool },
    People(People),
}

impl Session<'_> {
    fn stdin(&mut self, options: &ReadOptions) -> Result<(), Failure> {
        if std::io::stdin().is_terminal() {
            note(format_args!("type or paste one chart; Ctrl-D ends it"));
        }
        let mut bytes = Vec::new();
        // One byte above the limit is enough to know that it is too large.
        let most = ReadOptions::MAX_CHART_BYTES + 1;
        std::io::stdin()
            .lock()
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::failed_because(e).context("cannot read standard input"))?;
        let outcome = read_text(&bytes, options).map(|text| intake::Chart { text, meta: None });
        self.chart(&ChartRead {
            id: STDIN_ID.into(),
            position: 0,
            outcome,
        })
    }

    fn input(&mut self, input: &Input, options: &ReadOptions) -> Result<(), Failure> {
        let mut texts = Vec::new();
        for listed in input.list(None) {
            match listed {
                Listed::Object(object) if object.kind == ObjectKind::Text => {
                    texts.push(object.object);
                    if texts.len() == FILES_AT_A_TIME {
                        let files = ShardSource::Files(std::mem::take(&mut texts));
                        self.source(input, &files, options)?;
                    }
                }
                Listed::Object(object) => {
                    // What was listed before is printed before.
                    let files = ShardSource::Files(std::mem::take(&mut texts));
                    self.source(input, &files, options)?;
                    self.source(input, &object.source(), options)?;
                }
                Listed::Skipped(_) => {}
                Listed::Trouble(trouble) => {
                    self.troubles += 1;
                    let place = String::from_utf8_lossy(&trouble.path);
                    let wrong = plan::wrong(trouble.kind);
                    note(format_args!(
                        "not listed: {}: {wrong}",
                        place.escape_debug()
                    ));
                }
            }
            if self.out.is_closed() {
                return Ok(());
            }
        }
        self.source(input, &ShardSource::Files(texts), options)
    }

    fn source(
        &mut self,
        input: &Input,
        source: &ShardSource,
        options: &ReadOptions,
    ) -> Result<(), Failure> {
        let mut reader = ShardReader::new(input.root(), source, extent_of(source), options);
        while let Some(chart) = reader.next_chart().map_err(Failure::failed_because)? {
            self.chart(&chart)?;
            if self.out.is_closed() {
                break;
            }
        }
        Ok(())
    }

    fn chart(&mut self, chart: &ChartRead<'_>) -> Result<(), Failure> {
        self.charts += 1;
        let text = match &chart.outcome {
            Ok(read) => read.text.as_ref(),
            Err(unreadable) => {
                return self.quarantined(&chart.id, &unreadable.as_reason());
            }
        };
        let coding = self.coder.code(text, &mut self.scratch);
        self.findings += coding.findings.len() as u64;
        match &self.sink {
            Sink::People(people) => {
                people.coded(&mut self.out, self.coder, &chart.id, text, &coding)?;
            }
            Sink::Lines { with_reasons } => {
                let with_reasons = *with_reasons;
                self.lines(chart, text, &coding, with_reasons)?;
            }
        }
        Ok(())
    }

    fn quarantined(&mut self, id: &str, reason: &str) -> Result<(), Failure> {
        self.quarantined += 1;
        match &self.sink {
            Sink::Lines { .. } => output::json(&mut self.out, &Line::quarantined(id, reason))?,
            Sink::People(people) => people.quarantined(&mut self.out, id, reason)?,
        }
        Ok(())
    }

    fn lines(
        &mut self,
        chart: &ChartRead<'_>,
        text: &str,
        coding: &Coding,
        with_reasons: bool,
    ) -> std::io::Result<()> {
        let meta = chart
            .outcome
            .as_ref()
            .ok()
            .and_then(|chart| chart.meta.as_deref());
        let by = Line {
            chart_id: &chart.id,
            status: "coded",
            engine: Some(ENGINE),
            terminology: Some(self.coder.terminology_version()),
            meta: meta.and_then(|meta| serde_json::from_str(meta).ok()),
            ..Line::default()
        };
        if coding.findings.is_empty() {
            output::json(&mut self.out, &by)?;
        }
        for finding in &coding.findings {
            let why = with_reasons.then(|| Why::of(self.coder, text, finding));
            output::json(&mut self.out, &by.with(text, finding, why))?;
        }
        Ok(())
    }

    fn end(mut self, format: TableOrJsonl) -> Result<Exit, Failure> {
        self.out.flush()?;
        if format == TableOrJsonl::Table {
            let charts = counted(self.charts, "chart");
            let findings = counted(self.findings, "finding");
            let quarantined = self.quarantined;
            note(format_args!(
                "{charts}, {findings}, {quarantined} quarantined"
            ));
        }
        Ok(match self.quarantined + self.troubles {
            0 => Exit::Complete,
            _ => Exit::Partial,
        })
    }
}

/// A line of JSON: the fields of a row of a run's results, in their order.
#[derive(Clone, Default, Serialize)]
struct Line<'a> {
    chart_id: &'a str,
    status: &'a str,
    reason: Option<&'a str>,
    code: Option<&'a str>,
    description: Option<&'a str>,
    assertion: Option<&'a str>,
    billable: Option<bool>,
    evidence: Option<&'a str>,
    begin: Option<usize>,
    end: Option<usize>,
    section: Option<&'a str>,
    engine: Option<&'a str>,
    terminology: Option<&'a str>,
    /// Of engines that answer in JSON of their own; never of this one.
    answer: Option<&'a RawValue>,
    meta: Option<&'a RawValue>,
    /// Where else the same was found.
    also: Option<&'a [(usize, usize)]>,
    /// Only with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why<'a>>,
}

impl<'a> Line<'a> {
    fn quarantined(chart_id: &'a str, reason: &'a str) -> Line<'a> {
        Line {
            chart_id,
            status: "quarantined",
            reason: Some(reason),
            ..Line::default()
        }
    }

    /// The line of a finding of the chart that this line is of.
    fn with<'f>(&self, text: &'f str, finding: &'f Finding, why: Option<Why<'f>>) -> Line<'f>
    where
        'a: 'f,
    {
        Line {
            code: Some(finding.code),
            description: Some(&finding.description),
            assertion: Some(finding.assertion.as_str()),
            billable: Some(finding.billable),
            evidence: text.get(finding.begin..finding.end),
            begin: Some(finding.begin),
            end: Some(finding.end),
            section: Some(finding.section.as_str()),
            also: Some(&finding.also),
            why,
            ..self.clone()
        }
    }
}
