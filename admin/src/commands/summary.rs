//! The end of a run: one JSON object, or what a person likes to read.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use master::{Ended, Summary, outcome_word};
use results::{Assertion, EndingRef, RunReader, Status};
use serde::Serialize;
use store::{DirectoryStore, Store};

use crate::error::{quoted, resume_command};
use crate::output::{counted, duration, grouped};

/// The results are read again for the summary only where that costs less than a moment.
const MOST_ENDINGS: usize = 1_000;
const MOST_BYTES: u64 = 8 << 20;

/// How many of the commonest codes and reasons are shown.
const COMMONEST: usize = 10;

/// The one object of `dayfly run --output-format json`. Its names are a promise.
#[derive(Debug, Serialize)]
pub(crate) struct Json {
    run: String,
    outcome: &'static str,
    charts: u64,
    charts_quarantined: u64,
    findings: u64,
    shards: u64,
    shards_committed: u64,
    shards_split: u64,
    shards_quarantined: u64,
    attempts: u64,
    workers_launched: u32,
    workers_alive: u32,
    wall_seconds: f64,
    output: String,
}

impl Json {
    /// The object of a run whose results are in `output`.
    #[must_use]
    pub(crate) fn new(summary: &Summary, output: &Path) -> Json {
        let counts = &summary.counts;
        Json {
            run: summary.run.to_string(),
            outcome: outcome(&summary.ended),
            charts: counts.charts,
            charts_quarantined: counts.charts_quarantined,
            findings: counts.findings,
            shards: counts.shards,
            shards_committed: counts.shards_committed,
            shards_split: counts.shards_split,
            shards_quarantined: counts.shards_quarantined,
            attempts: counts.attempts,
            workers_launched: summary.workers_launched,
            workers_alive: summary.workers_alive,
            wall_seconds: summary.wall_seconds,
            output: output.display().to_string(),
        }
    }
}

/// Of how much of the run the master was that ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MasterOf {
    /// All of it: its seconds are those of the run.
    All,
    /// What was left of it.
    Rest,
}

/// The summary for people. What it cannot read of the results it leaves out.
pub(crate) async fn for_people(summary: &Summary, master: MasterOf, output: &Path) -> String {
    let sealed = matches!(summary.ended, Ended::Sealed(_));
    let looked = match sealed {
        true => Commonest::of(summary, output).await.unwrap_or_default(),
        false => Commonest::default(),
    };
    text(summary, master, &looked, output)
}

fn text(summary: &Summary, master: MasterOf, commonest: &Commonest, output: &Path) -> String {
    let counts = &summary.counts;
    let mut text = format!("{} is {}\n\n", summary.run, outcome(&summary.ended));
    let mut line = |name: &str, value: String| {
        text.push_str(format!("  {name:<10}{value}").trim_end());
        text.push('\n');
    };
    let mut charts = format!(
        "{} coded",
        grouped(counts.charts.saturating_sub(counts.charts_quarantined))
    );
    for (count, word) in [
        (counts.charts_quarantined, "quarantined"),
        (counts.charts_unreached, "not reached"),
    ] {
        if count > 0 {
            charts.push_str(&format!(", {} {word}", grouped(count)));
        }
    }
    line("charts", charts);
    for (reason, count) in &commonest.reasons {
        line("", format!("{:>8}  {reason}", grouped(*count)));
    }
    line("findings", grouped(counts.findings));
    for (code, description, count) in &commonest.codes {
        line(
            "",
            format!("{:>8}  {code:<8} {description}", grouped(*count)),
        );
    }
    let pace = match master == MasterOf::All && counts.charts > 0 && summary.wall_seconds > 0.0 {
        #[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
        true => format!(
            ", {:.0} charts/s",
            counts.charts as f64 / summary.wall_seconds
        ),
        false => String::new(),
    };
    line("time", format!("{}{pace}", duration(summary.wall_seconds)));

    line(
        "workers",
        format!(
            "{} launched, {} alive",
            summary.workers_launched, summary.workers_alive
        ),
    );
    if summary.duplicates > 0 {
        let charts = counted(summary.duplicates, "chart");
        line(
            "note",
            format!("{charts} share the id of another; all are in the results"),
        );
    }
    if summary.loops > 0 {
        let links = counted(summary.loops, "symbolic link");
        line(
            "note",
            format!("{links} back into their own directory not followed"),
        );
    }
    let shards = output
        .join("runs")
        .join(summary.run.as_str())
        .join("shards");
    line("results", shards.display().to_string());
    text.push_str("\nNext:\n");
    let mut next = |command: String| text.push_str(&format!("  {command}\n"));
    if !matches!(summary.ended, Ended::Sealed(_)) {
        next(resume_command(summary.run.as_str(), output));
    }
    next(format!(
        "dayfly status {} --output {}",
        summary.run,
        quoted(output)
    ));
    if matches!(summary.ended, Ended::Sealed(_)) {
        let files = shards
            .join("*.parquet")
            .display()
            .to_string()
            .replace('\'', "''");
        next(format!(
            "duckdb -c \"SELECT code, description, count(*) AS charts FROM '{files}' \
             WHERE billable GROUP BY ALL ORDER BY charts DESC LIMIT 20\""
        ));
    }
    text
}

