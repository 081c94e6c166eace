//! Walks an input in a fixed order: depth first, the entries of a directory sorted by the
//! bytes of their names. A walk can therefore go on after any object it has named.
//!
//! Symlinks are followed, also out of the input. A directory that is its own ancestor (a
//! symlink loop) is reported and not entered again. At any time the walk holds the names
//! of the directories on its current path, nothing else.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use results::plan::{LineFormat, ObjectRef, ShardSource};

use crate::extent::ALL_LINES;
use crate::names::{DirectoryNames, EntryKind};
use crate::planner::Cursor;

/// One walk over an input; an iterator over what it finds.
pub struct Listing {
    root: PathBuf,
    /// Path of the current directory below the root: empty, or ending in `/`.
    path: Vec<u8>,
    levels: Vec<Level>,
    /// Names still to be followed down to the object after which to go on.
    resume: VecDeque<Vec<u8>>,
    ready: VecDeque<Listed>,
    started: bool,
}

/// What the walk met.
#[derive(Debug, Clone)]
pub enum Listed {
    /// A file that holds charts.
    Object(ListedObject),
    /// A file that does not; counted, so that nobody wonders where it went.
    Skipped(Skip),
    /// A place that could not be listed: what is below it is not part of the plan.
    Trouble(Trouble),
}

/// A file with charts, as it is at this moment.
#[derive(Debug, Clone)]
pub struct ListedObject {
    /// Path below the input, size, and the version that a reader must find.
    pub object: ObjectRef,
    /// What kind of file.
    pub kind: ObjectKind,
}

/// The kinds of files that hold charts, by the end of their names (ASCII case ignored).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// `.txt`: one chart.
    Text,
    /// A file of lines or records: one chart each.
    Lines(LineFormat),
}

/// Why a file is not charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// Its name, or that of a whole directory, begins with a dot.
    Hidden,
    /// Its name ends in none of the known ways.
    OtherKind,
    /// A socket, pipe or device.
    Special,
}

/// A place that could not be listed.
#[derive(Clone)]
pub struct Trouble {
    /// Where, below the input. As private as a chart id: for the operator's eyes, not logs.
    pub path: Vec<u8>,
    /// What is wrong with it.
    pub kind: TroubleKind,
}

/// What can be wrong with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// A symlink to a directory that the walk is in; not entered again.
    Loop,
    /// The operating system refused.
    Denied,
    /// It was gone when the walk came to it, or is a symlink to nothing.
    Vanished,
    /// Any other error of the file system.
    Failed(io::ErrorKind),
}

struct Level {
    names: DirectoryNames,
    /// Length of `Listing::path` outside this directory.
    outer: usize,
    identity: (u64, u64),
}

impl Listing {
    pub(crate) fn of_directory(root: PathBuf, after: Option<&Cursor>) -> Listing {
        let mut resume = VecDeque::new();
        if let Some(cursor) = after {
            resume.extend(
                cursor
                    .path()
                    .split(|&byte| byte == b'/')
                    .map(<[u8]>::to_vec),
            );
        }
        Listing {
            root,
            path: Vec::new(),
            levels: Vec::new(),
            resume,
            ready: VecDeque::new(),
            started: false,
        }
    }

    pub(crate) fn of_one(object: ListedObject, after: Option<&Cursor>) -> Listing {
        let done = after.is_some_and(|cursor| cursor.path() == object.object.path);
        let mut listing = Listing::of_directory(PathBuf::new(), None);
        listing.started = true;
        listing
            .ready
            .extend((!done).then_some(Listed::Object(object)));
        listing
    }

    /// Looks at the entry `name` of the current directory.
    fn visit(&mut self, name: &[u8], kind: EntryKind) {
        if name.starts_with(b".") {
            self.ready.push_back(Listed::Skipped(Skip::Hidden));
            return;
        }
        // Most files of an odd input are skipped by name alone, without a `stat`.
        let object_kind = ObjectKind::of_name(name);
        match kind {
            EntryKind::Special => self.ready.push_back(Listed::Skipped(Skip::Special)),
            EntryKind::File if object_kind.is_none() => {
                self.ready.push_back(Listed::Skipped(Skip::OtherKind));
            }
            EntryKind::File | EntryKind::Directory | EntryKind::Unknown => {
                let mut path = self.path.clone();
                path.extend_from_slice(name);
                match fs::metadata(self.root.join(OsStr::from_bytes(&path))) {
                    Ok(metadata) if metadata.is_dir() => self.enter(path, &metadata),
                    Ok(metadata) => self.file(path, object_kind, &metadata),
                    Err(error) => self.trouble(path, TroubleKind::of(&error)),
                }
            }
        }
    }

    fn file(&mut self, path: Vec<u8>, kind: Option<ObjectKind>, metadata: &fs::Metadata) {
        self.ready.push_back(match kind {
            _ if !metadata.is_file() => Listed::Skipped(Skip::Special),
            None => Listed::Skipped(Skip::OtherKind),
            Some(kind) => Listed::Object(ListedObject::new(path, kind, metadata)),
        });
    }

