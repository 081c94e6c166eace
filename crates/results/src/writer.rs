//! Writes the ending of a shard.

use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use crate::table::{self, Column, Numbers, Writer};
use crate::words::Words;
use crate::{
    Assertion, Chart, EndingKind, EndingMeta, Finding, ResultsError, Status, ending, pages, stamp,
};

/// The columns of an ending, in order.
pub(crate) const SCHEMA: &str = "
message ending {
  optional binary chart_id (UTF8);
  optional binary status (UTF8);
  optional binary reason (UTF8);
  optional binary code (UTF8);
  optional binary description (UTF8);
  optional binary assertion (UTF8);
  optional boolean billable;
  optional binary evidence (UTF8);
  optional int64 begin;
  optional int64 end;
  optional binary section (UTF8);
  optional binary engine (UTF8);
  optional binary terminology (UTF8);
  optional binary answer (UTF8);
  optional binary meta (UTF8);
  optional binary also (UTF8);
}";

/// Rows gathered before they are encoded: bounds what a writer holds.
const GROUP_ROWS: u64 = 64 * 1024;

/// Bytes gathered before they are encoded, for rows that are large.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Gathers rows and makes the Parquet of an ending of them.
///
/// Appending copies the fields into columns; nothing is allocated for a field. A row
/// that is refused leaves the writer as it was.
pub struct EndingWriter {
    columns: Columns,
    writer: Writer,
    /// Rows in `columns`.
    gathered: u64,
    rows: u64,
    findings: u64,
}

impl fmt::Debug for EndingWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndingWriter")
            .field("rows", &self.rows)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Columns {
    /// Where the text of `also` is made.
    list: Vec<u8>,
    chart_id: Words,
    status: Words,
    reason: Words,
    code: Words,
    description: Words,
    assertion: Words,
    billable: Numbers<bool>,
    evidence: Words,
    begin: Numbers<i64>,
    end: Numbers<i64>,
    section: Words,
    engine: Words,
    terminology: Words,
    answer: Words,
    meta: Words,
    also: Words,
}

impl EndingWriter {
    pub fn new() -> Result<Self, ResultsError> {
        Ok(Self {
            columns: Columns::default(),
            writer: table::writer(SCHEMA, &PROPERTIES).map_err(encode)?,
            gathered: 0,
            rows: 0,
            findings: 0,
        })
    }

    /// Appends one row of a coded chart: a finding, or `None` where nothing was found.
    pub fn coded(
        &mut self,
        chart: Chart<'_>,
        finding: Option<&Finding<'_>>,
    ) -> Result<(), ResultsError> {
        let nothing = Finding::default();
        let finding = finding.unwrap_or(&nothing);
        self.row(chart, Status::Coded, None, finding)
    }

