//! Reads the charts of one shard, or of a part of one. Used by workers and `dayfly code`.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use results::plan::{ObjectRef, ShardSource};

use crate::chart_id::chart_id_of_path;
use crate::encoding::{check_text, decode, strip_mark};
use crate::line_chart::{csv_chart, json_chart};
use crate::lines::{Lines, Unit};
use crate::options::ReadOptions;
use crate::pinned::{PinnedFile, Stop};
use crate::unreadable::Unreadable;

/// Reads the charts of an extent of a source, in order.
///
/// Memory: one file or line at a time, at most [`ReadOptions::max_chart_bytes`] of it, plus
/// blocks of half a megabyte (and a zstd window, at most 128 MiB if the file asks for it).
pub struct ShardReader<'s> {
    root: &'s Path,
    source: &'s ShardSource,
    extent: (u64, u64),
    options: &'s ReadOptions,
    state: State<'s>,
    /// Holds a text file, or a line that had to be decoded.
    bytes: Vec<u8>,
    decoded: String,
}

/// One chart, or the place where one should be.
#[derive(Clone)]
pub struct ChartRead<'a> {
    /// The chart's own id. Where it has none: the object's path below the input, followed
    /// by `#line-at-byte-N`, or `#line-N` (from 0) in a compressed file; one row may also
    /// stand for more than one chart, see [`ShardReader::next_chart`].
    pub id: Cow<'a, str>,
    /// Position in the unit of the source's extent.
    pub position: u64,
    /// The chart, or why there is none.
    pub outcome: Result<Chart<'a>, Unreadable>,
}

/// What there is to code.
#[derive(Clone)]
pub struct Chart<'a> {
    /// The text, without a byte order mark.
    pub text: Cow<'a, str>,
    /// JSON text carried unread from the input into the chart's rows.
    pub meta: Option<Cow<'a, str>>,
}

/// This machine could not read (too many open files, an I/O error, the input as a whole is
/// gone). No chart is to blame: the attempt fails, the shard is tried again.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}")]
pub struct ReadError {
    pub(crate) operation: &'static str,
    #[source]
    pub(crate) source: io::Error,
}

enum State<'s> {
    Files { next: u64 },
    Unopened,
    Lines(Box<Lines<'s>>),
    Over,
}

