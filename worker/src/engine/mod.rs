//! Engines: what turns a chart into findings.
//!
//! - [`icd10`]: the built-in coder.
//! - [`exec`]: the user's own program, one process per slot, under a [`guard`].
//! - [`noop`]: finds nothing; for measuring everything else.
//!
//! A slot (an OS thread) owns one [`Engine`] and gives it one chart after the other. The
//! engine appends the rows of each chart to the ending of its shard. A chart that an engine
//! cannot code is quarantined in that ending and costs nobody else anything; an engine that
//! can code nothing at all is [`Broken`], which ends the run.

mod answer;
mod breaker;
mod cancel;
mod co_process;
pub mod exec;
mod failure;
pub mod guard;
pub mod icd10;
pub mod noop;
mod orphans;
mod stderr;

pub use breaker::{Broken, EngineBreaker, Next, Retry};
pub use cancel::Cancel;
pub use failure::{EngineFailure, Exit};
pub use orphans::{end_orphans, watch_over_orphans};

use std::fmt;

use results::{EndingWriter, ResultsError};

/// Turns charts into rows, one at a time.
pub trait Engine: Send {
    /// Codes one chart and appends its rows to `out`: at least one, whatever happens to the
    /// chart. Appends nothing if it returns an error.
    fn code(
        &mut self,
        chart: &ChartText<'_>,
        out: &mut EndingWriter,
    ) -> Result<ChartEnd, EngineError>;
}

/// A chart to code. Its id and text are patient data: `Debug` shows neither.
#[derive(Clone, Copy)]
pub struct ChartText<'a> {
    pub id: &'a str,
    pub text: &'a str,
    /// JSON, carried unread into the rows.
    pub meta: Option<&'a str>,
}

/// How a chart left its engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChartEnd {
    Coded { findings: u64 },
    Quarantined,
}

/// Why an engine did not finish a chart at all. None of these is the fault of the chart.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine codes nothing; going on would quarantine every chart.
    #[error("the engine is broken")]
    Broken(#[source] Broken),
    /// Somebody used the slot's [`Cancel`].
    #[error("the chart was given up before its engine had finished")]
    Cancelled,
    #[error("cannot write the rows of a chart")]
    Rows(#[from] ResultsError),
}

impl<'a> ChartText<'a> {
    fn row(&self) -> results::Chart<'a> {
        results::Chart {
            chart_id: self.id,
            meta: self.meta,
        }
    }
}

impl fmt::Debug for ChartText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChartText")
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}
