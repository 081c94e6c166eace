//! A store in a directory: objects are files, keys are paths below the root.
//!
//! An object is written to a temporary file that no listing shows, synced, and then
//! *linked* under its key. A link never replaces what is there, so of two writers
//! exactly one wins, also across processes and however they die; and as the bytes were
//! synced before the name appeared, a name never leads to half an object.

mod place;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use self::place::Temporaries;
use crate::{Created, Listed, Store, StoreError};

/// Below the root, for temporaries. No key can name it: keys have no leading dots.
const PRIVATE: &str = ".dayfly";
const TEMPORARIES: &str = ".dayfly/tmp";

/// A [`Store`] in a local directory. Clones share it.
///
/// Files are readable by owner and group, as far as the umask allows, and by nobody
/// else: endings hold patient data.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// `None` in a store opened for reading.
    temporaries: Option<Temporaries>,
    /// Folders known to exist durably, open for creating in them. A run has a handful.
    folders: Mutex<HashMap<String, Arc<OwnedFd>>>,
}

impl DirectoryStore {
    /// Opens the store, making its folder if need be, and tries once that the file
    /// system can do what is promised: link without replacing, sync files and folders.
    /// Temporaries that dead processes left are removed.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let root = absolute(root)?;
        place::make_root(&root)?;
        let temporaries = Temporaries::probe(&root)?;
        Ok(Self::with(root, Some(temporaries)))
    }

    /// Opens an existing folder for reading: touches nothing, and creates nothing.
    pub fn open_to_read(root: &Path) -> Result<Self, StoreError> {
        let root = absolute(root)?;
        fs::read_dir(&root).map_err(|e| StoreError::folder(&root, "read it", e))?;
        Ok(Self::with(root, None))
    }

    /// The folder, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    fn with(root: PathBuf, temporaries: Option<Temporaries>) -> Self {
        Self {
            inner: Arc::new(Inner {
                root,
                temporaries,
                folders: Mutex::default(),
            }),
        }
    }

    /// Runs file work where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        key: &str,
        work: impl FnOnce(&Inner, &str) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let owned = key.to_owned();
        match tokio::task::spawn_blocking(move || work(&inner, &owned)).await {
            Ok(result) => result,
            Err(stopped) => Err(StoreError::io(operation, key, io::Error::other(stopped))),
        }
    }
}

#[async_trait]
impl Store for DirectoryStore {
    async fn create(&self, key: &str, bytes: Bytes) -> Result<Created, StoreError> {
        check_key(key)?;
        self.blocking("create", key, move |inner, key| inner.create(key, &bytes))
            .await
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        self.blocking("read", key, |inner, key| {
            match fs::read(inner.root.join(key)) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(e) => Err(StoreError::io("read", key, e)),
            }
        })
        .await
    }

    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        check_key(key)?;
        self.blocking("read", key, move |inner, key| inner.read_range(key, range))
            .await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        check_key(key)?;
        // One stat costs less than handing it to another thread.
        match fs::metadata(self.inner.root.join(key)) {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            Ok(_) => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("look for", key, e)),
        }
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.size(key).await?.is_some())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        check_prefix(prefix)?;
        self.blocking("list", prefix, |inner, prefix| inner.list(prefix))
            .await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        check_prefix(prefix)?;
        if !prefix.is_empty() && !prefix.ends_with('/') {
            return Err(bad_key(prefix));
        }
        self.blocking("list", prefix, |inner, prefix| inner.list_folders(prefix))
            .await
    }
}

impl Inner {
    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, StoreError> {
        let Some(temporaries) = &self.temporaries else {
            return Err(StoreError::ReadOnly {
                key: key.to_owned(),
            });
        };
        let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
        let held = self.folder(folder)?;
        let created = temporaries.create(&held, name, bytes);
        if let Err(e) = &created
            && e.kind() == io::ErrorKind::NotFound
        {
            // The folder was taken away under us. Do not keep writing into a ghost.
            self.folders().remove(folder);
        }
        let created = created.map_err(|e| StoreError::io("create", key, e))?;
        fail::fail_point!("store::after-create");
        crate::failpoint::hit("store::after-create");
        Ok(created)
    }

