//! The generator is steady and varied, and the examples are what it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use intake::{Input, Planner, ReadOptions, SegmentBounds, ShardReader, ShardSize, extent_of};

use super::output::{EXAMPLE_COUNT, Format, write_charts, write_examples};
use super::{ChartGenerator, NoteKind};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/charts")
}

/// Every file below a folder; compressed ones as what is inside them, because another
/// version of the compressor may choose other bytes for it.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut content = fs::read(&path).unwrap();
            if path.extension().is_some_and(|end| end == "gz") {
                let mut inside = Vec::new();
                flate2::read::GzDecoder::new(&content[..])
                    .read_to_end(&mut inside)
                    .unwrap();
                content = inside;
            }
            found.insert(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
                content,
            );
        }
    }
    found
}

/// Ids and texts of all charts of an input; fails on one that cannot be read.
fn charts(root: &Path) -> BTreeMap<String, String> {
    let input = Input::open(root).unwrap();
    let (size, bounds) = (ShardSize::default(), SegmentBounds::default());
    let options = ReadOptions::default();
    let mut charts = BTreeMap::new();
    for segment in Planner::new(input.list(None), &input, size, bounds, 2, None) {
        for shard in segment.shards {
            let extent = extent_of(&shard.source);
            let mut reader = ShardReader::new(root, &shard.source, extent, &options);
            while let Some(read) = reader.next_chart().unwrap() {
                let text = read.outcome.unwrap().text.into_owned();
                let id = read
                    .id
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .trim_end_matches(".txt")
                    .to_owned();
                assert!(charts.insert(id, text).is_none(), "an id twice");
            }
        }
    }
    charts
}

#[test]
fn the_example_folder_is_what_its_seed_makes() {
    let folder = tempfile::tempdir().unwrap();
    write_examples(folder.path()).unwrap();
    let (made, kept) = (files(folder.path()), files(&examples()));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&kept));
    for (name, content) in made {
        assert!(
            kept[&name] == content,
            "{name} differs: make-charts --examples makes it anew"
        );
    }
}

#[test]
fn every_example_is_readable() {
    let charts = charts(&examples());
    assert_eq!(charts.len() as u64, EXAMPLE_COUNT);
    for text in charts.values() {
        assert!((300..6_000).contains(&text.len()), "{} bytes", text.len());
        assert!(
            !text.contains(['{', '}']),
            "a template was not filled in: {text}"
        );
    }
}

#[test]
fn the_same_number_is_the_same_chart() {
    let generator = ChartGenerator::new(7);
    let row: Vec<_> = generator.clone().take(50).collect();
    for chart in &row {
        assert_eq!(*chart, generator.chart(chart.number));
    }
    assert_ne!(row[3].text, ChartGenerator::new(8).chart(4).text);
}

#[test]
fn charts_are_varied() {
    let charts: Vec<_> = ChartGenerator::new(7).take(3_000).collect();
    let texts: BTreeSet<&str> = charts.iter().map(|chart| chart.text.as_str()).collect();
    let kinds: BTreeSet<NoteKind> = charts.iter().map(|chart| chart.kind).collect();
    assert_eq!((texts.len(), kinds.len()), (3_000, 14));
    // Running text: headings and short findings are alike in all notes.
    let running = |line: &&str| line.len() > 60;
    let lines: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(running)
        .collect();
    let different: BTreeSet<&&str> = lines.iter().collect();
    assert!(
        different.len() * 2 > lines.len(),
        "{} of {}",
        different.len(),
        lines.len()
    );
    for way in [
        "denies",
        "No evidence of",
        "Family history",
        "History of",
        "Return if you",
        "Possible",
    ] {
        assert!(
            texts.iter().any(|text| text.contains(way)),
            "nobody writes {way:?}"
        );
    }
}

#[test]
fn every_format_holds_the_same_charts() {
    let expected: BTreeMap<String, String> = ChartGenerator::new(3)
        .take(120)
        .map(|chart| (chart.id, chart.text))
        .collect();
    for format in [Format::Text, Format::Jsonl, Format::JsonlGz, Format::Csv] {
        for per_folder in [50, 1_000] {
            let folder = tempfile::tempdir().unwrap();
            write_charts(folder.path(), format, 3, 120, per_folder).unwrap();
            assert_eq!(charts(folder.path()), expected, "{format:?}");
        }
    }
}
