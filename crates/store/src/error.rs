//! What can go wrong with an object, by operation and key.

use std::io;
use std::path::{Path, PathBuf};

/// A store operation that failed. Keys and the store's own folder may be shown:
/// they never hold chart ids.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No space, or no quota, to write the object. Nothing of it is left.
    #[error("no space left to write {key}")]
    DiskFull {
        key: String,
        #[source]
        source: io::Error,
    },
    /// The operating system refused.
    #[error("cannot {operation} {key}")]
    Io {
        operation: &'static str,
        key: String,
        #[source]
        source: io::Error,
    },
    /// The object that had to be there is not.
    #[error("there is no object {key}")]
    NotFound { key: String },
    /// Asked for bytes that the object does not have.
    #[error("object {key} has {size} bytes, asked for {begin}..{end}")]
    Range {
        key: String,
        size: u64,
        begin: u64,
        end: u64,
    },
    /// Not a key: the caller's mistake.
    #[error("not an object key: {key:?}")]
    Key { key: String },
    /// The folder cannot be a store.
    #[error("the folder {} cannot hold results: cannot {operation}", root.display())]
    Folder {
        root: PathBuf,
        operation: &'static str,
        #[source]
        source: io::Error,
    },
    /// The store was opened for reading only.
    #[error("cannot create {key}: the store was opened for reading only")]
    ReadOnly { key: String },
}

impl StoreError {
    /// Whether the disk (or the quota) is full: a clear stop, not a retry.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull { .. } => true,
            Self::Folder { source, .. } => full(source),
            _ => false,
        }
    }

    pub(crate) fn io(operation: &'static str, key: &str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let key = key.to_owned();
        if full(&source) {
            Self::DiskFull { key, source }
        } else {
            Self::Io {
                operation,
                key,
                source,
            }
        }
    }

    pub(crate) fn folder(
        root: &Path,
        operation: &'static str,
        source: impl Into<io::Error>,
    ) -> Self {
        Self::Folder {
            root: root.to_owned(),
            operation,
            source: source.into(),
        }
    }
}

fn full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