impl<'s> ShardReader<'s> {
    /// Prepares to read `extent` of `source`, whose paths are below `root`. Nothing is
    /// opened yet. The part of an extent that is outside of the source holds no charts.
    pub fn new(
        root: &'s Path,
        source: &'s ShardSource,
        extent: (u64, u64),
        options: &'s ReadOptions,
    ) -> ShardReader<'s> {
        let state = match source {
            ShardSource::Files(_) => State::Files { next: extent.0 },
            ShardSource::Lines { .. } => State::Unopened,
        };
        let (bytes, decoded) = (Vec::new(), String::new());
        ShardReader {
            root,
            source,
            extent,
            options,
            state,
            bytes,
            decoded,
        }
    }

    /// The next chart; `None` behind the last one.
    ///
    /// A line file that cannot be read from some point on (vanished, changed, damaged, a
    /// header without the columns) yields **one** row for everything from there to the end
    /// of the extent: its id is the path alone when that is the whole file, else the path
    /// followed by `#from-byte-N` (or `#from-line-N`). Charts before that point are good. A bad CSV header is
    /// reported by the range at the start of the file only.
    ///
    /// # Errors
    /// [`ReadError`] when this machine is at fault. The reader is over after it.
    pub fn next_chart(&mut self) -> Result<Option<ChartRead<'_>>, ReadError> {
        if let State::Files { next } = &mut self.state {
            let index = *next;
            *next += 1;
            return self.read_file(index);
        }
        if let State::Unopened = self.state
            && let Err(row) = self.open()?
        {
            return Ok(row);
        }
        self.next_line()
    }

    fn read_file(&mut self, index: u64) -> Result<Option<ChartRead<'_>>, ReadError> {
        let ShardSource::Files(files) = self.source else {
            return Ok(None);
        };
        let object = match usize::try_from(index) {
            Ok(place) if index < self.extent.1 => files.get(place),
            _ => None,
        };
        let Some(object) = object else {
            self.state = State::Over;
            return Ok(None);
        };
        let outcome = match read_whole(self.root, object, self.options, &mut self.bytes) {
            Ok(bytes) => read_text(bytes, self.options),
            Err(stop) => Err(stop.into_unreadable("read a chart file")?),
        };
        let outcome = outcome.map(|text| Chart { text, meta: None });
        Ok(Some(ChartRead {
            id: chart_id_of_path(&object.path),
            position: index,
            outcome,
        }))
    }

    /// Opens the line file. `Err` holds the row for all of the extent, if it is to have one.
    fn open(&mut self) -> Result<Result<(), Option<ChartRead<'static>>>, ReadError> {
        let ShardSource::Lines { object, format, .. } = self.source else {
            return Ok(Ok(()));
        };
        self.state = State::Over;
        match Lines::open(self.root, object, *format, self.extent, self.options) {
            Ok(lines) => {
                self.state = State::Lines(Box::new(lines));
                Ok(Ok(()))
            }
            Err(stop) => {
                let reason = stop.into_unreadable("open a line file")?;
                let whole_file = matches!(
                    reason,
                    Unreadable::CsvColumn { .. } | Unreadable::LinesNotInAscii { .. }
                );
                let at = self.extent.0;
                if whole_file && at > 0 {
                    return Ok(Err(None));
                }
                Ok(Err(Some(self.row_from(at, reason))))
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<ChartRead<'_>>, ReadError> {
        let State::Lines(lines) = &mut self.state else {
            return Ok(None);
        };
        let advanced = lines.advance();
        let at = lines.position();
        match advanced {
            Ok(false) => {
                self.state = State::Over;
                return Ok(None);
            }
            Err(stop) => {
                self.state = State::Over;
                let reason = stop.into_unreadable("read a line file")?;
                return Ok(Some(self.row_from(at, reason)));
            }
            Ok(true) => {}
        }
        let ShardSource::Lines { object, format, .. } = self.source else {
            return Ok(None);
        };
        let State::Lines(lines) = &self.state else {
            return Ok(None);
        };
        let position = lines.current_position();
        let place = match Unit::of(*format) {
            Unit::Byte => "line-at-byte",
            Unit::Line => "line",
        };
        let no_id = || {
            Cow::Owned(format!(
                "{}#{place}-{position}",
                chart_id_of_path(&object.path)
            ))
        };
        let read = match (lines.mark_refused(), lines.current()) {
            (Some(reason), _) => Err(reason.clone()),
            (None, None) => Err(self.options.too_large()),
            (None, Some(line)) => match lines.header() {
                Some(header) => csv_chart(line, header, self.options.encoding()),
                None => json_chart(line, self.options.encoding(), &mut self.decoded),
            },
        };
        let (id, outcome) = read.unwrap_or_else(|reason| (None, Err(reason)));
        Ok(Some(ChartRead {
            id: id.unwrap_or_else(no_id),
            position,
            outcome,
        }))
    }

    /// The row for everything from `at` on.
    fn row_from(&self, at: u64, reason: Unreadable) -> ChartRead<'static> {
        let ShardSource::Lines { object, format, .. } = self.source else {
            return ChartRead {
                id: Cow::Borrowed(""),
                position: at,
                outcome: Err(reason),
            };
        };
        let mut id = chart_id_of_path(&object.path).into_owned();
        if at > 0 {
            id.push_str(match Unit::of(*format) {
                Unit::Byte => "#from-byte-",
                Unit::Line => "#from-line-",
            });
            id.push_str(&at.to_string());
        }
        ChartRead {
            id: Cow::Owned(id),
            position: at,
            outcome: Err(reason),
        }
    }
}

/// The text of a chart that is all of `bytes`: a text file, or standard input.
///
/// # Errors
/// Why it is no chart.
pub fn read_text<'a>(bytes: &'a [u8], options: &ReadOptions) -> Result<Cow<'a, str>, Unreadable> {
    if bytes.len() as u64 > options.max_chart_bytes() {
        return Err(options.too_large());
    }
    let (bytes, encoding) = strip_mark(bytes, options.encoding())?;
    let text = decode(bytes, encoding)?;
    check_text(&text)?;
    Ok(text)
}

/// Reads a file whole into `buffer`, which only ever grows.
fn read_whole<'b>(
    root: &Path,
    object: &ObjectRef,
    options: &ReadOptions,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8], Stop> {
    if object.size > options.max_chart_bytes() {
        return Err(Stop::Unreadable(options.too_large()));
    }
    let mut file = PinnedFile::open(root, object)?;
    let size = usize::try_from(object.size).map_err(|_| Stop::Unreadable(options.too_large()))?;
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
    match file.read_exact(&mut buffer[..size]) {
        Ok(()) => Ok(&buffer[..size]),
        // Shorter than its own size says: it is being cut off at this moment.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Stop::Unreadable(Unreadable::Changed))
        }
        Err(error) => Err(Stop::of_read(error)),
    }
}

// Ids and texts are patients' data: what is printed for debugging leaves them out.

impl fmt::Debug for ChartRead<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.as_ref().map(|chart| chart.text.len());
        formatter
            .debug_struct("ChartRead")
            .field("position", &self.position)
            .field("outcome", &outcome)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Chart<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Chart")
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ShardReader<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ShardReader")
            .field("extent", &self.extent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
