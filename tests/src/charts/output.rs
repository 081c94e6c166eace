//! Writes charts to files, in every kind of input that a run reads; and the example folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{ChartGenerator, NoteKind, SyntheticChart};

/// The seed of `examples/charts`.
pub const EXAMPLE_SEED: u64 = 1;
/// The charts of `examples/charts`.
pub const EXAMPLE_COUNT: u64 = 1_000;

/// How charts lie in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A file for each chart, in folders by kind of note.
    Text,
    /// One `charts.jsonl`.
    Jsonl,
    /// One `charts.jsonl.gz`.
    JsonlGz,
    /// One `charts.csv` with the columns `id`, `text`, `encounter`, `patient`, `date_of_service`.
    Csv,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Format, String> {
        match word {
            "txt" => Ok(Format::Text),
            "jsonl" => Ok(Format::Jsonl),
            "jsonl.gz" => Ok(Format::JsonlGz),
            "csv" => Ok(Format::Csv),
            _ => Err(format!(
                "unknown format {word:?}: txt, jsonl, jsonl.gz or csv"
            )),
        }
    }
}

/// Writes the first `count` charts of a seed below `directory`, at most `per_folder` text
/// files in a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write_charts(
    directory: &Path,
    format: Format,
    seed: u64,
    count: u64,
    per_folder: u64,
) -> io::Result<()> {
    let charts = (1..=count).map(|number| ChartGenerator::new(seed).chart(number));
    fs::create_dir_all(directory)?;
    match format {
        Format::Text => {
            let mut folder = PathBuf::new();
            for (place, chart) in (0..).zip(charts) {
                // Numbered folders of mixed notes once there are too many for one.
                let wanted = match count <= per_folder {
                    true => directory.join(chart.kind.word()),
                    false => directory.join(format!("{:05}", place / per_folder.max(1))),
                };
                if wanted != folder {
                    fs::create_dir_all(&wanted)?;
                    folder = wanted;
                }
                fs::write(folder.join(format!("{}.txt", chart.id)), chart.text)?;
            }
            Ok(())
        }
        Format::Jsonl => write_lines(File::create(directory.join("charts.jsonl"))?, charts),
        Format::JsonlGz => write_gz(&directory.join("charts.jsonl.gz"), charts),
        Format::Csv => write_csv(File::create(directory.join("charts.csv"))?, charts),
    }
}

/// Writes `examples/charts`: mostly text files, and one file of each other kind.
///
/// # Errors
/// When a file cannot be written.
pub fn write_examples(directory: &Path) -> io::Result<()> {
    let (mut lines, mut archive, mut table) = (Vec::new(), Vec::new(), Vec::new());
    for chart in ChartGenerator::new(EXAMPLE_SEED).take(example_count()) {
        match chart.kind {
            NoteKind::Radiology => lines.push(chart),
            NoteKind::Telephone => table.push(chart),
            NoteKind::Nursing => archive.push(chart),
            kind => {
                let folder = directory.join(kind.word());
                fs::create_dir_all(&folder)?;
                fs::write(folder.join(format!("{}.txt", chart.id)), chart.text)?;
            }
        }
    }
    write_lines(File::create(directory.join("radiology.jsonl"))?, lines)?;
    write_gz(&directory.join("nursing.jsonl.gz"), archive)?;
    write_csv(File::create(directory.join("telephone.csv"))?, table)
}

fn example_count() -> usize {
    usize::try_from(EXAMPLE_COUNT).expect("a thousand fits")
}

fn write_gz(path: &Path, charts: impl IntoIterator<Item = SyntheticChart>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(File::create(path)?, Compression::default());
    write_lines(&mut encoder, charts)?;
    encoder.finish().map(|_| ())
}

fn write_lines(
    file: impl Write,
    charts: impl IntoIterator<Item = SyntheticChart>,
) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    for chart in charts {
        let line = serde_json::json!({
            "id": chart.id,
            "text": chart.text,
            "meta": {
                "encounter": chart.encounter,
                "patient": chart.patient,
                "date_of_service": chart.date_of_service,
            },
        });
        writeln!(file, "{line}")?;
    }
    file.flush()
}

fn write_csv(file: impl Write, charts: impl IntoIterator<Item = SyntheticChart>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    writeln!(file, "id,text,encounter,patient,date_of_service")?;
    for chart in charts {
        let text = chart.text.replace('"', "\"\"");
        let (encounter, patient, date) = (chart.encounter, chart.patient, chart.date_of_service);
        writeln!(file, "{},\"{text}\",{encounter},{patient},{date}", chart.id)?;
    }
    file.flush()
}
