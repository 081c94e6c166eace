//! When to try a chart again, and when to give up an engine. Pure.

use super::EngineFailure;

/// A chart is quarantined at this death of its engine.
const DEATHS_PER_CHART: u32 = 3;
/// An engine that has never answered is broken at this death: two charts, three times each.
const DEATHS_WITHOUT_ANSWER: u32 = 2 * DEATHS_PER_CHART;
/// An engine is broken that lost this many charts in a row: thirty deaths without one answer.
const CHARTS_IN_A_ROW: u32 = 10;

/// The tries of one chart.
#[derive(Debug, Default)]
pub struct Retry {
    deaths: u32,
}

/// What to do with a chart whose engine failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    Again,
    Quarantine,
}

impl Retry {
    /// The engine failed on this chart once more.
    pub fn failed(&mut self) -> Next {
        self.deaths += 1;
        if self.deaths < DEATHS_PER_CHART {
            Next::Again
        } else {
            Next::Quarantine
        }
    }

    pub fn deaths(&self) -> u32 {
        self.deaths
    }
}

/// Tells an engine that fails on some charts from one that works on none. One for all slots of
/// a worker: an answer to any of them shows that the engine works.
#[derive(Debug, Default)]
pub struct EngineBreaker {
    answered_ever: bool,
    deaths: u32,
    charts_lost: u32,
}

/// An engine that is not worth another chart: the reason why a run fails. Names the program
/// and its last failure, nothing of a chart.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{program} {pattern}; at last {failure}")]
pub struct Broken {
    program: String,
    pattern: String,
    failure: String,
}

impl EngineBreaker {
    /// The engine answered a chart.
    pub fn answered(&mut self) {
        *self = EngineBreaker {
            answered_ever: true,
            ..EngineBreaker::default()
        };
    }

    /// The engine failed once; `next` is what becomes of the chart.
    pub fn failed(
        &mut self,
        program: &str,
        failure: &EngineFailure,
        next: Next,
    ) -> Result<(), Broken> {
        self.deaths += 1;
        self.charts_lost += u32::from(next == Next::Quarantine);
        let never_starts = matches!(failure, EngineFailure::CannotStart { .. });
        let pattern = if !self.answered_ever && never_starts {
            "does not start".to_owned()
        } else if !self.answered_ever && self.deaths >= DEATHS_WITHOUT_ANSWER {
            format!("failed {} times and has never answered", self.deaths)
        } else if self.charts_lost >= CHARTS_IN_A_ROW {
            format!(
                "failed {} times on {} charts in a row",
                self.deaths, self.charts_lost
            )
        } else {
            return Ok(());
        };
        Err(Broken {
            program: program.to_owned(),
            pattern,
            failure: chain(failure),
        })
    }
}

/// A failure with its causes in one line.
pub(super) fn chain(failure: &EngineFailure) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loses one chart; says at which of its deaths the breaker tripped.
    fn lose_chart(breaker: &mut EngineBreaker) -> Option<(u32, Broken)> {
        let mut retry = Retry::default();
        loop {
            let next = retry.failed();
            let failed = breaker.failed("coder", &EngineFailure::NotJson, next);
            match (failed, next) {
                (Err(broken), _) => return Some((retry.deaths(), broken)),
                (Ok(()), Next::Again) => {}
                (Ok(()), Next::Quarantine) => return None,
            }
        }
    }

    #[test]
    fn a_chart_is_tried_three_times() {
        let mut retry = Retry::default();
        let tries: Vec<Next> = (0..3).map(|_| retry.failed()).collect();
        assert_eq!(tries, [Next::Again, Next::Again, Next::Quarantine]);
    }

    #[test]
    fn an_engine_that_never_answered_is_broken_at_its_second_chart() {
        let mut breaker = EngineBreaker::default();
        assert_eq!(lose_chart(&mut breaker), None);
        let (death, broken) = lose_chart(&mut breaker).unwrap();
        assert_eq!(death, 3);
        assert_eq!(
            broken.to_string(),
            "coder failed 6 times and has never answered; at last its answer is not a JSON object",
        );
    }

    #[test]
    fn an_engine_that_answered_is_broken_at_ten_charts_in_a_row() {
        let mut breaker = EngineBreaker::default();
        breaker.answered();
        for _ in 0..9 {
            assert_eq!(lose_chart(&mut breaker), None);
        }
        breaker.answered();
        for _ in 0..9 {
            assert_eq!(lose_chart(&mut breaker), None);
        }
        let (death, broken) = lose_chart(&mut breaker).unwrap();
        assert_eq!(death, 3);
        assert!(
            broken
                .to_string()
                .starts_with("coder failed 30 times on 10 charts in a row")
        );
    }

    #[test]
    fn a_program_that_does_not_start_is_broken_at_once() {
        let source = std::io::ErrorKind::NotFound.into();
        let failure = EngineFailure::CannotStart {
            program: "coder".into(),
            source,
        };
        let broken = EngineBreaker::default()
            .failed("coder", &failure, Next::Again)
            .unwrap_err();
        assert_eq!(
            broken.to_string(),
            "coder does not start; at last cannot start coder: entity not found",
        );
    }
}
