//! The plan: the shards of one segment, in a Parquet file named by its digest.
//!
//! One row for each object of a shard. Paths below the input are stored as the bytes
//! they are; they are chart ids, so nothing here shows them.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use crate::table::{self, Column, Numbers, Table, Texts, Values};
use crate::{ResultsError, UnknownWord, digest};

const SCHEMA: &str = "
message plan {
  optional int32 shard;
  optional int64 shard_bytes;
  optional binary format (UTF8);
  optional binary path;
  optional int64 size;
  optional binary version (UTF8);
  optional int64 begin;
  optional int64 end;
}";

/// A shard to be coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedShard {
    pub source: ShardSource,
    /// Bytes of chart text in it; an estimate for a compressed file.
    pub bytes: u64,
}

/// Which charts a shard holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardSource {
    /// Each object is one chart. Never empty.
    Files(Vec<ObjectRef>),
    /// The lines that begin in `begin..end` of one object. A compressed object is one
    /// shard; its range counts lines of the decompressed text, from 0 to beyond the last.
    Lines {
        object: ObjectRef,
        format: LineFormat,
        begin: u64,
        end: u64,
    },
}

/// One exact version of an object of the input.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Below the input root. Raw bytes: a file name need not be text.
    pub path: Vec<u8>,
    /// Bytes.
    pub size: u64,
    /// The ETag in S3, or the time of modification in ns on disk.
    pub version: String,
}

/// Shows no path: it is a chart id.
impl fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRef")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// A file of many charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineFormat {
    Jsonl,
    JsonlGz,
    JsonlZst,
    Csv,
}

impl LineFormat {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::JsonlGz => "jsonl.gz",
            Self::JsonlZst => "jsonl.zst",
            Self::Csv => "csv",
        }
    }
}

impl FromStr for LineFormat {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Jsonl, Self::JsonlGz, Self::JsonlZst, Self::Csv]
            .into_iter()
            .find(|f| f.as_str() == word)
            .ok_or(UnknownWord)
    }
}

/// Makes the plan file of a segment, and its digest, which names it.
pub fn encode_segment(shards: &[PlannedShard]) -> Result<(Bytes, String), ResultsError> {
    let mut columns = Columns::default();
    for (number, shard) in shards.iter().enumerate() {
        let number = i32::try_from(number).map_err(|_| contradiction("too many shards"))?;
        match &shard.source {
            ShardSource::Files(objects) if objects.is_empty() => {
                return Err(contradiction("a shard of no objects"));
            }
            ShardSource::Files(objects) => {
                for (i, object) in objects.iter().enumerate() {
                    let bytes = (i == 0).then_some(shard.bytes);
                    columns.push(number, bytes, object, None)?;
                }
            }
            ShardSource::Lines {
                object,
                format,
                begin,
                end,
            } => {
                if begin > end {
                    return Err(contradiction("a range that ends before it begins"));
                }
                columns.push(
                    number,
                    Some(shard.bytes),
                    object,
                    Some((*format, *begin, *end)),
                )?;
            }
        }
    }
    let encode = || {
        let mut writer = table::writer(SCHEMA, &PROPERTIES)?;
        table::write_group(&mut writer, columns.all())?;
        writer.into_inner()
    };
    let bytes = Bytes::from(encode_with(encode)?);
    let digest = digest(&bytes);
    Ok((bytes, digest))
}

/// Reads the shards of the plan file with this digest. Refuses any other bytes.
pub fn decode_segment(named: &str, bytes: Bytes) -> Result<Vec<PlannedShard>, ResultsError> {
    let object = format!("plan {named}");
    if digest(&bytes) != named {
        return Err(ResultsError::damaged(&object, "its digest differs"));
    }
    let table = Table::open(&object, SCHEMA, bytes)?;
    let mut shards = Vec::new();
    for group in 0..table.groups() {
        let columns = table.group(group)?;
        decode_group(columns, &mut shards)
            .ok_or_else(|| table.damaged("a row of it is not one"))?;
    }
    Ok(shards)
}

#[derive(Default)]
struct Columns {
    shard: Numbers<i32>,
    shard_bytes: Numbers<i64>,
    format: Texts,
    path: Texts,
    size: Numbers<i64>,
    version: Texts,
    begin: Numbers<i64>,
    end: Numbers<i64>,
}

