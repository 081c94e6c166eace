//! Columns in and out of Parquet, by its low-level interface: what the plan, the
//! endings and the list of endings have in common.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{Type, TypePtr};

use crate::words::Words;
use crate::{ResultsError, pages};

/// One optional column of a row group, gathered and not yet encoded.
pub(crate) enum Column<'a> {
    Text(&'a mut Texts),
    Words(&'a mut Words),
    Int32(&'a mut Numbers<i32>),
    Int64(&'a mut Numbers<i64>),
    Bool(&'a mut Numbers<bool>),
}

/// Byte strings end to end in one buffer: no allocation for each.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    levels: Vec<i16>,
}

#[derive(Debug)]
pub(crate) struct Numbers<T> {
    values: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            levels: Vec::new(),
        }
    }
}

impl Texts {
    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        self.levels.push(i16::from(value.is_some()));
        if let Some(value) = value {
            self.bytes.extend_from_slice(value);
            self.ends.push(self.bytes.len());
        }
    }

    fn take(&mut self) -> (Vec<ByteArray>, Vec<i16>) {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut begin = 0;
        let mut values = Vec::with_capacity(self.ends.len());
        for end in self.ends.drain(..) {
            values.push(ByteArray::from(bytes.slice(begin..end)));
            begin = end;
        }
        (values, std::mem::take(&mut self.levels))
    }
}

impl<T> Numbers<T> {
    pub(crate) fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

/// Writes row groups of gathered columns to memory.
pub(crate) type Writer = SerializedFileWriter<Vec<u8>>;

pub(crate) fn writer(schema: &str, properties: &WriterPropertiesPtr) -> Result<Writer> {
    SerializedFileWriter::new(Vec::new(), parse(schema)?, Arc::clone(properties))
}

pub(crate) fn parse(schema: &str) -> Result<TypePtr> {
    Ok(Arc::new(parse_message_type(schema)?))
}

/// Encodes what the columns gathered as one row group, and empties them.
pub(crate) fn write_group<'a>(
    writer: &mut Writer,
    columns: impl IntoIterator<Item = Column<'a>>,
) -> Result<()> {
    let described: Vec<_> = writer.schema_descr().columns().to_vec();
    let mut group = writer.next_row_group()?;
    for (column, described) in columns.into_iter().zip(described) {
        if let Column::Words(words) = column {
            let (chunk, close) = pages::encode(words, described)?;
            group.append_column(&chunk, close)?;
            words.clear();
            continue;
        }
        let mut out = group
            .next_column()?
            .ok_or_else(|| ParquetError::General("more columns than the schema".into()))?;
        match (out.untyped(), column) {
            (ColumnWriter::ByteArrayColumnWriter(out), Column::Text(texts)) => {
                let (values, levels) = texts.take();
                out.write_batch(&values, Some(&levels), None)?;
            }
            (ColumnWriter::Int32ColumnWriter(out), Column::Int32(n)) => {
                out.write_batch(&n.values, Some(&n.levels), None)?;
                *n = Numbers::default();
            }
            (ColumnWriter::Int64ColumnWriter(out), Column::Int64(n)) => {
                out.write_batch(&n.values, Some(&n.levels), None)?;
                *n = Numbers::default();
            }
            (ColumnWriter::BoolColumnWriter(out), Column::Bool(n)) => {
                out.write_batch(&n.values, Some(&n.levels), None)?;
                *n = Numbers::default();
            }
            _ => {
                return Err(ParquetError::General(
                    "a column of another type than the schema".into(),
                ));
            }
        }
        out.close()?;
    }
    group.close()?;
    Ok(())
}

/// A Parquet file in memory whose columns are those of a schema.
pub(crate) struct Table {
    object: String,
    reader: SerializedFileReader<Bytes>,
}

impl Table {
    /// Reads the footer. `object` names the file in errors.
    pub(crate) fn open(object: &str, schema: &str, bytes: Bytes) -> Result<Self, ResultsError> {
        let damaged = |why| ResultsError::damaged(object, why);
        let opened = guarded(|| {
            let reader = SerializedFileReader::new(bytes)?;
            Ok((reader, parse(schema)?))
        });
        let (reader, expected) = opened.ok_or_else(|| damaged("it is not a Parquet file"))?;
        if !same_columns(reader.metadata().file_metadata().schema(), &expected) {
            return Err(damaged("it has other columns"));
        }
        Ok(Self {
            object: object.to_owned(),
            reader,
        })
    }

    pub(crate) fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// All columns of one row group, each with the same number of values.
    pub(crate) fn group(&self, index: usize) -> Result<Vec<Values>, ResultsError> {
        guarded(|| {
            let group = self.reader.get_row_group(index)?;
            let rows = usize::try_from(group.metadata().num_rows())?;
            (0..group.num_columns())
                .map(|column| Values::read(group.as_ref(), column, rows))
                .collect()
        })
        .ok_or_else(|| self.damaged("its pages cannot be decoded"))
    }

    /// One column of one row group.
    pub(crate) fn column(&self, group: usize, column: usize) -> Result<Values, ResultsError> {
        guarded(|| {
            let group = self.reader.get_row_group(group)?;
            let rows = usize::try_from(group.metadata().num_rows())?;
            Values::read(group.as_ref(), column, rows)
        })
        .ok_or_else(|| self.damaged("its pages cannot be decoded"))
    }

    pub(crate) fn damaged(&self, why: &'static str) -> ResultsError {
        ResultsError::damaged(&self.object, why)
    }
}

/// The values of one column of a row group.
pub(crate) enum Values {
    Text(Vec<Option<ByteArray>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
}

impl Values {
    fn read(group: &dyn RowGroupReader, column: usize, rows: usize) -> Result<Self> {
        Ok(match group.get_column_reader(column)? {
            ColumnReader::ByteArrayColumnReader(r) => {
                Self::Text(optional::<ByteArrayType>(r, rows)?)
            }
            ColumnReader::Int32ColumnReader(r) => Self::Int32(optional::<Int32Type>(r, rows)?),
            ColumnReader::Int64ColumnReader(r) => Self::Int64(optional::<Int64Type>(r, rows)?),
            ColumnReader::BoolColumnReader(r) => Self::Bool(optional::<BoolType>(r, rows)?),
            _ => return Err(ParquetError::General("a column of an unused type".into())),
        })
    }
}

fn optional<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
) -> Result<Vec<Option<T::T>>> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, _, _) =
            reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::General("a column ends early".into()));
        }
        read += records;
    }
    let mut values = values.into_iter();
    levels
        .into_iter()
        .map(|level| match level {
            0 => Ok(None),
            _ => values
                .next()
                .map(Some)
                .ok_or_else(|| ParquetError::General("a value is missing".into())),
        })
        .collect()
}

/// Runs library code over bytes that may be damaged. It reports most damage; what makes
/// it panic is the same to us.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decode)).ok()?.ok()
}

fn same_columns(found: &Type, expected: &Type) -> bool {
    let columns = |t: &Type| -> Option<Vec<(String, parquet::basic::Type, bool)>> {
        if !t.is_group() {
            return None;
        }
        t.get_fields()
            .iter()
            .map(|f| {
                f.is_primitive()
                    .then(|| (f.name().to_owned(), f.get_physical_type(), f.is_optional()))
            })
            .collect()
    };
    columns(found).is_some_and(|found| columns(expected) == Some(found))
}
