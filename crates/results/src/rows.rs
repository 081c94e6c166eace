//! A row of an ending, in the forms in which it is written and read.
//!
//! Every chart of an ended shard has at least one row: one for each finding, or one
//! without, or one that says why the chart was quarantined.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A row as it is read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub chart_id: String,
    pub status: Status,
    /// Why it was quarantined.
    pub reason: Option<String>,
    /// `None` where nothing was found.
    pub code: Option<String>,
    pub description: Option<String>,
    pub assertion: Option<Assertion>,
    /// Present, and a valid leaf code.
    pub billable: Option<bool>,
    /// The words that the code was found in.
    pub evidence: Option<String>,
    /// UTF-8 byte offset of the evidence in the chart.
    pub begin: Option<u64>,
    /// Exclusive.
    pub end: Option<u64>,
    pub section: Option<String>,
    pub engine: Option<String>,
    pub terminology: Option<String>,
    /// An `exec` engine's own JSON.
    pub answer: Option<String>,
    /// Carried unread from the input: JSON.
    pub meta: Option<String>,
    /// Where else the same was found: a JSON list of `[begin, end]`.
    pub also: Option<String>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("status", &self.status)
            .field("has_code", &self.code.is_some())
            .finish_non_exhaustive()
    }
}

/// Whether the chart was coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Coded,
    Quarantined,
}

/// What the chart says about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    Present,
    Negated,
    Possible,
    Historical,
    Family,
    Hypothetical,
}

/// What all rows of one chart share, borrowed for writing.
#[derive(Clone, Copy)]
pub struct Chart<'a> {
    pub chart_id: &'a str,
    /// JSON, carried unread from the input.
    pub meta: Option<&'a str>,
}

/// One finding, borrowed for writing.
#[derive(Clone, Copy, Default)]
pub struct Finding<'a> {
    /// `None`: nothing was found, and the other fields say by whom.
    pub code: Option<&'a str>,
    pub description: Option<&'a str>,
    pub assertion: Option<Assertion>,
    pub billable: Option<bool>,
    pub evidence: Option<&'a str>,
    /// UTF-8 byte offsets in the chart: begin, and end (exclusive).
    pub span: Option<(u64, u64)>,
    pub section: Option<&'a str>,
    pub engine: Option<&'a str>,
    pub terminology: Option<&'a str>,
    pub answer: Option<&'a str>,
    /// Where else the same was found.
    pub also: &'a [(u64, u64)],
}

impl fmt::Debug for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chart").finish_non_exhaustive()
    }
}

impl fmt::Debug for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finding")
            .field("has_code", &self.code.is_some())
            .finish_non_exhaustive()
    }
}

/// Not one of the words of this column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a word of this column")]
pub struct UnknownWord;

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coded => "coded",
            Self::Quarantined => "quarantined",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Coded, Self::Quarantined]
            .into_iter()
            .find(|s| s.as_str() == word)
            .ok_or(UnknownWord)
    }
}

impl Assertion {
    pub const ALL: [Self; 6] = [
        Self::Present,
        Self::Negated,
        Self::Possible,
        Self::Historical,
        Self::Family,
        Self::Hypothetical,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Negated => "negated",
            Self::Possible => "possible",
            Self::Historical => "historical",
            Self::Family => "family",
            Self::Hypothetical => "hypothetical",
        }
    }
}

impl FromStr for Assertion {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|a| a.as_str() == word)
            .ok_or(UnknownWord)
    }
}
