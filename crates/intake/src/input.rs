//! The input of a run: a directory of charts, or one file.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::listing::{ListedObject, Listing, ObjectKind};
use crate::planner::Cursor;

/// An input that exists and can be read.
#[derive(Debug, Clone)]
pub struct Input {
    root: PathBuf,
    only: Option<ListedObject>,
}

/// Why there is nothing to run on. Every one of these is a usage error (exit 2); the path
/// is the one that the user typed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing is there.
    #[error("input {path:?} does not exist")]
    Missing {
        /// As typed.
        path: PathBuf,
    },
    /// It is there, and the operating system refuses it.
    #[error("cannot read input {path:?}")]
    Unreadable {
        /// As typed.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file that is none of the kinds that hold charts.
    #[error("input {path:?} is not a chart file (.txt, .jsonl, .jsonl.gz, .jsonl.zst, .csv)")]
    NotCharts {
        /// As typed.
        path: PathBuf,
    },
    /// A directory without a single chart file.
    #[error("input {path:?} holds no chart files ({skipped} other files skipped)")]
    Empty {
        /// As typed.
        path: PathBuf,
        /// Files that are there and are not charts, hidden ones included.
        skipped: u64,
    },
}

impl Input {
    /// Opens a directory (the charts are the files below it) or one chart file (its chart
    /// id is its file name). Only looks; emptiness shows at the end of planning, see
    /// [`PlanSummary::require_charts`](crate::PlanSummary::require_charts).
    ///
    /// # Errors
    /// [`InputError`], for exit 2.
    pub fn open(path: &Path) -> Result<Input, InputError> {
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => InputError::Missing {
                path: path.to_owned(),
            },
            _ => InputError::Unreadable {
                path: path.to_owned(),
                source,
            },
        };
        let metadata = fs::metadata(path).map_err(refused)?;
        if metadata.is_dir() {
            fs::read_dir(path).map_err(refused)?;
            return Ok(Input {
                root: path.to_owned(),
                only: None,
            });
        }
        let not_charts = || InputError::NotCharts {
            path: path.to_owned(),
        };
        let name = path.file_name().ok_or_else(not_charts)?.as_bytes();
        let kind = ObjectKind::of_name(name).filter(|_| metadata.is_file());
        let kind = kind.ok_or_else(not_charts)?;
        fs::File::open(path).map_err(refused)?;
        let root = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let only = ListedObject::new(name.to_vec(), kind, &metadata);
        Ok(Input {
            root,
            only: Some(only),
        })
    }

    /// The directory that object paths are relative to: what a reader of shards needs.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lists the input in its one order, from the start or after a cursor. Nothing is read
    /// before the listing is advanced.
    pub fn list(&self, after: Option<&Cursor>) -> Listing {
        match &self.only {
            Some(object) => Listing::of_one(object.clone(), after),
            None => Listing::of_directory(self.root.clone(), after),
        }
    }
}
