//! From the wire to the words of this program. What makes no sense becomes an error: the
//! master is of another version, or worse.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use intake::{CsvColumns, ReadOptions};
use proto::v1;
use results::plan::{LineFormat, ObjectRef, ShardSource};

use crate::attempt::LeaseId;
use crate::engines::{EngineChoice, Pinned};

/// A part of a message that this program cannot understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Nonsense(pub(crate) &'static str);

pub(crate) fn lease_id(shard: u32, epoch: Option<&v1::Epoch>) -> Result<LeaseId, Nonsense> {
    let epoch = epoch.ok_or(Nonsense("a lease without an epoch"))?;
    Ok(LeaseId {
        shard,
        master_epoch: epoch.master,
        counter: epoch.counter,
    })
}

/// What to read for a lease, and which part of it.
pub(crate) fn source(lease: v1::Lease) -> Result<(ShardSource, (u64, u64)), Nonsense> {
    use v1::source::Source;
    let source = lease.source.and_then(|source| source.source);
    let source = match source.ok_or(Nonsense("a lease without a source"))? {
        Source::Files(files) => ShardSource::Files(files.objects.into_iter().map(object).collect()),
        Source::Lines(lines) => ShardSource::Lines {
            format: format(lines.format())?,
            object: object(lines.object.ok_or(Nonsense("lines of no object"))?),
            begin: lines.begin,
            end: lines.end,
        },
    };
    Ok((source, (lease.begin, lease.end)))
}

fn object(object: v1::Object) -> ObjectRef {
    ObjectRef {
        path: object.path.into(),
        size: object.size,
        version: object.version,
    }
}

fn format(format: v1::LineFormat) -> Result<LineFormat, Nonsense> {
    match format {
        v1::LineFormat::Unspecified => Err(Nonsense("lines of no format")),
        v1::LineFormat::Jsonl => Ok(LineFormat::Jsonl),
        v1::LineFormat::JsonlGz => Ok(LineFormat::JsonlGz),
        v1::LineFormat::JsonlZst => Ok(LineFormat::JsonlZst),
        v1::LineFormat::Csv => Ok(LineFormat::Csv),
    }
}

pub(crate) fn read_options(reading: &v1::Reading) -> Result<ReadOptions, Nonsense> {
    let columns = CsvColumns {
        id: reading.csv_id.clone(),
        text: reading.csv_text.clone(),
        meta: reading.csv_meta.clone(),
    };
    ReadOptions::default()
        .with_csv_columns(columns)
        .with_max_chart_bytes(reading.max_chart_bytes)
        .with_encoding(&reading.encoding)
        .map_err(|_| Nonsense("an unknown encoding"))
}

pub(crate) fn engine(
    engine: &v1::Engine,
    runtime_dir: Option<PathBuf>,
) -> Result<EngineChoice, Nonsense> {
    use crate::engine::exec::{ExecSettings, Limits};
    use v1::engine::Engine;
    let engine = engine.engine.as_ref();
    Ok(match engine.ok_or(Nonsense("an unknown engine"))? {
        Engine::Icd10(icd10) => EngineChoice::Icd10 {
            terminology: pinned(&icd10.terminology_path, &icd10.terminology_digest),
            cues: pinned(&icd10.cues_path, &icd10.cues_digest),
        },
        Engine::Exec(exec) => {
            let words = exec.command.iter();
            let command: Vec<OsString> = words.map(|word| OsStr::from_bytes(word).into()).collect();
            if command.is_empty() {
                return Err(Nonsense("an engine without a command"));
            }
            let mut settings = ExecSettings {
                command,
                label: String::new(),
                limits: Limits {
                    chart: Duration::from_millis(exec.chart_milliseconds),
                    answer_bytes: usize::try_from(exec.answer_bytes).unwrap_or(usize::MAX),
                    ..Limits::default()
                },
                stderr_directory: runtime_dir,
            };
            settings.label = settings.program();
            EngineChoice::Exec(settings)
        }
        Engine::Noop(_) => EngineChoice::Noop,
    })
}

fn pinned(path: &str, digest: &str) -> Pinned {
    Pinned {
        path: (!path.is_empty()).then(|| path.into()),
        digest: digest.to_owned(),
    }
}
