//! `dayfly run --dry-run`: what a run would do. Starts nothing and creates nothing.

use std::path::Path;

use intake::{Input, PlanSummary, Planner, SegmentBounds, ShardSize, TroubleKind};
use master::spec::Spec;
use serde::Serialize;

use crate::cli::TableOrJson;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, bytes, counted, grouped};

/// A plan as JSON.
#[derive(Debug, Serialize)]
struct PlanJson {
    input: String,
    engine: String,
    workers: u32,
    objects: u64,
    bytes: u64,
    kinds: Vec<KindJson>,
    shards: u64,
    segments: u64,
    /// Hidden files and directories passed by.
    hidden: u64,
    /// Files of other kinds passed by.
    other: u64,
    /// Places that could not be listed.
    troubles: u64,
}

#[derive(Debug, Serialize)]
struct KindJson {
    kind: &'static str,
    objects: u64,
    bytes: u64,
}

/// Plans and prints the plan. `typed` is the input as it was typed.
///
/// # Errors
/// When the input cannot be read or holds no charts: exit 2.
pub(crate) fn print(spec: &Spec, typed: &Path, format: TableOrJson) -> Result<Exit, Failure> {
    let input = Input::open(typed)?;
    let size = ShardSize {
        max_bytes: spec.shards.max_bytes,
        max_charts: spec.shards.max_charts,
    };
    let bounds = SegmentBounds::default();
    let mut planner = Planner::new(input.list(None), &input, size, bounds, spec.workers, None);
    while planner.next().is_some() {}
    let summary = planner.summary();
    summary.require_charts(typed)?;
    match format {
        TableOrJson::Json => output::print_json(&json(spec, summary))?,
        TableOrJson::Table => output::print_text(&for_people(spec, summary))?,
    }
    Ok(Exit::Complete)
}

fn json(spec: &Spec, summary: &PlanSummary) -> PlanJson {
    let kinds = summary.kinds().into_iter();
    PlanJson {
        input: spec.input.clone(),
        engine: spec.engine_name(),
        workers: spec.workers,
        objects: summary.objects(),
        bytes: summary.bytes(),
        kinds: kinds
            .filter(|(_, count)| count.objects > 0)
            .map(|(kind, count)| KindJson {
                kind,
                objects: count.objects,
                bytes: count.bytes,
            })
            .collect(),
        shards: summary.shards,
        segments: summary.segments,
        hidden: summary.hidden,
        other: summary.other,
        troubles: summary.troubles,
    }
}

fn for_people(spec: &Spec, summary: &PlanSummary) -> String {
    let mut text = "The plan; nothing is started.\n\n".to_owned();
    let mut line = |name: &str, value: String| {
        text.push_str(&format!("  {name:<10}{value}\n"));
    };
    line("input", spec.input.clone());
    for (kind, count) in summary.kinds() {
        if count.objects > 0 {
            let files = counted(count.objects, "file");
            line("", format!("{files} {kind}, {}", bytes(count.bytes)));
        }
    }
    line(
        "shards",
        format!(
            "{} in {}, up to {} or {} each",
            grouped(summary.shards),
            counted(summary.segments, "segment"),
            bytes(spec.shards.max_bytes),
            counted(spec.shards.max_charts, "file"),
        ),
    );
    line("engine", spec.engine_name());
    line("workers", spec.workers.to_string());
    let skipped = summary.hidden + summary.other;
    if skipped > 0 {
        line(
            "skipped",
            format!(
                "{} ({} hidden, {} of other kinds)",
                counted(skipped, "file"),
                grouped(summary.hidden),
                grouped(summary.other)
            ),
        );
    }
    if summary.troubles > 0 {
        line(
            "trouble",
            format!(
                "{} could not be listed:",
                counted(summary.troubles, "place")
            ),
        );
        for trouble in &summary.first_troubles {
            let place = String::from_utf8_lossy(&trouble.path);
            line(
                "",
                format!("{}: {}", place.escape_debug(), wrong(trouble.kind)),
            );
        }
    }
    text
}

/// What is wrong with a place, in words.
pub(crate) fn wrong(kind: TroubleKind) -> String {
    match kind {
        TroubleKind::Loop => "a symbolic link back into a directory it is in".to_owned(),
        TroubleKind::Denied => "permission denied".to_owned(),
        TroubleKind::Vanished => "a symbolic link to nothing, or gone".to_owned(),
        TroubleKind::Failed(kind) => kind.to_string(),
    }
}
