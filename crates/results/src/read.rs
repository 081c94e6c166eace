//! Reads the rows of an ending.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use parquet::data_type::ByteArray;

use crate::table::{Table, Values};
use crate::writer::SCHEMA;
use crate::{ResultsError, Row, stamp};

/// Reads the rows of an ending, `object` being its name in errors. Damage anywhere in
/// the file is found here, before the first row.
pub fn read_rows(object: &str, bytes: Bytes) -> Result<Rows, ResultsError> {
    if !stamp::holds(&bytes) {
        return Err(ResultsError::damaged(object, "its checksum differs"));
    }
    Ok(Rows {
        table: Table::open(object, SCHEMA, bytes)?,
        next_group: 0,
        rows: Vec::new().into_iter(),
    })
}

/// The rows of an ending, in the order in which they were appended.
pub struct Rows {
    table: Table,
    next_group: usize,
    rows: std::vec::IntoIter<Row>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl Iterator for Rows {
    type Item = Result<Row, ResultsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            if self.next_group == self.table.groups() {
                return None;
            }
            let group = self.table.group(self.next_group);
            self.next_group += 1;
            let rows = group.and_then(|columns| {
                rows(columns).ok_or_else(|| self.table.damaged("a row of it is not one"))
            });
            match rows {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(e) => {
                    self.next_group = self.table.groups();
                    return Some(Err(e));
                }
            }
        }
    }
}

/// `None` if a value is not one of its column.
fn rows(columns: Vec<Values>) -> Option<Vec<Row>> {
    let columns: [Values; 16] = columns.try_into().ok()?;
    let [
        Values::Text(chart_id),
        Values::Text(status),
        Values::Text(reason),
        Values::Text(code),
        Values::Text(description),
        Values::Text(assertion),
        Values::Bool(billable),
        Values::Text(evidence),
        Values::Int64(begin),
        Values::Int64(end),
        Values::Text(section),
        Values::Text(engine),
        Values::Text(terminology),
        Values::Text(answer),
        Values::Text(meta),
        Values::Text(also),
    ] = &columns
    else {
        return None;
    };
    (0..chart_id.len())
        .map(|i| {
            Some(Row {
                chart_id: text(chart_id, i)??,
                status: word(status, i)??,
                reason: text(reason, i)?,
                code: text(code, i)?,
                description: text(description, i)?,
                assertion: word(assertion, i)?,
                billable: *billable.get(i)?,
                evidence: text(evidence, i)?,
                begin: offset(begin, i)?,
                end: offset(end, i)?,
                section: text(section, i)?,
                engine: text(engine, i)?,
                terminology: text(terminology, i)?,
                answer: text(answer, i)?,
                meta: text(meta, i)?,
                also: text(also, i)?,
            })
        })
        .collect()
}

/// Outer `None`: not a value. Inner `None`: null.
fn text(column: &[Option<ByteArray>], row: usize) -> Option<Option<String>> {
    match column.get(row)? {
        None => Some(None),
        Some(bytes) => {
            let text = std::str::from_utf8(bytes.data()).ok()?;
            Some(Some(text.to_owned()))
        }
    }
}

fn word<T: FromStr>(column: &[Option<ByteArray>], row: usize) -> Option<Option<T>> {
    match column.get(row)? {
        None => Some(None),
        Some(bytes) => {
            let word = std::str::from_utf8(bytes.data()).ok()?;
            Some(Some(word.parse().ok()?))
        }
    }
}

fn offset(column: &[Option<i64>], row: usize) -> Option<Option<u64>> {
    match column.get(row)? {
        None => Some(None),
        Some(at) => Some(Some(u64::try_from(*at).ok()?)),
    }
}
