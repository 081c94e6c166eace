//! What a program writes on stderr: counted in the log, kept in a private file.
//!
//! A program may print the chart that it fails on, so its words never reach the log. They are
//! kept only where the caller gives a directory for them (the worker's private runtime
//! directory), in files that only their owner can read and that cannot grow without bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ChildStderr;
use std::time::{Duration, Instant};

/// At most this much is kept for each slot, in two files: when the newer is half of it, it
/// replaces the older.
const KEPT_BYTES: u64 = 1024 * 1024;

/// The log hears of a program that chatters at most this often.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The stderr of one slot, over all processes that it starts.
#[derive(Debug)]
pub(super) struct StderrLog {
    kept: Option<PathBuf>,
}

impl StderrLog {
    /// `directory`: where the words are kept, if anywhere, as `engine-<slot>.stderr`.
    pub(super) fn new(directory: Option<&Path>, slot: usize) -> StderrLog {
        let name = format!("engine-{slot}.stderr");
        StderrLog {
            kept: directory.map(|directory| directory.join(name)),
        }
    }

    /// Reads `stderr` on a thread of its own until the last process that holds it has ended.
    pub(super) fn follow(&self, stderr: ChildStderr) -> io::Result<()> {
        let kept = self.kept.clone().map(Kept::new);
        std::thread::Builder::new()
            .name("engine-stderr".to_owned())
            .spawn(move || drain(stderr, kept))
            .map(drop)
    }
}

/// How much one process has written, and when the log heard of it.
#[derive(Default)]
struct Counts {
    bytes: u64,
    lines: u64,
    logged: u64,
    at: Option<Instant>,
}

impl Counts {
    fn add(&mut self, read: &[u8]) {
        let lines = read.iter().filter(|byte| **byte == b'\n').count();
        self.lines += u64::try_from(lines).unwrap_or(0);
        self.bytes += u64::try_from(read.len()).unwrap_or(0);
    }

    /// Tells the log, if there is anything new.
    fn tell(&mut self, kept: Option<&Kept>) {
        let Counts { bytes, lines, .. } = *self;
        if bytes == self.logged {
            return;
        }
        (self.logged, self.at) = (bytes, Some(Instant::now()));
        match kept {
            Some(kept) => log::info!(
                target: "engine",
                "the engine has written {lines} lines ({bytes} bytes) on stderr; they may hold \
                 chart text and are kept in {}", kept.path.display(),
            ),
            None => log::info!(
                target: "engine",
                "the engine has written {lines} lines ({bytes} bytes) on stderr; they are not kept",
            ),
        }
    }

    fn is_time(&self) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= LOG_INTERVAL)
    }
}

/// A file that is cut in half when it is full.
struct Kept {
    path: PathBuf,
    file: Option<(File, u64)>,
}

impl Kept {
    fn new(path: PathBuf) -> Kept {
        Kept { path, file: None }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut file, length) = match self.file.take() {
            Some(open) => open,
            None => self.open()?,
        };
        file.write_all(bytes)?;
        let length = length + u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length >= KEPT_BYTES / 2 {
            std::fs::rename(&self.path, self.path.with_extension("stderr.old"))?;
        } else {
            self.file = Some((file, length));
        }
        Ok(())
    }

    fn open(&self) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        let file = options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}

fn drain(mut stderr: ChildStderr, mut kept: Option<Kept>) {
    let mut counts = Counts::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = match stderr.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        counts.add(read);
        // A full disk loses the words, not the program: it must never wait for a reader.
        let failed = kept.as_mut().and_then(|kept| kept.write(read).err());
        if let Some(error) = failed {
            log::warn!(target: "engine", "cannot keep the stderr of the engine: {error}");
            kept = None;
        }
        if counts.is_time() {
            counts.tell(kept.as_ref());
        }
    }
    counts.tell(kept.as_ref());
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_kept_is_private_and_bounded_and_ends_with_the_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine-0.stderr");
        let mut kept = Kept::new(path.clone());
        for round in 0..200u32 {
            kept.write(&vec![b'x'; 10_000]).unwrap();
            kept.write(format!("round {round}\n").as_bytes()).unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(&directory)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let total: u64 = files
            .iter()
            .map(|file| file.metadata().unwrap().len())
            .sum();
        assert_eq!(files.len(), 2);
        assert!(
            (KEPT_BYTES / 2..=KEPT_BYTES + 20_000).contains(&total),
            "{total}"
        );
        for file in &files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let last = std::fs::read_to_string(&path).unwrap();
        assert!(last.ends_with("round 199\n"));
    }
}
