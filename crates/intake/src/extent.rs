//! How much of a source there is, and where it can be cut in two.

use std::path::Path;

use results::plan::{LineFormat, ShardSource};

use crate::lines::Lines;
use crate::options::ReadOptions;
use crate::pinned::Stop;
use crate::reading::ReadError;

/// The end of an extent that goes to the last line of a compressed file: nobody knows its
/// number before the file was read. Small enough to be exact in any JSON or Parquet reader.
pub const ALL_LINES: u64 = (1 << 53) - 1;

/// The extent of a whole source: file indices, or what its line range says.
pub fn extent_of(source: &ShardSource) -> (u64, u64) {
    match source {
        ShardSource::Files(files) => (0, files.len() as u64),
        ShardSource::Lines { begin, end, .. } => (*begin, *end),
    }
}

/// Where to cut an extent in two so that both sides hold charts, as evenly as may be:
/// `Some(middle)` with `begin < middle < end`. `None` when it holds fewer than two charts
/// or cannot be read; reading it then says why.
///
/// Lists of files are cut without looking at the files. Line files are read through once
/// (compressed ones up to twice, to count first).
///
/// # Errors
/// [`ReadError`] when this machine is at fault.
pub fn split_point(
    root: &Path,
    source: &ShardSource,
    extent: (u64, u64),
    options: &ReadOptions,
) -> Result<Option<u64>, ReadError> {
    let (begin, end) = extent;
    let ShardSource::Lines { format, .. } = source else {
        let (_, count) = extent_of(source);
        let end = end.min(count);
        return Ok((end.saturating_sub(begin) >= 2).then(|| begin + (end - begin) / 2));
    };
    let middle = match format {
        LineFormat::Jsonl | LineFormat::Csv => begin + end.saturating_sub(begin) / 2,
        LineFormat::JsonlGz | LineFormat::JsonlZst => {
            let mut last = begin;
            each_position(root, source, extent, options, |position| {
                last = position;
                true
            })?;
            begin + (last + 1 - begin) / 2
        }
    };
    let mut first = None;
    let mut cut = None;
    each_position(root, source, extent, options, |position| {
        if first.is_none() {
            first = Some(position);
        } else {
            cut = Some(position);
        }
        cut.is_none_or(|cut| cut < middle)
    })?;
    Ok(cut)
}

/// Names the positions of the charts of an extent in order, until `more` says no. Ends
/// early where the file cannot be read on.
fn each_position(
    root: &Path,
    source: &ShardSource,
    extent: (u64, u64),
    options: &ReadOptions,
    mut more: impl FnMut(u64) -> bool,
) -> Result<(), ReadError> {
    let ShardSource::Lines { object, format, .. } = source else {
        return Ok(());
    };
    let machine = |stop: Stop| {
        stop.into_unreadable("find where to split a shard")
            .map(|_| ())
    };
    let mut lines = match Lines::open(root, object, *format, extent, options) {
        Ok(lines) => lines,
        Err(stop) => return machine(stop),
    };
    loop {
        match lines.advance() {
            Ok(true) if more(lines.current_position()) => {}
            Ok(_) => return Ok(()),
            Err(stop) => return machine(stop),
        }
    }
}
