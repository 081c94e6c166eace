//! The built-in coder as an engine.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use coder::{Coder, Coding, Scratch};
use results::{Assertion, EndingWriter};

use super::{ChartEnd, ChartText, Engine, EngineError};

/// For the `engine` column.
const LABEL: &str = "icd10";

/// Why a chart is quarantined that the coder stumbled over.
const STUMBLED: &str = "the coder stumbled over this chart (a bug in it)";

/// The coder, shared by all slots, with the memory of one slot.
pub struct Icd10 {
    coder: Arc<Coder>,
    scratch: Scratch,
    also: Vec<(u64, u64)>,
}

impl Icd10 {
    pub fn new(coder: Arc<Coder>) -> Icd10 {
        Icd10 {
            coder,
            scratch: Scratch::default(),
            also: Vec::new(),
        }
    }

    /// A bug in the coder costs the chart that shows it, not the worker with all its shards.
    fn find(&mut self, text: &str) -> Option<Coding> {
        let (coder, scratch) = (&self.coder, &mut self.scratch);
        let coding = catch_unwind(AssertUnwindSafe(|| coder.code(text, scratch)));
        if coding.is_err() {
            self.scratch = Scratch::default();
        }
        coding.ok()
    }
}

impl Engine for Icd10 {
    fn code(
        &mut self,
        chart: &ChartText<'_>,
        out: &mut EndingWriter,
    ) -> Result<ChartEnd, EngineError> {
        let Some(coding) = self.find(chart.text) else {
            log::error!(target: "engine", "{STUMBLED}");
            out.quarantined(chart.row(), STUMBLED)?;
            return Ok(ChartEnd::Quarantined);
        };
        let by = results::Finding {
            engine: Some(LABEL),
            terminology: Some(self.coder.terminology_version()),
            ..results::Finding::default()
        };
        if coding.findings.is_empty() {
            out.coded(chart.row(), Some(&by))?;
        }
        for finding in &coding.findings {
            self.also.clear();
            self.also
                .extend(finding.also.iter().map(|span| offsets(*span)));
            let row = results::Finding {
                code: Some(finding.code),
                description: Some(&finding.description),
                assertion: Some(assertion(finding.assertion)),
                billable: Some(finding.billable),
                evidence: chart.text.get(finding.begin..finding.end),
                span: Some(offsets((finding.begin, finding.end))),
                section: Some(finding.section.as_str()),
                also: &self.also,
                ..by
            };
            out.coded(chart.row(), Some(&row))?;
        }
        let findings = u64::try_from(coding.findings.len()).unwrap_or(u64::MAX);
        Ok(ChartEnd::Coded { findings })
    }
}

impl fmt::Debug for Icd10 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Icd10").finish_non_exhaustive()
    }
}

fn assertion(assertion: coder::Assertion) -> Assertion {
    match assertion {
        coder::Assertion::Present => Assertion::Present,
        coder::Assertion::Negated => Assertion::Negated,
        coder::Assertion::Possible => Assertion::Possible,
        coder::Assertion::Historical => Assertion::Historical,
        coder::Assertion::Family => Assertion::Family,
        coder::Assertion::Hypothetical => Assertion::Hypothetical,
    }
}

fn offsets((begin, end): (usize, usize)) -> (u64, u64) {
    // A usize is at most 64 bits wide on every platform that this is built for.
    (begin as u64, end as u64)
}
