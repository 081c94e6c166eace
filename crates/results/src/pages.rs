//! The pages of a column that was gathered as numbers of a dictionary: one dictionary
//! page, one data page, as the Parquet format has them.

use std::cell::RefCell;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::words::Words;

/// The fastest level: the data is small and the processor belongs to the coder.
const LEVEL: i32 = 1;

thread_local! {
    /// Making one costs more than compressing a page.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        const { RefCell::new(None) };
}

/// The column's chunk, and what is to be said about it in the footer.
pub(crate) fn encode(words: &Words, column: ColumnDescPtr) -> Result<(Bytes, ColumnCloseResult)> {
    let mut out = TrackedWrite::new(Vec::new());
    let mut pages = Pages {
        writer: SerializedPageWriter::new(&mut out),
        compressed: 0,
        uncompressed: 0,
    };
    // A column of nulls has no dictionary, and its one page says only that.
    let dictionary = words.distinct() > 0;
    if dictionary {
        pages.write(words.dictionary(), |buf| {
            Ok(Page::DictionaryPage {
                buf,
                num_values: count(words.distinct())?,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            })
        })?;
    }
    let data_begins = pages.compressed;
    let encoding = match dictionary {
        true => Encoding::RLE_DICTIONARY,
        false => Encoding::PLAIN,
    };
    pages.write(&data(words)?, |buf| {
        Ok(Page::DataPage {
            buf,
            num_values: count(words.levels().len())?,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    })?;
    let (compressed, uncompressed) = (pages.compressed, pages.uncompressed);
    let metadata = ColumnChunkMetaData::builder(column)
        .set_compression(compression())
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, encoding])
        .set_total_compressed_size(compressed)
        .set_total_uncompressed_size(uncompressed)
        .set_num_values(i64::try_from(words.levels().len())?)
        .set_dictionary_page_offset(dictionary.then_some(0))
        .set_data_page_offset(data_begins)
        .build()?;
    let close = ColumnCloseResult {
        bytes_written: u64::try_from(compressed)?,
        rows_written: words.levels().len() as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok((out.into_inner()?.into(), close))
}

/// What the footer says of it. The level is not told.
pub(crate) fn compression() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

struct Pages<'a> {
    writer: SerializedPageWriter<'a, Vec<u8>>,
    /// Bytes of all pages so far with their headers.
    compressed: i64,
    uncompressed: i64,
}

impl Pages<'_> {
    fn write(&mut self, plain: &[u8], page: impl FnOnce(Bytes) -> Result<Page>) -> Result<()> {
        // The format counts the bytes of a page in 31 bits.
        i32::try_from(plain.len())?;
        let page = CompressedPage::new(page(compress(plain)?)?, plain.len());
        let written = self.writer.write_page(page)?;
        self.compressed += i64::try_from(written.compressed_size)?;
        self.uncompressed += i64::try_from(written.uncompressed_size)?;
        Ok(())
    }
}

/// Levels with their length before them, then the width of the numbers and the numbers.
fn data(words: &Words) -> Result<Vec<u8>> {
    let mut out = vec![0; 4];
    runs(words.levels(), 1, &mut out);
    let levels = count(out.len() - 4)?;
    out[..4].copy_from_slice(&levels.to_le_bytes());
    if let Some(greatest) = words.distinct().checked_sub(1) {
        let width = u8::try_from(usize::BITS - greatest.leading_zeros())?;
        out.push(width);
        runs(words.numbers(), width, &mut out);
    }
    Ok(out)
}

/// Encodes numbers of `width` bits as Parquet's hybrid of runs and packed bits. A number
/// repeated from a group's beginning for at least a group is a run; all else is packed,
/// in groups of eight.
fn runs(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    let (mut at, mut packed_from) = (0, 0);
    while at < numbers.len() {
        let first = numbers[at];
        let repeated = numbers[at..].iter().take_while(|n| **n == first).count();
        if repeated >= 8 {
            pack(&numbers[packed_from..at], width, out);
            varint((repeated as u64) << 1, out);
            out.extend_from_slice(&first.to_le_bytes()[..usize::from(width.div_ceil(8))]);
            at += repeated;
            packed_from = at;
        } else {
            at = numbers.len().min(at + 8);
        }
    }
    pack(&numbers[packed_from..], width, out);
}

fn pack(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * usize::from(width);
    let (mut bits, mut held) = (0_u64, 0);
    for number in numbers {
        bits |= u64::from(*number) << held;
        held += width;
        while held >= 32 {
            let (low, rest) = (bits & u64::from(u32::MAX), bits >> 32);
            out.extend_from_slice(&low.to_le_bytes()[..4]);
            (bits, held) = (rest, held - 32);
        }
    }
    // The last group is filled up with zeros.
    out.extend_from_slice(&bits.to_le_bytes()[..usize::from(held.div_ceil(8))]);
    out.resize(end, 0);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

fn compress(plain: &[u8]) -> Result<Bytes> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(zstd::bulk::Compressor::new(LEVEL)?),
        };
        Ok(compressor.compress(plain)?.into())
    })
}

fn count(n: usize) -> Result<u32> {
    u32::try_from(n).map_err(|_| ParquetError::General("too many values for a page".into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes by the words of the format, one number after another.
    fn decode(mut bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let mut header = 0_u64;
            for shift in (0..).step_by(7) {
                header |= u64::from(bytes[0] & 0x7f) << shift;
                let more = bytes[0] & 0x80 != 0;
                bytes = &bytes[1..];
                if !more {
                    break;
                }
            }
            let amount = usize::try_from(header >> 1).unwrap();
            if header & 1 == 0 {
                let length = usize::from(width.div_ceil(8));
                let mut value = [0; 4];
                value[..length].copy_from_slice(&bytes[..length]);
                bytes = &bytes[length..];
                numbers.extend(vec![u32::from_le_bytes(value); amount]);
            } else {
                for n in 0..amount * 8 {
                    let bit = |b: usize| u32::from(bytes[b / 8] >> (b % 8) & 1);
                    let width = usize::from(width);
                    numbers.push((0..width).map(|b| bit(n * width + b) << b).sum());
                }
                bytes = &bytes[amount * usize::from(width)..];
            }
        }
        assert!(bytes.is_empty());
        assert!(numbers[count..].iter().all(|n| *n == 0));
        numbers.truncate(count);
        numbers
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            width in 0..=32_u8,
            parts in prop::collection::vec((any::<u32>(), 1..20_usize), 0..30),
        ) {
            let mask = u32::try_from((1_u64 << width) - 1).unwrap();
            let numbers: Vec<u32> = parts
                .iter()
                .flat_map(|(n, times)| vec![n & mask; *times])
                .collect();
            let mut out = Vec::new();
            runs(&numbers, width, &mut out);
            prop_assert_eq!(decode(&out, width, numbers.len()), numbers);
        }
    }
}