impl Columns {
    fn push(
        &mut self,
        shard: i32,
        shard_bytes: Option<u64>,
        object: &ObjectRef,
        lines: Option<(LineFormat, u64, u64)>,
    ) -> Result<(), ResultsError> {
        let signed = |n| i64::try_from(n).map_err(|_| contradiction("a size above 2^63"));
        self.shard.push(Some(shard));
        self.shard_bytes.push(shard_bytes.map(signed).transpose()?);
        self.format
            .push(lines.map(|(format, ..)| format.as_str().as_bytes()));
        self.path.push(Some(&object.path));
        self.size.push(Some(signed(object.size)?));
        self.version.push(Some(object.version.as_bytes()));
        self.begin
            .push(lines.map(|(_, begin, _)| signed(begin)).transpose()?);
        self.end
            .push(lines.map(|(.., end)| signed(end)).transpose()?);
        Ok(())
    }

    /// In the order of the schema.
    fn all(&mut self) -> [Column<'_>; 8] {
        [
            Column::Int32(&mut self.shard),
            Column::Int64(&mut self.shard_bytes),
            Column::Text(&mut self.format),
            Column::Text(&mut self.path),
            Column::Int64(&mut self.size),
            Column::Text(&mut self.version),
            Column::Int64(&mut self.begin),
            Column::Int64(&mut self.end),
        ]
    }
}

/// `None` if a value is not one of its column.
fn decode_group(columns: Vec<Values>, shards: &mut Vec<PlannedShard>) -> Option<()> {
    let columns: [Values; 8] = columns.try_into().ok()?;
    let [
        Values::Int32(number),
        Values::Int64(shard_bytes),
        Values::Text(format),
        Values::Text(path),
        Values::Int64(size),
        Values::Text(version),
        Values::Int64(begin),
        Values::Int64(end),
    ] = columns
    else {
        return None;
    };
    for row in 0..number.len() {
        let object = ObjectRef {
            path: path.get(row)?.as_ref()?.data().to_vec(),
            size: u64::try_from((*size.get(row)?)?).ok()?,
            version: text(version.get(row)?.as_ref()?)?.to_owned(),
        };
        let number = usize::try_from((*number.get(row)?)?).ok()?;
        match *shard_bytes.get(row)? {
            // The first row of a shard is the one that tells its bytes.
            Some(bytes) if number == shards.len() => {
                let source = match format.get(row)?.as_ref() {
                    None => ShardSource::Files(vec![object]),
                    Some(format) => ShardSource::Lines {
                        object,
                        format: text(format)?.parse().ok()?,
                        begin: u64::try_from((*begin.get(row)?)?).ok()?,
                        end: u64::try_from((*end.get(row)?)?).ok()?,
                    },
                };
                shards.push(PlannedShard {
                    source,
                    bytes: u64::try_from(bytes).ok()?,
                });
            }
            None if number + 1 == shards.len() => match &mut shards.last_mut()?.source {
                ShardSource::Files(objects) => objects.push(object),
                ShardSource::Lines { .. } => return None,
            },
            _ => return None,
        }
    }
    Some(())
}

fn text(value: &ByteArray) -> Option<&str> {
    std::str::from_utf8(value.data()).ok()
}

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    // Paths and versions stay plain: zstd finds what neighbours share as well as a delta
    // encoding does (4.7 bytes a file instead of 4.5), and they are read in half the time.
    let column = |name: &str| ColumnPath::from(name);
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_dictionary_enabled(false)
        .set_column_dictionary_enabled(column("format"), true)
        .set_column_encoding(column("shard"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(column("size"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(column("begin"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(column("end"), Encoding::DELTA_BINARY_PACKED)
        .build();
    Arc::new(properties)
});

fn encode_with<T>(encode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ResultsError> {
    encode().map_err(|source| ResultsError::Encode {
        what: "a plan",
        source,
    })
}

fn contradiction(why: &'static str) -> ResultsError {
    ResultsError::Contradiction {
        what: "a plan",
        why,
    }
}

#[cfg(test)]
mod tests;
