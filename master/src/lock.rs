//! A living master of a one-machine run holds a lock on it.
//!
//! The lock is the kernel's (`flock`), so it cannot outlive its holder. The file also says
//! who holds it, so that a refusal can name the holder and `--take-over` can end it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How long a killed holder may take to be gone.
const PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// Held until dropped, or until the process ends however it does.
#[derive(Debug)]
pub(crate) struct RunLock {
    file: File,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub(crate) enum Locked {
    /// It is ours.
    Ours(RunLock),
    /// Somebody has it.
    Held(Holder),
}

/// Who holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its process id; `None` in the moment between its lock and its name.
    pub(crate) process: Option<i32>,
}

impl RunLock {
    /// Tries to take the lock in `folder`, which is made if it is not there, for its owner only.
    ///
    /// # Errors
    /// When the file system does not do it.
    pub(crate) fn take(folder: &Path) -> io::Result<Locked> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path(folder))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Locked::Ours(RunLock { file }))
            }
            Err(TryLockError::WouldBlock) => Ok(Locked::Held(holder(&mut file)?)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Kills whoever holds the lock, waits until it is gone, and takes the lock. `Held` is
    /// answered when a third process was quicker.
    ///
    /// # Errors
    /// When the holder cannot be killed (another user's, say) or does not go.
    pub(crate) fn take_over(folder: &Path) -> io::Result<Locked> {
        let held = match RunLock::take(folder)? {
            Locked::Held(holder) => holder,
            ours @ Locked::Ours(_) => return Ok(ours),
        };
        let Some(process) = held.process.and_then(Pid::from_raw) else {
            return Ok(Locked::Held(held));
        };
        let descriptor = pidfd_open(process, PidfdFlags::empty())?;
        // The descriptor names one process for good. If the lock's holder is still the same
        // now, it is that process and not a later one with the same number.
        match RunLock::take(folder)? {
            Locked::Held(again) if again == held => {}
            other => return Ok(other),
        }
        pidfd_send_signal(&descriptor, Signal::KILL)?;
        if poll(
            &mut [PollFd::new(&descriptor, PollFlags::IN)],
            Some(&PATIENCE),
        )? == 0
        {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the killed holder does not end",
            ));
        }
        RunLock::take(folder)
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // The kernel would do it as well; this names the moment.
        let _ = self.file.unlock();
    }
}

/// The private folder of a run: not in the store, for its owner's eyes only.
#[must_use]
pub fn private_folder(output: &Path, run: &str) -> PathBuf {
    output.join(".dayfly").join("runs").join(run)
}

fn path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

fn holder(file: &mut File) -> io::Result<Holder> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(Holder {
        process: text.trim().parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let Locked::Ours(lock) = RunLock::take(folder.path()).unwrap() else {
            panic!()
        };
        let Locked::Held(holder) = RunLock::take(folder.path()).unwrap() else {
            panic!()
        };
        assert_eq!(holder.process, i32::try_from(std::process::id()).ok());
        drop(lock);
        assert!(matches!(
            RunLock::take(folder.path()).unwrap(),
            Locked::Ours(_)
        ));
    }

    #[test]
    fn a_holder_is_ended_and_its_lock_taken() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        // `flock` of util-linux, as a process of its own that ignores polite signals.
        let script =
            "trap '' TERM INT; exec 9<>\"$1\"; flock 9; echo $$ > \"$1\"; echo ready; read x";
        let mut child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&lock)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        assert_eq!(ready, "ready\n");
        assert!(matches!(
            RunLock::take(folder.path()).unwrap(),
            Locked::Held(_)
        ));
        let taken = RunLock::take_over(folder.path()).unwrap();
        assert!(matches!(taken, Locked::Ours(_)), "{taken:?}");
        assert!(!child.wait().unwrap().success());
    }
}
