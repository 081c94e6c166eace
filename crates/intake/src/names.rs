//! The names of one directory, compact: a directory of a million files is listed in sorted
//! order without a million allocations.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The sorted names of one directory. Memory: about the names' bytes plus 7 bytes each.
#[derive(Default)]
pub(crate) struct DirectoryNames {
    /// For each name: its length (2 bytes, little endian), its kind (1 byte), its bytes.
    arena: Vec<u8>,
    /// Where the names begin in `arena`, in the order of the names' bytes.
    sorted: Vec<u32>,
    next: usize,
}

/// What the directory itself says about an entry, before any `stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    /// A symlink, or an entry whose kind the file system does not tell: only `stat` knows.
    Unknown,
    /// A socket, pipe or device.
    Special,
}

const HEAD: usize = 3;

impl DirectoryNames {
    /// Reads the directory. When reading breaks off in the middle, the names so far are
    /// kept and the error comes with them.
    pub(crate) fn read(directory: &Path) -> io::Result<(DirectoryNames, Option<io::Error>)> {
        let mut names = DirectoryNames::default();
        let mut broken = None;
        for entry in fs::read_dir(directory)? {
            let added = entry.and_then(|entry| {
                let kind = entry.file_type().map_or(EntryKind::Unknown, EntryKind::of);
                names.add(entry.file_name().as_bytes(), kind)
            });
            if let Err(error) = added {
                broken = Some(error);
                break;
            }
        }
        names.sort();
        Ok((names, broken))
    }

    fn add(&mut self, name: &[u8], kind: EntryKind) -> io::Result<()> {
        let too_large = || io::Error::other("the names of one directory exceed 4 GiB");
        let begin = u32::try_from(self.arena.len()).map_err(|_| too_large())?;
        let length = u16::try_from(name.len()).map_err(|_| too_large())?;
        self.arena.extend_from_slice(&length.to_le_bytes());
        self.arena.push(kind.to_byte());
        self.arena.extend_from_slice(name);
        self.sorted.push(begin);
        Ok(())
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.sorted
            .sort_unstable_by(|&a, &b| entry_at(arena, a).0.cmp(entry_at(arena, b).0));
    }

    /// Skips every name that sorts before `name`.
    pub(crate) fn skip_to(&mut self, name: &[u8]) {
        let arena = &self.arena;
        self.next = self
            .sorted
            .partition_point(|&at| entry_at(arena, at).0 < name);
    }

    pub(crate) fn next(&mut self) -> Option<(&[u8], EntryKind)> {
        let at = *self.sorted.get(self.next)?;
        self.next += 1;
        Some(entry_at(&self.arena, at))
    }
}

fn entry_at(arena: &[u8], begin: u32) -> (&[u8], EntryKind) {
    let begin = begin as usize;
    let length = usize::from(u16::from_le_bytes([arena[begin], arena[begin + 1]]));
    let name = &arena[begin + HEAD..begin + HEAD + length];
    (name, EntryKind::from_byte(arena[begin + 2]))
}

impl EntryKind {
    pub(crate) fn of(kind: fs::FileType) -> EntryKind {
        if kind.is_file() {
            EntryKind::File
        } else if kind.is_dir() {
            EntryKind::Directory
        } else if kind.is_symlink() {
            EntryKind::Unknown
        } else {
            EntryKind::Special
        }
    }

    fn to_byte(self) -> u8 {
        match self {
            EntryKind::File => 0,
            EntryKind::Directory => 1,
            EntryKind::Unknown => 2,
            EntryKind::Special => 3,
        }
    }

    fn from_byte(byte: u8) -> EntryKind {
        match byte {
            0 => EntryKind::File,
            1 => EntryKind::Directory,
            3 => EntryKind::Special,
            _ => EntryKind::Unknown,
        }
    }
}
