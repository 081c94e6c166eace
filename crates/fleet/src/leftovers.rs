//! Worker processes that an earlier master of the same run left behind on this machine.
//!
//! They end by themselves within moments, because their pipe is closed. Before a run is taken
//! over they are ended for certain: found by the run in their command line, and held by a
//! process descriptor, so that a reused process id is never hit.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::FleetError;

/// How long a killed process may take to be gone.
const PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// The arguments by which a worker process of a run is started, and known again.
#[must_use]
pub fn worker_arguments(run: &str, instance: &str) -> [String; 5] {
    ["worker", "--run", run, "--instance", instance].map(str::to_owned)
}

/// A worker process of a run that is not a child of this process.
#[derive(Debug)]
pub struct Leftover {
    /// The worker's name.
    pub instance: String,
    process: Pid,
    descriptor: OwnedFd,
}

/// Finds them. Processes of other users whose command line cannot be read are not ours.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn find(run: &str) -> Result<Vec<Leftover>, FleetError> {
    let listed = |source| FleetError::Processes {
        what: "list the processes in /proc".into(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").map_err(listed)? {
        let name = entry.map_err(listed)?.file_name();
        let Some(process) = name
            .to_str()
            .and_then(|n| n.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // The descriptor is opened before the command line is read: what it names can no
        // longer change.
        let Ok(descriptor) = pidfd_open(process, PidfdFlags::empty()) else {
            continue;
        };
        if let Some(instance) = instance_of(process, run) {
            found.push(Leftover {
                instance,
                process,
                descriptor,
            });
        }
    }
    Ok(found)
}

/// Kills them and waits until they are gone.
///
/// # Errors
/// When one cannot be killed or does not go.
pub fn end(leftovers: &[Leftover]) -> Result<(), FleetError> {
    for leftover in leftovers {
        match pidfd_send_signal(&leftover.descriptor, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(refused(leftover, error)),
        }
    }
    for leftover in leftovers {
        let mut gone = [PollFd::new(&leftover.descriptor, PollFlags::IN)];
        match poll(&mut gone, Some(&PATIENCE)) {
            Ok(0) => {
                let process = leftover.process.as_raw_nonzero().get();
                return Err(FleetError::WillNotEnd { process });
            }
            Ok(_) => {}
            Err(error) => return Err(refused(leftover, error)),
        }
    }
    Ok(())
}

fn instance_of(process: Pid, run: &str) -> Option<String> {
    let line = fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())).ok()?;
    let arguments: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let [worker, run_flag, run, instance_flag, _] = worker_arguments(run, "");
    let at = arguments.windows(5).find(|window| {
        window[0] == worker.as_bytes()
            && window[1] == run_flag.as_bytes()
            && window[2] == run.as_bytes()
            && window[3] == instance_flag.as_bytes()
    })?;
    Some(String::from_utf8_lossy(at[4]).into_owned())
}

fn refused(leftover: &Leftover, error: rustix::io::Errno) -> FleetError {
    FleetError::Processes {
        what: format!("end worker process {}", leftover.process.as_raw_nonzero()),
        source: io::Error::from(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_worker_of_this_run_is_found_and_ended_and_others_are_left_alone() {
        let start = |run: &str| {
            let mut child = Command::new("/bin/sh")
                .args(["-c", "trap '' TERM; echo ready; cat", "sh"])
                .args(worker_arguments(run, "w0007"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap())
                .read_line(&mut line)
                .unwrap();
            assert_eq!(line, "ready\n");
            child
        };
        let run = format!("leftover-{}", std::process::id());
        let other = format!("{run}-other");
        let (mut ours, mut theirs) = (start(&run), start(&other));
        let found = find(&run).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|l| l.instance.as_str())
                .collect::<Vec<_>>(),
            ["w0007"]
        );
        end(&found).unwrap();
        assert!(!ours.wait().unwrap().success());
        assert!(theirs.try_wait().unwrap().is_none());
        assert!(find(&run).unwrap().is_empty());
        theirs.kill().unwrap();
        theirs.wait().unwrap();
    }
}
