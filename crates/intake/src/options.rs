//! How charts are to be read: the part of a run's spec that concerns this crate.

use encoding_rs::{Encoding, UTF_8};

use crate::csv::CsvColumns;
use crate::unreadable::Unreadable;

/// How charts are to be read. The default is UTF-8, columns `id` and `text`, and the limits
/// below.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    encoding: &'static Encoding,
    csv: CsvColumns,
    max_chart_bytes: u64,
    max_inside_bytes: u64,
}

/// The spec asks for something that does not exist. For exit 2.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// A label that the WHATWG encoding standard does not have.
    #[error("unknown encoding {label:?} (for example: utf-8, windows-1252, iso-8859-15, utf-16le)")]
    UnknownEncoding {
        /// As written in the spec.
        label: String,
    },
}

impl ReadOptions {
    /// A text larger than this is quarantined: 16 MiB is some 5,000 pages.
    pub const MAX_CHART_BYTES: u64 = 16 << 20;
    /// A compressed file that holds more than this is cut off there: 16 GiB.
    pub const MAX_INSIDE_BYTES: u64 = 16 << 30;

    /// Charts in the encoding of this label (as in the WHATWG encoding standard).
    ///
    /// # Errors
    /// [`OptionsError::UnknownEncoding`].
    pub fn with_encoding(mut self, label: &str) -> Result<Self, OptionsError> {
        self.encoding = Encoding::for_label(label.as_bytes())
            .filter(|&encoding| encoding != encoding_rs::REPLACEMENT)
            .ok_or_else(|| OptionsError::UnknownEncoding {
                label: label.to_owned(),
            })?;
        Ok(self)
    }

    /// CSV files have these columns.
    pub fn with_csv_columns(mut self, columns: CsvColumns) -> Self {
        self.csv = columns;
        self
    }

    /// Limit of one chart: bytes, as stored, of its file, line or record.
    pub fn with_max_chart_bytes(mut self, bytes: u64) -> Self {
        self.max_chart_bytes = bytes;
        self
    }

    /// Limit of one compressed file, in bytes after decompression.
    pub fn with_max_inside_bytes(mut self, bytes: u64) -> Self {
        self.max_inside_bytes = bytes;
        self
    }

    pub(crate) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    pub(crate) fn csv_columns(&self) -> &CsvColumns {
        &self.csv
    }

    pub(crate) fn max_chart_bytes(&self) -> u64 {
        self.max_chart_bytes
    }

    pub(crate) fn too_large(&self) -> Unreadable {
        Unreadable::TooLarge {
            limit: self.max_chart_bytes,
        }
    }

    pub(crate) fn max_inside_bytes(&self) -> u64 {
        self.max_inside_bytes
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            encoding: UTF_8,
            csv: CsvColumns::default(),
            max_chart_bytes: ReadOptions::MAX_CHART_BYTES,
            max_inside_bytes: ReadOptions::MAX_INSIDE_BYTES,
        }
    }
}
