//! The process between a worker and an engine's program, which sees to it that the program
//! and all that it started are gone when the worker is.
//!
//! ```text
//! worker ── engine-guard ── engine-shim, which becomes the program ── what it starts
//! ```
//!
//! The program's stdin and stdout are pipes straight to the worker; the guard holds the same
//! two and only watches them. The worker says all it has to say by closing its ends:
//!
//! - stdin closed: no more charts; the program has [`EOF_GRACE`] to end by itself;
//! - stdout closed too: end it now. This is also what the death of the worker looks like,
//!   however it died: the kernel closes both.
//!
//! The guard is a child subreaper: whatever its descendants do (double fork, setsid, ignore
//! signals), when their parents are gone they become its children, and it kills its children
//! until there are none. If the guard itself is killed, the program has SIGKILL as its
//! parent-death signal, and what it had started falls to the worker: see `orphans`.
//!
//! Not covered: a program that gains privileges on exec (setuid, file capabilities), and the
//! guard and its worker killed in the same instant while descendants of the program have left
//! its process group. On an instance the service's control group ends those.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};
use std::{io, process};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, getppid, kill_process,
    kill_process_group, pidfd_open, set_child_subreaper, set_parent_process_death_signal,
    setrlimit, wait,
};

/// The hidden subcommands.
pub const GUARD: &str = "engine-guard";
pub const SHIM: &str = "engine-shim";

/// Begins the line that the shim writes in place of an answer if the program cannot be
/// started, followed by the error number. No JSON begins like this.
pub(super) const CANNOT_START: &[u8] = b"\0dayfly cannot start the engine: ";

/// How long a program may take to end after its last chart.
pub const EOF_GRACE: Duration = Duration::from_secs(2);

/// The file of the running program, also if it has been replaced since it was started.
pub(super) const OWN_PROGRAM: &str = "/proc/self/exe";

/// For the very beginning of a program's `main`: runs the stage that the arguments name, if
/// they name one. `args` begins with the name of the program.
pub fn stage(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    let stage = args.next()?;
    if stage == GUARD {
        let rest: Vec<OsString> = args.skip_while(|arg| arg == "--").collect();
        Some(guard_main(rest))
    } else if stage == SHIM {
        let guard = args.next()?;
        Some(shim_main(
            &guard,
            args.skip_while(|arg| arg == "--").collect(),
        ))
    } else {
        None
    }
}

/// Runs `command` as the engine of the parent process and ends as it ends: with its exit code
/// or by its signal. When this returns, nothing that the command started is alive.
pub fn guard_main(command: Vec<OsString>) -> ExitCode {
    match guard(command) {
        Ok(status) => end_like(status),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Asks to die with its parent and becomes `command`. Returns only if it cannot.
pub fn shim_main(guard: &OsStr, command: Vec<OsString>) -> ExitCode {
    let error = become_program(guard, command);
    let errno = error.raw_os_error().unwrap_or(0);
    let mut line = CANNOT_START.to_vec();
    line.extend(format!("{errno}\n").bytes());
    // Nobody is left to be told if this fails.
    let _ = io::stdout()
        .write_all(&line)
        .and_then(|()| io::stdout().flush());
    ExitCode::from(127)
}

fn become_program(guard: &OsStr, command: Vec<OsString>) -> io::Error {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // A guard that died before the line above would never be noticed.
    let parent = Pid::as_raw(getppid()).to_string();
    if OsStr::new(&parent) != guard {
        return io::ErrorKind::NotConnected.into();
    }
    match command.split_first() {
        Some((program, args)) => Command::new(program).args(args).exec(),
        None => io::ErrorKind::InvalidInput.into(),
    }
}

fn guard(command: Vec<OsString>) -> io::Result<ExitStatus> {
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut program = Command::new(OWN_PROGRAM)
        .arg0("dayfly")
        .arg(SHIM)
        .arg(process::id().to_string())
        .arg("--")
        .args(command)
        .process_group(0)
        .spawn()?;
    let watched = watch(&program);
    // The group while its leader is not reaped, so that its number means nobody else.
    let _ = kill_process_group(Pid::from_child(&program), Signal::KILL);
    // The shim may be so young that it is in no group of its own; it is our child anyway.
    let _ = program.kill();
    let status = program.wait();
    end_children();
    watched?;
    status
}

/// Returns when the program has ended or must be ended.
fn watch(program: &Child) -> io::Result<()> {
    let ended = pidfd_open(Pid::from_child(program), PidfdFlags::empty())?;
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let mut deadline: Option<Instant> = None;
    loop {
        // Hang-ups are reported without being asked for, and nothing else is wanted.
        let mut fds = [
            PollFd::new(&ended, PollFlags::IN),
            PollFd::new(&stdout, PollFlags::empty()),
            PollFd::new(&stdin, PollFlags::empty()),
        ];
        let fds = if deadline.is_some() {
            &mut fds[..2]
        } else {
            &mut fds[..]
        };
        let left = deadline.map(|at| timespec(at.saturating_duration_since(Instant::now())));
        match poll(fds, left.as_ref()) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [program, worker @ ..] = fds else {
            return Ok(());
        };
        let answers_unread = !worker[0].revents().is_empty();
        if !program.revents().is_empty() || answers_unread {
            return Ok(());
        }
        deadline = Some(Instant::now() + EOF_GRACE);
    }
}

/// Kills the children of this process, and the children that they leave to it, until there
/// are none, or none that it may kill.
fn end_children() {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => continue,
            Ok(None) => {}
            Err(_) => return,
        }
        let children = children_of(rustix::process::getpid());
        let killed = children
            .filter(|child| kill_process(*child, Signal::KILL).is_ok())
            .count();
        if killed == 0 {
            return;
        }
        let _ = wait(WaitOptions::empty());
    }
}

/// The processes whose parent is `parent`, as of now.
pub(super) fn children_of(parent: Pid) -> impl Iterator<Item = Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        (parent_in(&stat)? == parent.as_raw_pid()).then(|| Pid::from_raw(pid))?
    })
}

/// The parent in the text of `/proc/<pid>/stat`: the second word behind the program's name,
/// which is in parentheses and may hold anything, also parentheses.
fn parent_in(stat: &[u8]) -> Option<i32> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Ends as the program did. A signal is repeated on this process, so that the worker sees it.
fn end_like(status: ExitStatus) -> ExitCode {
    if let Some(code) = status.code() {
        return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
    }
    let signal = status.signal().unwrap_or(0);
    if let Some(named) = Signal::from_named_raw(signal) {
        let _ = setrlimit(
            Resource::Core,
            Rlimit {
                current: Some(0),
                maximum: Some(0),
            },
        );
        // The first may only unset a handler of the runtime.
        for _ in 0..2 {
            let _ = kill_process(rustix::process::getpid(), named);
        }
    }
    // Ignored by this process: the convention of shells.
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

pub(super) fn timespec(duration: Duration) -> Timespec {
    // A time too long to be written is as good as the longest.
    Timespec::try_from(duration).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent_in(b"17 (sh) S 4 17 17 0"), Some(4));
        assert_eq!(parent_in(b"17 (a) S 1 (b) c)) R 4 17"), Some(4));
        assert_eq!(parent_in(b"17 (\xff \xfe) Z 1 0"), Some(1));
        assert_eq!(parent_in(b"17"), None);
    }

    #[test]
    fn only_the_hidden_subcommands_are_stages() {
        for args in [
            &["dayfly"][..],
            &["dayfly", "run"],
            &["dayfly", "run", GUARD],
        ] {
            assert!(stage(args.iter().map(OsString::from)).is_none(), "{args:?}");
        }
    }
}