    /// The open folder, made durably if this process has not seen it yet.
    fn folder(&self, key: &str) -> Result<Arc<OwnedFd>, StoreError> {
        if let Some(known) = self.folders().get(key) {
            return Ok(Arc::clone(known));
        }
        let opened = if key.is_empty() {
            place::open_folder(&self.root)
        } else {
            let (above, name) = key.rsplit_once('/').unwrap_or(("", key));
            let above = self.folder(above)?;
            place::make_folder(&above, name)
        };
        let opened = Arc::new(opened.map_err(|e| StoreError::io("make the folder", key, e))?);
        self.folders().insert(key.to_owned(), Arc::clone(&opened));
        Ok(opened)
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<OwnedFd>>> {
        // A map of open folders is whole after any panic.
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        let failed = |e| match io::Error::kind(&e) {
            io::ErrorKind::NotFound => StoreError::NotFound {
                key: key.to_owned(),
            },
            _ => StoreError::io("read", key, e),
        };
        let file = File::open(self.root.join(key)).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let length = range.end.checked_sub(range.start);
        let length = length.filter(|_| range.end <= size);
        let Some(length) = length.and_then(|n| usize::try_from(n).ok()) else {
            return Err(StoreError::Range {
                key: key.to_owned(),
                size,
                begin: range.start,
                end: range.end,
            });
        };
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, range.start)
            .map_err(failed)?;
        Ok(bytes.into())
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let (folder, begins) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let mut found = Vec::new();
        self.walk(folder, begins, &mut found)
            .map_err(|e| StoreError::io("list", prefix, e))?;
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn walk(&self, folder: &str, begins: &str, found: &mut Vec<Listed>) -> io::Result<()> {
        let path = self.root.join(folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        // What is listed is counted on. Its writer may have died between link and sync.
        place::sync_folder(&path)?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            // Files that cannot be objects are not ours: a desktop's `.DS_Store`.
            let Some(name) = name
                .to_str()
                .filter(|n| is_part(n) && n.starts_with(begins))
            else {
                continue;
            };
            let key = match folder {
                "" => name.to_owned(),
                _ => format!("{folder}/{name}"),
            };
            match entry.metadata() {
                Ok(of) if of.is_dir() => self.walk(&key, "", found)?,
                Ok(of) if of.is_file() => found.push(Listed {
                    key,
                    size: of.len(),
                }),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let failed = |e| StoreError::io("list", prefix, e);
        let entries = match fs::read_dir(self.root.join(prefix)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if !entry.file_type().map_err(failed)?.is_dir() {
                continue;
            }
            if let Some(name) = entry.file_name().to_str().filter(|n| is_part(n)) {
                folders.push(name.to_owned());
            }
        }
        folders.sort_unstable();
        Ok(folders)
    }
}

fn absolute(root: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(root).map_err(|e| StoreError::folder(root, "find it", e))
}

/// One part of a key between slashes.
fn is_part(part: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.=".contains(&b);
    !part.is_empty() && part.len() <= 255 && !part.starts_with('.') && part.bytes().all(fine)
}

fn check_key(key: &str) -> Result<(), StoreError> {
    if key.split('/').all(is_part) {
        Ok(())
    } else {
        Err(bad_key(key))
    }
}

/// A prefix is the beginning of a key: its last part may be empty.
fn check_prefix(prefix: &str) -> Result<(), StoreError> {
    match prefix.rsplit_once('/') {
        Some((folder, begins)) if begins.is_empty() || is_part(begins) => check_key(folder),
        None if prefix.is_empty() || is_part(prefix) => Ok(()),
        _ => Err(bad_key(prefix)),
    }
}

fn bad_key(key: &str) -> StoreError {
    StoreError::Key {
        key: key.to_owned(),
    }
}

#[cfg(test)]
mod tests;
