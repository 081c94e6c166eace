//! Why a chart could not be read: a closed list, in words that hold nothing of the chart.

use std::borrow::Cow;

/// Why a chart gets a quarantined row instead of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Nothing but white space.
    Empty,
    /// Larger than the limit (bytes as stored: of the file, line or record).
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Bytes that the encoding of the spec does not have. Never replaced silently.
    NotInEncoding {
        /// Name of that encoding.
        encoding: &'static str,
    },
    /// A byte order mark says that it is another encoding than the spec's.
    OtherEncoding {
        /// Name of the encoding that the mark stands for.
        found: &'static str,
    },
    /// A NUL in the text: a binary file, or UTF-16 taken for UTF-8.
    Nul,
    /// Lines can be told apart only where ASCII bytes stand for themselves.
    LinesNotInAscii {
        /// Name of the encoding.
        encoding: &'static str,
    },
    /// A line that is not one JSON object.
    NotJson,
    /// No `id`, or an empty one.
    NoId,
    /// An `id` that is neither text nor a number.
    IdNotText,
    /// No `text`.
    NoText,
    /// A `text` that is not text.
    TextNotText,
    /// The header of a CSV file lacks a column that the spec names, or has it twice.
    CsvColumn {
        /// The column, as the spec names it.
        column: String,
        /// How often the header has it: 0, or more than once.
        found: usize,
    },
    /// A CSV record with more or fewer fields than its header.
    CsvFields {
        /// Fields of the record.
        found: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// The file ends inside a quoted CSV field.
    CsvQuote,
    /// The file was there when the run was planned, and is not any more.
    Vanished,
    /// The file is not the one that was planned: size or time of change differ.
    Changed,
    /// The operating system does not let us read it.
    Denied,
    /// A compressed file that is truncated or damaged from here on.
    Damaged,
    /// A compressed file that grows beyond the limit.
    TooMuchInside {
        /// The limit in bytes after decompression.
        limit: u64,
    },
    /// A path that leads out of the input.
    OutsideInput,
}

impl Unreadable {
    /// The reason as it stands in a row. Free of anything from the chart.
    pub fn as_reason(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Unreadable::Empty => "empty chart",
            Unreadable::TooLarge { limit } => {
                return Cow::Owned(format!("larger than the limit of {limit} bytes"));
            }
            Unreadable::NotInEncoding { encoding } => {
                return Cow::Owned(format!("not valid {encoding}"));
            }
            Unreadable::OtherEncoding { found } => {
                return Cow::Owned(format!("byte order mark of another encoding, {found}"));
            }
            Unreadable::Nul => "NUL in the text: binary, or another encoding",
            Unreadable::LinesNotInAscii { encoding } => {
                return Cow::Owned(format!("line files cannot be read as {encoding}"));
            }
            Unreadable::NotJson => "line is not a JSON object",
            Unreadable::NoId => "no id",
            Unreadable::IdNotText => "id is neither text nor a number",
            Unreadable::NoText => "no text",
            Unreadable::TextNotText => "text is not a string",
            Unreadable::CsvColumn { column, found: 0 } => {
                return Cow::Owned(format!("CSV header has no column {column:?}"));
            }
            Unreadable::CsvColumn { column, found } => {
                return Cow::Owned(format!("CSV header has column {column:?} {found} times"));
            }
            Unreadable::CsvFields { found, expected } => {
                return Cow::Owned(format!("CSV record has {found} fields, header {expected}"));
            }
            Unreadable::CsvQuote => "CSV file ends inside a quoted field",
            Unreadable::Vanished => "file vanished after the run was planned",
            Unreadable::Changed => "file changed after the run was planned",
            Unreadable::Denied => "permission denied",
            Unreadable::Damaged => "compressed file is truncated or damaged from here on",
            Unreadable::TooMuchInside { limit } => {
                return Cow::Owned(format!("decompresses to more than {limit} bytes"));
            }
            Unreadable::OutsideInput => "path leads out of the input",
        })
    }
}
