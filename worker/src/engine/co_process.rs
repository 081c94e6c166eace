//! One running program with its guard: a line to it, a line from it, and its end.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::Cancel;
use super::failure::Exit;
use super::guard::{EOF_GRACE, GUARD, OWN_PROGRAM, timespec};
use super::orphans::{end_orphans, ends_within, forget_guard, start_guard};

/// How long the guard may take to end all that its program started.
const GUARD_LIMIT: Duration = Duration::from_secs(10);

/// A program that answers lines. Dropping it ends it and all that it started.
#[derive(Debug)]
pub(super) struct CoProcess {
    guard: Child,
    guard_ended: rustix::fd::OwnedFd,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    /// How it ended, once the guard has been waited for: from then on its process id may be
    /// anybody's.
    ended: Option<Exit>,
    /// Has answered at least one line.
    pub(super) has_answered: bool,
}

/// Why there is no line.
#[derive(Debug)]
pub(super) enum NoLine {
    Ended,
    TimedOut,
    TooLong,
    TooMany,
    Cancelled,
}

impl CoProcess {
    /// Starts `command` under a guard. An error is about the guard: that the program itself
    /// cannot be started is its first answer.
    pub(super) fn start(
        command: &[std::ffi::OsString],
    ) -> io::Result<(CoProcess, Option<ChildStderr>)> {
        let mut guard = Command::new(OWN_PROGRAM);
        guard.arg0("dayfly").arg(GUARD).arg("--").args(command);
        guard
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C at a terminal is for the worker, which ends its engines in its own time.
        guard.process_group(0);
        let mut guard = start_guard(&mut guard)?;
        let stderr = guard.stderr.take();
        let guard_ended = pidfd_open(Pid::from_child(&guard), PidfdFlags::empty());
        let mut process = CoProcess {
            stdin: guard.stdin.take(),
            stdout: guard.stdout.take(),
            // A guard that cannot be watched is ended by closing its pipes: by dropping it.
            guard_ended: match guard_ended {
                Ok(ended) => ended,
                Err(error) => {
                    drop((guard.stdin.take(), guard.stdout.take()));
                    let _ = guard.wait();
                    forget_guard(&guard);
                    return Err(error.into());
                }
            },
            guard,
            ended: None,
            has_answered: false,
        };
        if let Err(error) = process.set_nonblocking() {
            process.end();
            return Err(error);
        }
        Ok((process, stderr))
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        // Only our ends: the other end of a pipe has flags of its own.
        if let (Some(stdin), Some(stdout)) = (&self.stdin, &self.stdout) {
            rustix::io::ioctl_fionbio(stdin, true)?;
            rustix::io::ioctl_fionbio(stdout, true)?;
        }
        Ok(())
    }

    /// Whether it waits for a chart, as it should between two: alive, and with nothing said.
    pub(super) fn is_waiting(&self) -> bool {
        let Some(stdout) = &self.stdout else {
            return false;
        };
        let mut fds = [
            PollFd::new(stdout, PollFlags::IN),
            PollFd::new(&self.guard_ended, PollFlags::IN),
        ];
        matches!(poll(&mut fds, Some(&timespec(Duration::ZERO))), Ok(0))
    }

