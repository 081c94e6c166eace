//! A file that must stay the version that was planned while it is read.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use results::plan::ObjectRef;
use rustix::fs::{Mode, OFlags};

use crate::listing::{is_symlink_loop, version_on_disk};
use crate::reading::ReadError;
use crate::unreadable::Unreadable;

/// An open file of a known version. Every block is compared with that version *after* it
/// was read, before anybody sees it: all bytes that come out belong to the planned version.
#[derive(Debug)]
pub(crate) struct PinnedFile<'a> {
    file: File,
    object: &'a ObjectRef,
    /// Size and time of change that were found to be the planned version, so that only the
    /// first check has to write the version out.
    known: Cell<Option<(u64, i64, i64)>>,
}

/// Reading ended: for a reason that is the chart's, or for one that is this machine's.
#[derive(Debug)]
pub(crate) enum Stop {
    Unreadable(Unreadable),
    Machine(io::Error),
}

/// How the two kinds travel through readers that know only `io::Error`: what comes out of a
/// decompressor without this mark is the decompressor's own complaint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Mark {
    #[error("reading stopped")]
    Unreadable(Unreadable),
    #[error("the machine could not read")]
    Machine(#[source] io::Error),
}

impl<'a> PinnedFile<'a> {
    pub(crate) fn open(root: &Path, object: &'a ObjectRef) -> Result<PinnedFile<'a>, Stop> {
        let inside = |name: &[u8]| !name.is_empty() && name != b"." && name != b"..";
        if !object.path.split(|&byte| byte == b'/').all(inside) {
            return Err(Stop::Unreadable(Unreadable::OutsideInput));
        }
        let path = root.join(OsStr::from_bytes(&object.path));
        // NONBLOCK: a pipe that took the file's name must not hold us up.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| Stop::of_open(error.into(), root))?;
        let pinned = PinnedFile {
            file: File::from(file),
            object,
            known: Cell::new(None),
        };
        pinned.check().map_err(Stop::of_read)?;
        Ok(pinned)
    }

    pub(crate) fn seek_to(&mut self, offset: u64) -> Result<(), Stop> {
        self.file
            .seek(SeekFrom::Start(offset))
            .map(|_| ())
            .map_err(Stop::Machine)
    }

    fn check(&self) -> io::Result<()> {
        let metadata = self
            .file
            .metadata()
            .map_err(|error| Mark::Machine(error).into_io())?;
        let found = fingerprint(&metadata);
        if self.known.get() == Some(found) {
            return Ok(());
        }
        let planned = version_on_disk(&metadata) == self.object.version;
        if self.known.get().is_none() && planned && metadata.is_file() {
            self.known.set(Some(found));
            return Ok(());
        }
        Err(Mark::Unreadable(Unreadable::Changed).into_io())
    }
}

fn fingerprint(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

impl Read for PinnedFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => Mark::Machine(error).into_io(),
        })?;
        self.check()?;
        Ok(count)
    }
}

impl Mark {
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

impl Stop {
    /// Sorts an error of reading by its mark; without one, a decompressor found damage.
    pub(crate) fn of_read(error: io::Error) -> Stop {
        match error.downcast::<Mark>() {
            Ok(Mark::Unreadable(reason)) => Stop::Unreadable(reason),
            Ok(Mark::Machine(source)) => Stop::Machine(source),
            Err(_) => Stop::Unreadable(Unreadable::Damaged),
        }
    }

    fn of_open(error: io::Error, root: &Path) -> Stop {
        use io::ErrorKind as Kind;
        match error.kind() {
            // When the whole input is gone, no single chart is to blame.
            Kind::NotFound if root.is_dir() => Stop::Unreadable(Unreadable::Vanished),
            Kind::NotADirectory => Stop::Unreadable(Unreadable::Vanished),
            _ if is_symlink_loop(&error) => Stop::Unreadable(Unreadable::Vanished),
            Kind::PermissionDenied => Stop::Unreadable(Unreadable::Denied),
            _ => Stop::Machine(error),
        }
    }

    /// The reason, or the machine's trouble as the error that `operation` failed with.
    pub(crate) fn into_unreadable(self, operation: &'static str) -> Result<Unreadable, ReadError> {
        match self {
            Stop::Unreadable(reason) => Ok(reason),
            Stop::Machine(source) => Err(ReadError { operation, source }),
        }
    }
}
