//! CSV (RFC 4180): one small state machine that both cuts a file into ranges and reads its
//! records, so that the two can never disagree.
//!
//! Fields are separated by commas and records by newlines (a carriage return before one
//! belongs to it). A field that begins with a quote lasts to the next single quote mark;
//! two of them stand for one. A quote anywhere else is an ordinary character.

use std::borrow::Cow;
use std::io::{self, Read};

use crate::unreadable::Unreadable;

/// Which columns of a CSV file are the chart: names as in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvColumns {
    /// The chart id.
    pub id: String,
    /// The text.
    pub text: String,
    /// Columns that become the chart's `meta`, a JSON object of strings by column name.
    pub meta: Vec<String>,
}

impl Default for CsvColumns {
    fn default() -> Self {
        CsvColumns {
            id: "id".to_owned(),
            text: "text".to_owned(),
            meta: Vec::new(),
        }
    }
}

/// Where the scan stands between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CsvState {
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote inside a quoted field: its end, or the first half of a quote mark.
    QuoteInQuoted,
}

impl CsvState {
    /// Goes on over `bytes` up to the end of the record; its length if it ends in there.
    pub(crate) fn record_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match *self {
                CsvState::FieldStart if byte == b'"' => {
                    *self = CsvState::Quoted;
                    at += 1;
                }
                CsvState::QuoteInQuoted if byte == b'"' => {
                    *self = CsvState::Quoted;
                    at += 1;
                }
                CsvState::Quoted => {
                    at += memchr::memchr(b'"', &bytes[at..])? + 1;
                    *self = CsvState::QuoteInQuoted;
                }
                CsvState::FieldStart | CsvState::Unquoted | CsvState::QuoteInQuoted => {
                    *self = CsvState::Unquoted;
                    at += memchr::memchr2(b',', b'\n', &bytes[at..])?;
                    if bytes[at] == b'\n' {
                        *self = CsvState::FieldStart;
                        return Some(at + 1);
                    }
                    *self = CsvState::FieldStart;
                    at += 1;
                }
            }
        }
        None
    }
}

/// Offsets of records at which to cut a CSV file so that the pieces hold at least
/// `piece` bytes each (the last one maybe less). Reads the whole file once.
pub(crate) fn record_cuts(mut source: impl Read, piece: u64) -> io::Result<Vec<u64>> {
    let mut buffer = vec![0; 256 * 1024];
    let mut state = CsvState::FieldStart;
    let (mut cuts, mut last, mut offset) = (Vec::new(), 0, 0);
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut at = 0;
        while let Some(length) = state.record_end(&buffer[at..count]) {
            at += length;
            let boundary = offset + at as u64;
            if boundary - last >= piece {
                cuts.push(boundary);
                last = boundary;
            }
        }
        offset += count as u64;
    }
    if cuts.last() == Some(&offset) {
        cuts.pop();
    }
    Ok(cuts)
}

/// The fields of one record, without its line end.
///
/// # Errors
/// [`Unreadable::CsvQuote`] when the last field's quote is never closed.
pub(crate) fn fields(record: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Unreadable> {
    let mut fields = Vec::with_capacity(8);
    let mut rest = record;
    loop {
        let (field, after) = match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(b",") {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

/// The field behind an opening quote, and what follows it: nothing, or a comma first.
fn quoted_field(quoted: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), Unreadable> {
    let mut end = memchr::memchr(b'"', quoted).ok_or(Unreadable::CsvQuote)?;
    let mut field = Cow::Borrowed(&quoted[..end]);
    loop {
        let after = &quoted[end + 1..];
        if after.starts_with(b"\"") {
            // A doubled quote: one mark, and the field goes on.
            let more = memchr::memchr(b'"', &after[1..]).ok_or(Unreadable::CsvQuote)?;
            field.to_mut().extend_from_slice(&after[..=more]);
            end += more + 2;
            continue;
        }
        let stray = memchr::memchr(b',', after).unwrap_or(after.len());
        if stray > 0 {
            field.to_mut().extend_from_slice(&after[..stray]);
        }
        return Ok((field, &after[stray..]));
    }
}

/// Where the wanted columns are in one file.
#[derive(Debug)]
pub(crate) struct CsvHeader {
    pub(crate) id: usize,
    pub(crate) text: usize,
    pub(crate) meta: Vec<(String, usize)>,
    pub(crate) count: usize,
}

impl CsvHeader {
    /// Finds the columns in the decoded names of the header record.
    ///
    /// # Errors
    /// [`Unreadable::CsvColumn`] for a column that is missing or there twice.
    pub(crate) fn new(names: &[Cow<'_, str>], wanted: &CsvColumns) -> Result<Self, Unreadable> {
        let find = |column: &str| {
            let mut places = (0..names.len()).filter(|&place| names[place] == column);
            match (places.next(), places.count()) {
                (Some(place), 0) => Ok(place),
                (first, more) => {
                    let found = usize::from(first.is_some()) + more;
                    Err(Unreadable::CsvColumn {
                        column: column.to_owned(),
                        found,
                    })
                }
            }
        };
        let meta = wanted
            .meta
            .iter()
            .map(|column| Ok((column.clone(), find(column)?)));
        Ok(CsvHeader {
            id: find(&wanted.id)?,
            text: find(&wanted.text)?,
            meta: meta.collect::<Result<_, Unreadable>>()?,
            count: names.len(),
        })
    }
}

#[cfg(test)]
mod tests;