    /// Sends `request`, which ends with a newline, and appends the one line of the answer to
    /// `answer`, without its newline. Writing and reading go on side by side: a program may
    /// answer before it has read everything.
    pub(super) fn exchange(
        &mut self,
        request: &[u8],
        answer: &mut Vec<u8>,
        limit: Duration,
        cap: usize,
        cancel: &Cancel,
    ) -> Result<(), NoLine> {
        let (Some(stdin), Some(stdout)) = (&self.stdin, &self.stdout) else {
            return Err(NoLine::Ended);
        };
        let deadline = Instant::now().checked_add(limit);
        let mut unsent = request;
        let mut line_read = false;
        while !(line_read && unsent.is_empty()) {
            let mut fds = [
                PollFd::new(cancel, PollFlags::IN),
                PollFd::new(&self.guard_ended, PollFlags::IN),
                PollFd::new(stdout, PollFlags::IN),
                PollFd::new(stdin, PollFlags::OUT),
            ];
            let fds = if unsent.is_empty() {
                &mut fds[..3]
            } else {
                &mut fds[..]
            };
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            // Also for a program that always has something to say.
            if left == Some(Duration::ZERO) {
                return Err(NoLine::TimedOut);
            }
            match poll(fds, left.map(timespec).as_ref()) {
                Ok(0) => return Err(NoLine::TimedOut),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return Err(NoLine::Ended),
            }
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            if ready[0] {
                return Err(NoLine::Cancelled);
            }
            if ready[2] {
                line_read |= read_line(stdout, answer, line_read, cap)?;
            }
            if ready.get(3).is_some_and(|ready| *ready) {
                unsent = write_some(stdin, unsent)?;
            }
            // Its last words have been read above; without a whole line they are worth nothing.
            if ready[1] && !ready[2] && !line_read {
                return Err(NoLine::Ended);
            }
            if ready[1] && line_read {
                break;
            }
        }
        self.has_answered = true;
        Ok(())
    }

    /// Lets it end by itself and, if it does not, ends it.
    pub(super) fn finish(mut self) {
        self.stdin = None;
        ends_within(Pid::from_child(&self.guard), EOF_GRACE + GUARD_LIMIT);
    }

    /// Ends it and all that it started, now. Does nothing the second time.
    pub(super) fn end(&mut self) -> Exit {
        if let Some(exit) = self.ended {
            return exit;
        }
        self.stdin = None;
        self.stdout = None;
        let in_time = ends_within(Pid::from_child(&self.guard), GUARD_LIMIT);
        if !in_time {
            log::warn!(target: "engine", "the guard of an engine does not end; it is killed");
            let _ = self.guard.kill();
        }
        let exit = self.guard.wait().map_or(Exit::Unknown, Exit::from);
        forget_guard(&self.guard);
        self.ended = Some(exit);
        if let Exit::Signal(_) | Exit::Unknown = exit {
            // Its program was ended by a signal, or itself: only then can there be orphans.
            end_orphans();
        }
        exit
    }
}

impl Drop for CoProcess {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads what there is. True if the line is now complete; errors if there is more than it.
fn read_line(
    stdout: &ChildStdout,
    answer: &mut Vec<u8>,
    complete: bool,
    cap: usize,
) -> Result<bool, NoLine> {
    let mut chunk = [0; 16 * 1024];
    let read = match rustix::io::read(stdout, &mut chunk) {
        // An answer stands, also if its program ended before it had read the whole chart.
        Ok(0) if complete => return Ok(true),
        Ok(0) => return Err(NoLine::Ended),
        Ok(read) => &chunk[..read],
        Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
        Err(_) => return Err(NoLine::Ended),
    };
    if complete {
        return Err(NoLine::TooMany);
    }
    let newline = read.iter().position(|byte| *byte == b'\n');
    let line = &read[..newline.unwrap_or(read.len())];
    if answer.len() + line.len() > cap {
        return Err(NoLine::TooLong);
    }
    answer.extend_from_slice(line);
    match newline {
        Some(at) if at + 1 < read.len() => Err(NoLine::TooMany),
        found => Ok(found.is_some()),
    }
}

/// Writes what fits; gives what is left.
fn write_some<'a>(stdin: &ChildStdin, unsent: &'a [u8]) -> Result<&'a [u8], NoLine> {
    match rustix::io::write(stdin, unsent) {
        Ok(sent) => Ok(&unsent[sent..]),
        Err(Errno::AGAIN | Errno::INTR) => Ok(unsent),
        // Nobody will read it. Whatever was answered is read before that is said.
        Err(Errno::PIPE) => Ok(&[]),
        Err(_) => Err(NoLine::Ended),
    }
}
