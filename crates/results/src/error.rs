//! What can be wrong with a file of results, by the file's key.

use store::StoreError;

/// A file that cannot be written or read. Says which, and never what is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultsError {
    #[error("cannot read results")]
    Store(#[from] StoreError),
    /// The file is damaged, or not one of ours.
    #[error("{object} is damaged: {why}")]
    Damaged { object: String, why: &'static str },
    /// A finding whose position cannot be.
    #[error("row {row} of an ending has an impossible position in its chart")]
    Position { row: u64 },
    /// What was to be written contradicts itself: a programming error of the caller.
    #[error("cannot write {what}: {why}")]
    Contradiction {
        what: &'static str,
        why: &'static str,
    },
    /// The Parquet library refused to encode.
    #[error("cannot encode {what}")]
    Encode {
        what: &'static str,
        #[source]
        source: parquet::errors::ParquetError,
    },
}

impl ResultsError {
    pub(crate) fn damaged(object: &str, why: &'static str) -> Self {
        Self::Damaged {
            object: object.to_owned(),
            why,
        }
    }
}