    /// Appends the one row of a chart that could not be coded.
    pub fn quarantined(&mut self, chart: Chart<'_>, reason: &str) -> Result<(), ResultsError> {
        self.row(
            chart,
            Status::Quarantined,
            Some(reason),
            &Finding::default(),
        )
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows with a code so far.
    pub fn findings(&self) -> u64 {
        self.findings
    }

    /// Makes the file. `meta` must count what was appended.
    pub fn finish(mut self, meta: &EndingMeta) -> Result<Bytes, ResultsError> {
        self.check(meta)?;
        self.encode_gathered()?;
        let text = serde_json::to_string(meta)
            .map_err(|e| encode(ParquetError::General(e.to_string())))?;
        // The checksum is looked for behind everything else: it goes in last.
        for (key, value) in [(ending::KEY, text), (stamp::KEY, stamp::BLANK.to_owned())] {
            self.writer
                .append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let mut file = self.writer.into_inner().map_err(encode)?;
        stamp::fill(&mut file).ok_or_else(|| contradiction("its checksum has no place"))?;
        Ok(file.into())
    }

    fn check(&self, meta: &EndingMeta) -> Result<(), ResultsError> {
        let why = if meta.findings != self.findings {
            "it counts other findings than it has"
        } else if meta.charts_quarantined > meta.charts {
            "it counts more quarantined charts than charts"
        } else if meta.kind == EndingKind::Committed && meta.charts > self.rows {
            "it has charts without a row"
        } else if meta.kind == EndingKind::Split && (self.rows > 0 || meta.children.is_none()) {
            "a split has children, and no rows"
        } else {
            return Ok(());
        };
        Err(contradiction(why))
    }

    fn row(
        &mut self,
        chart: Chart<'_>,
        status: Status,
        reason: Option<&str>,
        finding: &Finding<'_>,
    ) -> Result<(), ResultsError> {
        let span = finding.span.map(offsets).transpose();
        let also = finding.also.iter().try_for_each(|s| offsets(*s).map(drop));
        let (Ok(span), Ok(())) = (span, also) else {
            return Err(ResultsError::Position { row: self.rows });
        };
        self.columns.push(chart, status, reason, finding, span);
        self.rows += 1;
        self.gathered += 1;
        self.findings += u64::from(finding.code.is_some());
        if self.gathered >= GROUP_ROWS || self.columns.bytes() >= GROUP_BYTES {
            self.encode_gathered()?;
        }
        Ok(())
    }

    fn encode_gathered(&mut self) -> Result<(), ResultsError> {
        if self.gathered > 0 {
            table::write_group(&mut self.writer, self.columns.all()).map_err(encode)?;
            self.gathered = 0;
        }
        Ok(())
    }
}

impl Columns {
    fn push(
        &mut self,
        chart: Chart<'_>,
        status: Status,
        reason: Option<&str>,
        finding: &Finding<'_>,
        span: Option<(i64, i64)>,
    ) {
        fn put(column: &mut Words, text: Option<&str>) {
            column.push(text.map(str::as_bytes));
        }
        put(&mut self.chart_id, Some(chart.chart_id));
        put(&mut self.status, Some(status.as_str()));
        put(&mut self.reason, reason);
        put(&mut self.code, finding.code);
        put(&mut self.description, finding.description);
        put(
            &mut self.assertion,
            finding.assertion.map(Assertion::as_str),
        );
        self.billable.push(finding.billable);
        put(&mut self.evidence, finding.evidence);
        self.begin.push(span.map(|s| s.0));
        self.end.push(span.map(|s| s.1));
        put(&mut self.section, finding.section);
        put(&mut self.engine, finding.engine);
        put(&mut self.terminology, finding.terminology);
        put(&mut self.answer, finding.answer);
        put(&mut self.meta, chart.meta);
        self.list.clear();
        for (i, (begin, end)) in finding.also.iter().enumerate() {
            let before = if i == 0 { '[' } else { ',' };
            // Writing to a Vec cannot fail.
            let _ = write!(self.list, "{before}[{begin},{end}]");
        }
        self.list.push(b']');
        self.also
            .push((!finding.also.is_empty()).then_some(&self.list));
    }

    /// Bytes gathered in columns whose values may be large.
    fn bytes(&self) -> usize {
        [
            &self.chart_id,
            &self.reason,
            &self.description,
            &self.evidence,
            &self.section,
            &self.answer,
            &self.meta,
            &self.also,
        ]
        .iter()
        .map(|c| c.bytes())
        .sum()
    }

    /// In the order of the schema.
    fn all(&mut self) -> [Column<'_>; 16] {
        [
            Column::Words(&mut self.chart_id),
            Column::Words(&mut self.status),
            Column::Words(&mut self.reason),
            Column::Words(&mut self.code),
            Column::Words(&mut self.description),
            Column::Words(&mut self.assertion),
            Column::Bool(&mut self.billable),
            Column::Words(&mut self.evidence),
            Column::Int64(&mut self.begin),
            Column::Int64(&mut self.end),
            Column::Words(&mut self.section),
            Column::Words(&mut self.engine),
            Column::Words(&mut self.terminology),
            Column::Words(&mut self.answer),
            Column::Words(&mut self.meta),
            Column::Words(&mut self.also),
        ]
    }
}

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(pages::compression())
        .set_statistics_enabled(EnabledStatistics::None)
        // Positions: of other columns this crate makes the pages itself.
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from("begin"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(ColumnPath::from("end"), Encoding::DELTA_BINARY_PACKED)
        .set_offset_index_disabled(true)
        .build();
    Arc::new(properties)
});

/// A position, if it can be one.
fn offsets((begin, end): (u64, u64)) -> Result<(i64, i64), ()> {
    match (i64::try_from(begin), i64::try_from(end)) {
        (Ok(b), Ok(e)) if b <= e => Ok((b, e)),
        _ => Err(()),
    }
}

fn encode(source: ParquetError) -> ResultsError {
    ResultsError::Encode {
        what: "an ending",
        source,
    }
}

fn contradiction(why: &'static str) -> ResultsError {
    ResultsError::Contradiction {
        what: "an ending",
        why,
    }
}

#[cfg(test)]
mod tests;