fn outcome(ended: &Ended) -> &'static str {
    match ended {
        Ended::Sealed(outcome) => outcome_word(*outcome),
        Ended::Suspended => "suspended",
        Ended::Failed(_) => "failed",
    }
}

/// What stands most often in the results.
#[derive(Debug, Default)]
struct Commonest {
    /// Codes that are present, or of engines that do not say: code, description, in how many rows.
    codes: Vec<(String, String, u64)>,
    /// Why charts were quarantined, and how many.
    reasons: Vec<(String, u64)>,
}

impl Commonest {
    /// Reads the results, where that is cheap; else those with quarantined charts, where that is.
    async fn of(summary: &Summary, output: &Path) -> Option<Commonest> {
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::open_to_read(output).ok()?);
        let reader = RunReader::new(store, summary.run.clone());
        let endings = reader.endings().await.ok()?;
        if cheap(&endings) {
            return Commonest::read(&reader, &endings).await;
        }
        if summary.counts.charts_quarantined == 0 {
            return None;
        }
        let metas: Vec<_> = reader.metas(endings.clone()).try_collect().await.ok()?;
        let with_reasons: Vec<EndingRef> = endings
            .into_iter()
            .zip(metas)
            .filter(|(_, meta)| meta.charts_quarantined > 0)
            .map(|(ending, _)| ending)
            .collect();
        if !cheap(&with_reasons) {
            return None;
        }
        let read = Commonest::read(&reader, &with_reasons).await?;
        // Codes of a part of the results would mislead.
        Some(Commonest {
            codes: Vec::new(),
            ..read
        })
    }

    async fn read(reader: &RunReader, endings: &[EndingRef]) -> Option<Commonest> {
        let mut codes: HashMap<String, (String, u64)> = HashMap::new();
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for ending in endings {
            for row in reader.rows(ending.shard).await.ok()?? {
                let row = row.ok()?;
                if row.status == Status::Quarantined {
                    *reasons.entry(row.reason.unwrap_or_default()).or_default() += 1;
                } else if row.assertion.is_none_or(|word| word == Assertion::Present)
                    && let Some(code) = row.code
                {
                    let description = row.description.unwrap_or_default();
                    codes.entry(code).or_insert((description, 0)).1 += 1;
                }
            }
        }
        let mut codes: Vec<(String, String, u64)> = codes
            .into_iter()
            .map(|(code, (description, count))| (code, description, count))
            .collect();
        codes.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        codes.truncate(COMMONEST);
        let mut reasons: Vec<(String, u64)> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons.truncate(COMMONEST);
        Some(Commonest { codes, reasons })
    }
}

fn cheap(endings: &[EndingRef]) -> bool {
    let bytes: u64 = endings.iter().map(|ending| ending.size).sum();
    endings.len() <= MOST_ENDINGS && bytes <= MOST_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::run_log::{Counts, Outcome};

    fn summary(ended: Ended) -> Summary {
        Summary {
            run: "run-1".parse().unwrap(),
            ended,
            counts: Counts {
                charts: 1_200,
                charts_quarantined: 2,
                findings: 5_000,
                shards: 9,
                ..Counts::default()
            },
            workers_launched: 2,
            workers_alive: 0,
            wall_seconds: 2.0,
            duplicates: 1,
            loops: 0,
        }
    }

    #[test]
    fn the_json_has_the_promised_names() {
        let json = Json::new(&summary(Ended::Suspended), Path::new("out"));
        let json = serde_json::to_value(&json).unwrap();
        let mut names: Vec<&String> = json.as_object().unwrap().keys().collect();
        names.sort();
        let mut promised = [
            "run",
            "outcome",
            "charts",
            "charts_quarantined",
            "findings",
            "shards",
            "shards_committed",
            "shards_split",
            "shards_quarantined",
            "attempts",
            "workers_launched",
            "workers_alive",
            "wall_seconds",
            "output",
        ];
        promised.sort_unstable();
        assert_eq!(names, promised);
        assert_eq!(json["outcome"], "suspended");
    }

    #[test]
    fn people_read_what_came_of_it_and_what_to_type_next() {
        let commonest = Commonest {
            codes: vec![("I10".into(), "Essential (primary) hypertension".into(), 700)],
            reasons: vec![("not valid UTF-8".into(), 2)],
        };
        let partial = summary(Ended::Sealed(Outcome::Partial));
        let text = text(&partial, MasterOf::All, &commonest, Path::new("my results"));
        for part in [
            "run-1 is partial\n",
            "1,198 coded, 2 quarantined\n",
            "2  not valid UTF-8\n",
            "700  I10      Essential (primary) hypertension\n",
            "2.0 s, 600 charts/s\n",
            "1 chart share the id of another",
            "my results/runs/run-1/shards\n",
            "dayfly status run-1 --output 'my results'\n",
            "FROM 'my results/runs/run-1/shards/*.parquet'",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        assert!(!text.contains("--resume"));
    }

    #[test]
    fn a_suspended_run_says_how_to_go_on() {
        let text = text(
            &summary(Ended::Suspended),
            MasterOf::Rest,
            &Commonest::default(),
            Path::new("out"),
        );
        assert!(!text.contains("charts/s"), "{text}");
        assert!(
            text.contains("dayfly run --resume run-1 --output out\n"),
            "{text}"
        );
    }
}