    /// Goes into the directory at `path`, which is below the root.
    fn enter(&mut self, path: Vec<u8>, metadata: &fs::Metadata) {
        let identity = (metadata.dev(), metadata.ino());
        if self.levels.iter().any(|level| level.identity == identity) {
            self.trouble(path, TroubleKind::Loop);
            return;
        }
        let (mut names, broken) =
            match DirectoryNames::read(&self.root.join(OsStr::from_bytes(&path))) {
                Ok(read) => read,
                Err(error) => {
                    self.trouble(path, TroubleKind::of(&error));
                    return;
                }
            };
        if let Some(error) = broken {
            self.trouble(path.clone(), TroubleKind::of(&error));
        }
        if let Some(name) = self.resume.front() {
            names.skip_to(name);
        }
        self.levels.push(Level {
            names,
            outer: self.path.len(),
            identity,
        });
        self.path = path;
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
    }

    fn trouble(&mut self, path: Vec<u8>, kind: TroubleKind) {
        self.ready
            .push_back(Listed::Trouble(Trouble { path, kind }));
    }

    /// Takes the next name of the innermost directory; `None` when the walk is over.
    fn advance(&mut self) -> Option<()> {
        if !self.started {
            self.started = true;
            match fs::metadata(&self.root) {
                Ok(metadata) => self.enter(Vec::new(), &metadata),
                Err(error) => self.trouble(Vec::new(), TroubleKind::of(&error)),
            }
            return Some(());
        }
        let level = self.levels.last_mut()?;
        let Some((name, kind)) = level.names.next() else {
            self.path.truncate(level.outer);
            self.levels.pop();
            self.resume.clear();
            return Some(());
        };
        let name = name.to_vec();
        let Some(wanted) = self.resume.pop_front() else {
            self.visit(&name, kind);
            return Some(());
        };
        if wanted != name {
            // What the cursor names is gone; this is the first entry behind it.
            self.resume.clear();
            self.visit(&name, kind);
        } else if self.resume.is_empty() {
            // The object that is done, unless a directory has taken its name since.
            if kind == EntryKind::Directory {
                self.visit(&name, kind);
            }
        } else {
            let depth = self.levels.len();
            self.visit(&name, kind);
            if self.levels.len() == depth {
                self.resume.clear();
            }
        }
        Some(())
    }
}

impl Iterator for Listing {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        loop {
            if let Some(listed) = self.ready.pop_front() {
                return Some(listed);
            }
            self.advance()?;
        }
    }
}

impl ObjectKind {
    /// The kind of a file of this name, or `None` when it does not hold charts.
    pub fn of_name(name: &[u8]) -> Option<ObjectKind> {
        let ends = |end: &str| {
            name.len() > end.len()
                && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        };
        [
            (".txt", ObjectKind::Text),
            (".jsonl", ObjectKind::Lines(LineFormat::Jsonl)),
            (".jsonl.gz", ObjectKind::Lines(LineFormat::JsonlGz)),
            (".jsonl.zst", ObjectKind::Lines(LineFormat::JsonlZst)),
            (".csv", ObjectKind::Lines(LineFormat::Csv)),
        ]
        .into_iter()
        .find_map(|(end, kind)| ends(end).then_some(kind))
    }
}

impl ListedObject {
    pub(crate) fn new(path: Vec<u8>, kind: ObjectKind, metadata: &fs::Metadata) -> ListedObject {
        let version = version_on_disk(metadata);
        ListedObject {
            object: ObjectRef {
                path,
                size: metadata.len(),
                version,
            },
            kind,
        }
    }

    /// The whole object as one source.
    pub fn source(&self) -> ShardSource {
        let object = self.object.clone();
        match self.kind {
            ObjectKind::Text => ShardSource::Files(vec![object]),
            ObjectKind::Lines(format) => {
                let end = match format {
                    LineFormat::Jsonl | LineFormat::Csv => object.size,
                    LineFormat::JsonlGz | LineFormat::JsonlZst => ALL_LINES,
                };
                ShardSource::Lines {
                    object,
                    format,
                    begin: 0,
                    end,
                }
            }
        }
    }
}

impl TroubleKind {
    fn of(error: &io::Error) -> TroubleKind {
        match error.kind() {
            // The system's own word for a symlink that leads to itself.
            _ if is_symlink_loop(error) => TroubleKind::Loop,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TroubleKind::Vanished,
            io::ErrorKind::PermissionDenied => TroubleKind::Denied,
            other => TroubleKind::Failed(other),
        }
    }
}

/// ELOOP, which `io::ErrorKind` has no stable name for.
pub(crate) fn is_symlink_loop(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

/// The version of a file on disk: its size and the nanosecond of its last modification.
/// A change that keeps the size within one clock tick of the file system goes unseen.
pub(crate) fn version_on_disk(metadata: &fs::Metadata) -> String {
    format!(
        "{}-{}.{:09}",
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}

// Names of files are ids of charts: what is printed for debugging leaves them out.

impl fmt::Debug for Listing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Listing")
            .field("depth", &self.levels.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Trouble")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
