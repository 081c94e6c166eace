//! The lines (or records) of one extent of a line file: opened, placed, framed.

use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use results::plan::{LineFormat, ObjectRef};

use crate::csv::{CsvHeader, fields};
use crate::encoding::{decode, strip_mark};
use crate::options::ReadOptions;
use crate::pinned::{Mark, PinnedFile, Stop};
use crate::records::{Framing, Records};
use crate::unreadable::Unreadable;

const COMPRESSED_BLOCK: usize = 128 * 1024;

/// The lines of an extent, one after the other; blank ones and the CSV header left out.
pub(crate) struct Lines<'s> {
    records: Records<Box<dyn Read + Send + 's>>,
    unit: Unit,
    end: u64,
    options: &'s ReadOptions,
    header: Option<CsvHeader>,
    /// Lines passed so far: the position where lines are the unit.
    passed: u64,
    mark_refused: Option<Unreadable>,
}

/// What positions of this file count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Byte,
    Line,
}

impl Unit {
    pub(crate) fn of(format: LineFormat) -> Unit {
        match format {
            LineFormat::Jsonl | LineFormat::Csv => Unit::Byte,
            LineFormat::JsonlGz | LineFormat::JsonlZst => Unit::Line,
        }
    }
}

impl<'s> Lines<'s> {
    pub(crate) fn open(
        root: &Path,
        object: &'s ObjectRef,
        format: LineFormat,
        (begin, end): (u64, u64),
        options: &'s ReadOptions,
    ) -> Result<Lines<'s>, Stop> {
        let encoding = options.encoding();
        if !encoding.is_ascii_compatible() {
            let encoding = encoding.name();
            return Err(Stop::Unreadable(Unreadable::LinesNotInAscii { encoding }));
        }
        let file = PinnedFile::open(root, object)?;
        let framing = match format {
            LineFormat::Csv => Framing::Csv,
            LineFormat::Jsonl | LineFormat::JsonlGz | LineFormat::JsonlZst => Framing::Lines,
        };
        let cap = options.max_inside_bytes();
        let source: Box<dyn Read + Send + 's> = match format {
            LineFormat::Jsonl | LineFormat::Csv => Box::new(file),
            LineFormat::JsonlGz => {
                let compressed = BufReader::with_capacity(COMPRESSED_BLOCK, file);
                Box::new(Capped::new(MultiGzDecoder::new(compressed), cap))
            }
            LineFormat::JsonlZst => {
                let decoder = zstd::stream::read::Decoder::new(file).map_err(Stop::of_read)?;
                Box::new(Capped::new(decoder, cap))
            }
        };
        let mut lines = Lines {
            records: Records::new(source, framing, 0, options.max_chart_bytes()),
            unit: Unit::of(format),
            end,
            options,
            header: None,
            passed: 0,
            mark_refused: None,
        };
        match format {
            LineFormat::JsonlGz | LineFormat::JsonlZst => lines.pass_lines(begin)?,
            LineFormat::Jsonl if begin > 0 => {
                // A line begins at `begin` exactly when a newline stands right before it.
                let file = reopened(root, object, begin - 1)?;
                lines.restart(Box::new(file), Framing::Lines, begin - 1);
                lines.records.skip_partial().map_err(Stop::of_read)?;
            }
            LineFormat::Jsonl => lines.records.want_below(end),
            LineFormat::Csv => {
                lines.read_header()?;
                if begin > lines.records.offset() {
                    let file = reopened(root, object, begin)?;
                    lines.restart(Box::new(file), Framing::Csv, begin);
                }
                lines.records.want_below(end);
            }
        }
        Ok(lines)
    }

    /// Begins anew with a source that stands at `offset`.
    fn restart(&mut self, source: Box<dyn Read + Send + 's>, framing: Framing, offset: u64) {
        self.records = Records::new(source, framing, offset, self.options.max_chart_bytes());
        self.records.want_below(self.end);
    }

    fn pass_lines(&mut self, count: u64) -> Result<(), Stop> {
        while self.passed < count && self.records.advance().map_err(Stop::of_read)? {
            self.passed += 1;
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<(), Stop> {
        let columns = self.options.csv_columns();
        let none = || {
            Stop::Unreadable(Unreadable::CsvColumn {
                column: columns.id.clone(),
                found: 0,
            })
        };
        if !self.records.advance().map_err(Stop::of_read)? {
            return Err(none());
        }
        let encoding = self.options.encoding();
        let record = self.records.current().ok_or_else(none)?;
        let header = strip_mark(record, encoding)
            .and_then(|(record, _)| {
                let fields = fields(record)?;
                let names = fields.iter().map(|field| decode(field, encoding));
                CsvHeader::new(&names.collect::<Result<Vec<_>, _>>()?, columns)
            })
            .map_err(Stop::Unreadable)?;
        self.header = Some(header);
        Ok(())
    }

    /// Goes to the next line of the extent that is not blank. False behind the last one.
    pub(crate) fn advance(&mut self) -> Result<bool, Stop> {
        loop {
            if self.position() >= self.end {
                return Ok(false);
            }
            if !self.records.advance().map_err(Stop::of_read)? {
                return Ok(false);
            }
            self.passed += 1;
            if self.records.current_offset() == 0 && self.header.is_none() {
                let mark = self
                    .records
                    .current()
                    .map(|line| strip_mark(line, self.options.encoding()));
                self.mark_refused = mark.and_then(Result::err);
            } else {
                self.mark_refused = None;
            }
            if self
                .current()
                .is_none_or(|line| !line.trim_ascii().is_empty())
            {
                return Ok(true);
            }
        }
    }

    /// The current line, without its end and without a byte order mark; `None` when it is
    /// larger than a chart may be.
    pub(crate) fn current(&self) -> Option<&[u8]> {
        let line = self.records.current()?;
        if self.records.current_offset() > 0 || self.header.is_some() {
            return Some(line);
        }
        Some(strip_mark(line, self.options.encoding()).map_or(line, |(line, _)| line))
    }

    /// Why the file's byte order mark, on the current line, is refused.
    pub(crate) fn mark_refused(&self) -> Option<&Unreadable> {
        self.mark_refused.as_ref()
    }

    /// Position of the current line.
    pub(crate) fn current_position(&self) -> u64 {
        match self.unit {
            Unit::Byte => self.records.current_offset(),
            Unit::Line => self.passed.saturating_sub(1),
        }
    }

    /// Position of the next line; after an error, of the one that could not be read.
    pub(crate) fn position(&self) -> u64 {
        match self.unit {
            Unit::Byte => self.records.offset(),
            Unit::Line => self.passed,
        }
    }

    pub(crate) fn header(&self) -> Option<&CsvHeader> {
        self.header.as_ref()
    }
}

fn reopened<'s>(root: &Path, object: &'s ObjectRef, at: u64) -> Result<PinnedFile<'s>, Stop> {
    let mut file = PinnedFile::open(root, object)?;
    file.seek_to(at)?;
    Ok(file)
}

/// Ends a stream that has grown beyond a limit.
struct Capped<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Capped<R> {
    fn new(inner: R, limit: u64) -> Capped<R> {
        Capped {
            inner,
            left: limit,
            limit,
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let too_much = || Mark::Unreadable(Unreadable::TooMuchInside { limit: self.limit });
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| too_much().into_io())?;
        Ok(count)
    }
}
