//! The system calls under a directory store: temporary file, sync, link, sync.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{PRIVATE, TEMPORARIES};
use crate::nonce::nonce;
use crate::{Created, StoreError};

/// Owner and group, as far as the umask allows.
const FILE_MODE: u32 = 0o660;
const FOLDER_MODE: u32 = 0o770;

/// How this file system lets us write before there is a name.
#[derive(Debug)]
pub(super) enum Temporaries {
    /// `O_TMPFILE`: the kernel frees the file with its process, so nothing can be left.
    Unnamed,
    /// Files in this folder, each locked while its process lives, so that another can
    /// tell what was left by the dead.
    Named(OwnedFd),
}

/// A written and synced file that has no key yet. Dropping it leaves nothing.
enum Temporary<'a> {
    Unnamed(File),
    Named {
        file: File,
        folder: BorrowedFd<'a>,
        name: String,
    },
}

impl Temporaries {
    /// Finds the way that works below `root`, by doing it.
    pub(super) fn probe(root: &Path) -> Result<Self, StoreError> {
        let failed = |operation, e| StoreError::folder(root, operation, e);
        let make = || {
            let private = make_folder(&open_folder(root)?, PRIVATE)?;
            let (_, name) = TEMPORARIES.split_at(PRIVATE.len() + 1);
            make_folder(&private, name)
        };
        let folder = make().map_err(|e| failed("write to it", e))?;
        remove_stale(&root.join(TEMPORARIES), &folder)
            .map_err(|e| failed("remove what a dead process left", e))?;
        match Self::Unnamed.try_in(&folder) {
            Ok(()) => Ok(Self::Unnamed),
            Err(e) if matches!(e.kind(), io::ErrorKind::StorageFull) => {
                Err(failed("write to it", e))
            }
            Err(_) => {
                let copy = folder
                    .try_clone()
                    .map_err(|e| failed("open it once more", e))?;
                let named = Self::Named(copy);
                named
                    .try_in(&folder)
                    .map_err(|e| failed("link files in it without replacing, and sync them", e))?;
                Ok(named)
            }
        }
    }

    /// Creates `name` in `folder` with these bytes, unless it is there.
    ///
    /// Either answer is durable: also `Exists` syncs the folder, because the winner may
    /// have died between its link and its sync.
    pub(super) fn create(&self, folder: &OwnedFd, name: &str, bytes: &[u8]) -> io::Result<Created> {
        let created = if has(folder, name)? {
            Created::Exists
        } else {
            fail::fail_point!("store::write", |_| Err(Errno::NOSPC.into()));
            let temporary = self.written(folder.as_fd(), bytes)?;
            fail::fail_point!("store::before-link");
            crate::failpoint::hit("store::before-link");
            temporary.link(folder, name)?
        };
        fail::fail_point!("store::after-link");
        crate::failpoint::hit("store::after-link");
        rustix::fs::fsync(folder)?;
        Ok(created)
    }

    fn written(&self, folder: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<Temporary<'_>> {
        let mut temporary = match self {
            Self::Unnamed => Temporary::Unnamed(open_unnamed(folder)?),
            Self::Named(folder) => Temporary::named(folder.as_fd())?,
        };
        let file = temporary.file();
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(temporary)
    }

    /// Does once all that the store promises.
    fn try_in(&self, folder: &OwnedFd) -> io::Result<()> {
        let name = format!("probe-{}", nonce()?);
        // Not by `create`: it looks for the name first, and the link itself has to refuse.
        let link = || self.written(folder.as_fd(), b"probe")?.link(folder, &name);
        let (first, second) = (link(), link());
        let synced = rustix::fs::fsync(folder);
        let removed = rustix::fs::unlinkat(folder, name.as_str(), AtFlags::empty());
        match (first?, second?) {
            (Created::New, Created::Exists) => Ok(synced.and(removed)?),
            _ => Err(io::Error::other("a link replaced a file")),
        }
    }
}

