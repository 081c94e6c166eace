//! The list of all endings of a run, which the seal names by its digest.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion,
};

use crate::table::{self, Column, Numbers, Table, Texts, Values};
use crate::{EndingKind, EndingMeta, ResultsError, digest};

const SCHEMA: &str = "
message manifest {
  optional int64 shard;
  optional binary kind (UTF8);
  optional int64 master_epoch;
  optional int64 lease;
  optional binary sha256 (UTF8);
  optional int64 bytes;
  optional int64 charts;
  optional int64 charts_quarantined;
  optional int64 findings;
}";

/// One ending of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestLine {
    pub shard: u32,
    pub kind: EndingKind,
    pub master_epoch: u64,
    pub lease: u64,
    /// Of the whole object, in hexadecimal.
    pub sha256: String,
    /// Size of the object.
    pub bytes: u64,
    pub charts: u64,
    pub charts_quarantined: u64,
    pub findings: u64,
}

impl ManifestLine {
    /// The line of an ending with this metadata, digest and size.
    pub fn new(meta: &EndingMeta, sha256: String, bytes: u64) -> Self {
        Self {
            shard: meta.shard,
            kind: meta.kind,
            master_epoch: meta.master_epoch,
            lease: meta.lease,
            sha256,
            bytes,
            charts: meta.charts,
            charts_quarantined: meta.charts_quarantined,
            findings: meta.findings,
        }
    }
}

/// Makes the list, in order of shards, and its digest. The order given does not matter:
/// the same endings make the same file.
pub fn encode_manifest(lines: &[ManifestLine]) -> Result<(Bytes, String), ResultsError> {
    let mut sorted: Vec<&ManifestLine> = lines.iter().collect();
    sorted.sort_by_key(|line| line.shard);
    if sorted.windows(2).any(|two| two[0].shard == two[1].shard) {
        return Err(contradiction("two endings of one shard"));
    }
    let mut columns = Columns::default();
    for line in sorted {
        columns.push(line)?;
    }
    let mut encode = || {
        let mut writer = table::writer(SCHEMA, &PROPERTIES)?;
        table::write_group(&mut writer, columns.all())?;
        writer.into_inner()
    };
    let encoded = encode().map_err(|source: ParquetError| ResultsError::Encode {
        what: "a manifest",
        source,
    });
    let bytes = Bytes::from(encoded?);
    let digest = digest(&bytes);
    Ok((bytes, digest))
}

/// Reads the list with this digest. Refuses any other bytes.
pub fn decode_manifest(named: &str, bytes: Bytes) -> Result<Vec<ManifestLine>, ResultsError> {
    let object = format!("manifest {named}");
    if digest(&bytes) != named {
        return Err(ResultsError::damaged(&object, "its digest differs"));
    }
    let table = Table::open(&object, SCHEMA, bytes)?;
    let mut lines = Vec::new();
    for group in 0..table.groups() {
        let columns = table.group(group)?;
        decode_group(columns, &mut lines).ok_or_else(|| table.damaged("a row of it is not one"))?;
    }
    Ok(lines)
}

#[derive(Default)]
struct Columns {
    shard: Numbers<i64>,
    kind: Texts,
    master_epoch: Numbers<i64>,
    lease: Numbers<i64>,
    sha256: Texts,
    bytes: Numbers<i64>,
    charts: Numbers<i64>,
    charts_quarantined: Numbers<i64>,
    findings: Numbers<i64>,
}

impl Columns {
    fn push(&mut self, line: &ManifestLine) -> Result<(), ResultsError> {
        let signed = |n: u64| {
            i64::try_from(n)
                .map(Some)
                .map_err(|_| contradiction("a number above 2^63"))
        };
        self.shard.push(Some(line.shard.into()));
        self.kind.push(Some(line.kind.as_str().as_bytes()));
        self.master_epoch.push(signed(line.master_epoch)?);
        self.lease.push(signed(line.lease)?);
        self.sha256.push(Some(line.sha256.as_bytes()));
        self.bytes.push(signed(line.bytes)?);
        self.charts.push(signed(line.charts)?);
        self.charts_quarantined
            .push(signed(line.charts_quarantined)?);
        self.findings.push(signed(line.findings)?);
        Ok(())
    }

    /// In the order of the schema.
    fn all(&mut self) -> [Column<'_>; 9] {
        [
            Column::Int64(&mut self.shard),
            Column::Text(&mut self.kind),
            Column::Int64(&mut self.master_epoch),
            Column::Int64(&mut self.lease),
            Column::Text(&mut self.sha256),
            Column::Int64(&mut self.bytes),
            Column::Int64(&mut self.charts),
            Column::Int64(&mut self.charts_quarantined),
            Column::Int64(&mut self.findings),
        ]
    }
}

/// `None` if a value is not one of its column.
fn decode_group(columns: Vec<Values>, lines: &mut Vec<ManifestLine>) -> Option<()> {
    let columns: [Values; 9] = columns.try_into().ok()?;
    let [
        Values::Int64(shard),
        Values::Text(kind),
        Values::Int64(master_epoch),
        Values::Int64(lease),
        Values::Text(sha256),
        Values::Int64(bytes),
        Values::Int64(charts),
        Values::Int64(charts_quarantined),
        Values::Int64(findings),
    ] = &columns
    else {
        return None;
    };
    let number = |column: &[Option<i64>], row: usize| u64::try_from((*column.get(row)?)?).ok();
    for row in 0..shard.len() {
        lines.push(ManifestLine {
            shard: u32::try_from(number(shard, row)?).ok()?,
            kind: text(kind.get(row)?)?.parse().ok()?,
            master_epoch: number(master_epoch, row)?,
            lease: number(lease, row)?,
            sha256: text(sha256.get(row)?)?.to_owned(),
            bytes: number(bytes, row)?,
            charts: number(charts, row)?,
            charts_quarantined: number(charts_quarantined, row)?,
            findings: number(findings, row)?,
        });
    }
    Some(())
}

fn text(value: &Option<ByteArray>) -> Option<&str> {
    std::str::from_utf8(value.as_ref()?.data()).ok()
}

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    Arc::new(properties)
});

fn contradiction(why: &'static str) -> ResultsError {
    ResultsError::Contradiction {
        what: "a manifest",
        why,
    }
}

#[cfg(test)]
mod tests;
