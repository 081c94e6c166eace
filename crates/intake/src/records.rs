//! Cuts a stream of bytes into lines or CSV records, borrowed from one buffer.
//!
//! Memory: one buffer of at most the record limit plus two blocks. A record beyond the
//! limit is passed over, not held.

use std::io::{self, Read};
use std::ops::Range;

use crate::csv::CsvState;

const BLOCK: usize = 256 * 1024;

/// The records of a source, one after the other.
pub(crate) struct Records<R> {
    source: R,
    framing: Framing,
    buffer: Vec<u8>,
    /// The part of `buffer` that holds bytes not yet given out.
    unread: Range<usize>,
    /// Offset in the source of the first unread byte.
    offset: u64,
    ended: bool,
    limit: usize,
    /// Behind this offset no record is wanted: passing over a long one stops here.
    wanted_below: u64,
    current: Current,
}

/// What ends a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Framing {
    /// A newline.
    Lines,
    /// A newline outside of quotes.
    Csv,
}

struct Current {
    offset: u64,
    bytes: Option<Range<usize>>,
}

impl<R: Read> Records<R> {
    /// Reads records from `source`, whose first byte is at `offset` of the whole.
    pub(crate) fn new(source: R, framing: Framing, offset: u64, limit: u64) -> Records<R> {
        Records {
            source,
            framing,
            buffer: vec![0; BLOCK],
            unread: 0..0,
            offset,
            ended: false,
            limit: usize::try_from(limit).unwrap_or(usize::MAX / 4),
            wanted_below: u64::MAX,
            current: Current {
                offset,
                bytes: None,
            },
        }
    }

    pub(crate) fn want_below(&mut self, offset: u64) {
        self.wanted_below = offset;
    }

    /// Offset of the next record.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Offset of the current record.
    pub(crate) fn current_offset(&self) -> u64 {
        self.current.offset
    }

    /// The current record without its line end; `None` when it is beyond the limit.
    pub(crate) fn current(&self) -> Option<&[u8]> {
        self.current
            .bytes
            .clone()
            .map(|range| strip_line_end(&self.buffer[range]))
    }

    /// Goes to the next record. False at the end of the source.
    ///
    /// After an error, [`offset`](Self::offset) is where the record begins that could not
    /// be read whole.
    pub(crate) fn advance(&mut self) -> io::Result<bool> {
        let mut end = RecordEnd::new(self.framing);
        let mut seen = 0;
        loop {
            let unread = &self.buffer[self.unread.clone()];
            let found = end.find(&unread[seen..]).map(|length| seen + length);
            seen = unread.len();
            if let Some(length) = found {
                self.take(length);
                return Ok(true);
            }
            if seen > self.limit {
                return self.pass_over(end);
            }
            if !self.fill()? {
                let rest = self.unread.len();
                self.take(rest);
                return Ok(rest > 0);
            }
        }
    }

    /// Passes over the rest of a line that began before the source did.
    pub(crate) fn skip_partial(&mut self) -> io::Result<()> {
        self.pass_over(RecordEnd::new(self.framing)).map(|_| ())
    }

    /// Makes the next `length` unread bytes the current record.
    fn take(&mut self, length: usize) {
        let record = self.unread.start..self.unread.start + length;
        self.current.offset = self.offset;
        self.current.bytes = (length <= self.limit).then_some(record);
        self.consume(length);
    }

    fn consume(&mut self, length: usize) {
        self.unread.start += length;
        self.offset += length as u64;
    }

    /// Passes over a record whose unread bytes are held only in part.
    fn pass_over(&mut self, mut end: RecordEnd) -> io::Result<bool> {
        self.current = Current {
            offset: self.offset,
            bytes: None,
        };
        // What `end` has seen already holds no end; whatever it has not seen follows it.
        let seen = match end.fresh {
            true => 0,
            false => self.unread.len(),
        };
        self.consume(seen);
        loop {
            if let Some(length) = end.find(&self.buffer[self.unread.clone()]) {
                self.consume(length);
                return Ok(true);
            }
            self.consume(self.unread.len());
            if self.offset >= self.wanted_below {
                return Ok(true);
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                Err(error) => {
                    self.offset = self.current.offset;
                    return Err(error);
                }
            }
        }
    }

    /// Reads one more block behind the unread bytes. False at the end of the source.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.unread.start > 0 && self.buffer.len() - self.unread.end < BLOCK / 2 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.buffer.len() - self.unread.end < BLOCK / 2 {
            let larger = (self.buffer.len() * 2).min(self.limit.saturating_add(2 * BLOCK));
            self.buffer.resize(larger.max(self.unread.end + BLOCK), 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.unread.end..]) {
                Ok(count) => {
                    self.unread.end += count;
                    self.ended = count == 0;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Looks for the end of one record, block by block.
struct RecordEnd {
    framing: Framing,
    csv: CsvState,
    fresh: bool,
}

impl RecordEnd {
    fn new(framing: Framing) -> RecordEnd {
        RecordEnd {
            framing,
            csv: CsvState::FieldStart,
            fresh: true,
        }
    }

    /// Length of the record within `bytes`, which follow what was seen before.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        self.fresh = false;
        match self.framing {
            Framing::Lines => memchr::memchr(b'\n', bytes).map(|at| at + 1),
            Framing::Csv => self.csv.record_end(bytes),
        }
    }
}

fn strip_line_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what is read of an endless line.
    struct Endless(usize);

    impl Read for &mut Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'x');
            self.0 += buffer.len();
            Ok(buffer.len())
        }
    }

    #[test]
    fn passing_over_a_line_stops_where_no_record_is_wanted() {
        let mut line = Endless(0);
        let mut records = Records::new(&mut line, Framing::Lines, 0, 1_000);
        records.want_below(3_000_000);
        records.skip_partial().unwrap();
        assert!((3_000_000..3_000_000 + BLOCK as u64).contains(&records.offset()));

        let mut records = Records::new(&mut line, Framing::Csv, 0, 1_000);
        records.want_below(10);
        assert!(records.advance().unwrap());
        assert_eq!(records.current(), None);
        assert!(line.0 < 3_000_000 + 3 * BLOCK, "{} bytes were read", line.0);
    }
}