impl<'a> Temporary<'a> {
    fn named(folder: BorrowedFd<'a>) -> io::Result<Self> {
        loop {
            let name = nonce()?;
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(folder, name.as_str(), flags, Mode::from(FILE_MODE))?;
            let temporary = Self::Named {
                file: fd.into(),
                folder,
                name,
            };
            let Self::Named { file, .. } = &temporary else {
                continue;
            };
            rustix::fs::flock(file, FlockOperation::LockExclusive)?;
            // A process that cleans up may have taken it before it was locked.
            if file.metadata()?.nlink() > 0 {
                return Ok(temporary);
            }
        }
    }

    fn file(&mut self) -> &mut File {
        match self {
            Self::Unnamed(file) | Self::Named { file, .. } => file,
        }
    }

    fn link(&self, folder: &OwnedFd, name: &str) -> io::Result<Created> {
        let linked = match self {
            Self::Unnamed(file) => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                rustix::fs::linkat(CWD, path, folder, name, AtFlags::SYMLINK_FOLLOW)
            }
            Self::Named {
                folder: from,
                name: temporary,
                ..
            } => rustix::fs::linkat(from, temporary.as_str(), folder, name, AtFlags::empty()),
        };
        match linked {
            Ok(()) => Ok(Created::New),
            Err(Errno::EXIST) => Ok(Created::Exists),
            Err(e) => Err(e.into()),
        }
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Self::Named { folder, name, .. } = self {
            // If it fails the next start removes it.
            let _ = rustix::fs::unlinkat(*folder, name.as_str(), AtFlags::empty());
        }
    }
}

/// Makes the root and every missing folder above it, each synced into its parent.
pub(super) fn make_root(root: &Path) -> Result<(), StoreError> {
    let mut missing = Vec::new();
    let mut at = Some(root);
    while let Some(path) = at.filter(|p| !p.exists()) {
        missing.push(path);
        at = path.parent();
    }
    for path in missing.into_iter().rev() {
        let made = match DirBuilder::new().mode(FOLDER_MODE).create(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        };
        made.and_then(|()| sync_folder(path.parent().unwrap_or(path)))
            .map_err(|e| StoreError::folder(root, "make it", e))?;
    }
    if root.is_dir() {
        Ok(())
    } else {
        let e = io::ErrorKind::NotADirectory;
        Err(StoreError::folder(root, "use it", e))
    }
}

/// Makes the folder if it is absent, synced into its parent, and opens it.
///
/// Syncs also where it was there: who made it may have died before its own sync.
pub(super) fn make_folder(above: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(above, name, Mode::from(FOLDER_MODE)) {
        Ok(()) | Err(Errno::EXIST) => rustix::fs::fsync(above)?,
        Err(e) => return Err(e.into()),
    }
    Ok(rustix::fs::openat(
        above,
        name,
        folder_flags(),
        Mode::empty(),
    )?)
}

pub(super) fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, folder_flags(), Mode::empty())?)
}

/// Syncs the names in a folder. On a medium that cannot be written there is nothing to sync.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match rustix::fs::fsync(open_folder(path)?) {
        Ok(()) | Err(Errno::ROFS | Errno::INVAL) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

#[cfg(target_os = "linux")]
fn open_unnamed(folder: BorrowedFd<'_>) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(folder, ".", flags, Mode::from(FILE_MODE))?;
    Ok(fd.into())
}

#[cfg(not(target_os = "linux"))]
fn open_unnamed(_: BorrowedFd<'_>) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

fn has(folder: &OwnedFd, name: &str) -> io::Result<bool> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Removes temporaries that nobody holds. A lock goes with its process, so this is right
/// across reboots, containers and reused process ids.
fn remove_stale(path: &Path, folder: &OwnedFd) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        // Gone meanwhile, or of another user: not ours to remove.
        let Ok(file) = rustix::fs::openat(folder, &name, flags, Mode::empty()) else {
            continue;
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            match rustix::fs::unlinkat(folder, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
