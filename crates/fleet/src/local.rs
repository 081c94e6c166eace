//! Workers as child processes of the master.
//!
//! Each child gets one line on its standard input (where the master is, and its one-time
//! token) and the pipe then stays open: its end is how a worker knows that its master is
//! gone, however that happened.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use crate::FleetError;

/// Starts and ends worker processes.
#[derive(Debug, Clone)]
pub struct LocalProcesses {
    program: PathBuf,
    ended: mpsc::UnboundedSender<Ended>,
    running: Arc<Mutex<BTreeMap<String, Handle>>>,
}

/// An instance that is confirmed gone: its process has been reaped.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The worker's name.
    pub instance: String,
    /// How, for people.
    pub reason: String,
    /// Whose doing it was.
    pub how: How,
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It exited with code 0.
    Left,
    /// It exited with another code: it had a reason of its own.
    Failed,
    /// Somebody sent it a signal that ends processes.
    Killed,
    /// It crashed, or the system killed it because memory ran out.
    Crashed,
}

/// A child that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Its process id.
    pub process: u32,
}

#[derive(Debug)]
struct Handle {
    process: u32,
    kill: Option<oneshot::Sender<()>>,
}

impl LocalProcesses {
    /// `program` is started for each worker. Whoever holds the other end of `ended` is told
    /// once about each child that was started.
    #[must_use]
    pub fn new(program: PathBuf, ended: mpsc::UnboundedSender<Ended>) -> LocalProcesses {
        LocalProcesses {
            program,
            ended,
            running: Arc::default(),
        }
    }

    /// Starts one worker and hands it `first_line` through its pipe.
    ///
    /// # Errors
    /// When the operating system refuses; nothing runs then, and nothing is told to `ended`.
    pub fn launch(
        &self,
        instance: &str,
        arguments: &[OsString],
        first_line: String,
    ) -> Result<Running, FleetError> {
        let mut child = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| FleetError::Start {
                instance: instance.to_owned(),
                source,
            })?;
        let process = child.id().unwrap_or_default();
        let (kill, killed) = oneshot::channel();
        let handle = Handle {
            process,
            kill: Some(kill),
        };
        self.lock().insert(instance.to_owned(), handle);
        let this = self.clone();
        let instance = instance.to_owned();
        let kills_before = kills_for_memory();
        tokio::spawn(async move {
            let status = watch(&mut child, first_line, killed).await;
            this.lock().remove(&instance);
            // Nobody listens any more when the master is on its way out.
            let killed_for_memory = kills_for_memory() > kills_before;
            let _ = this.ended.send(ended(instance, status, killed_for_memory));
        });
        Ok(Running { process })
    }

    /// Kills a worker. That it is gone is told to `ended`; one that is gone already was.
    pub fn terminate(&self, instance: &str) {
        if let Some(kill) = self
            .lock()
            .get_mut(instance)
            .and_then(|handle| handle.kill.take())
        {
            let _ = kill.send(());
        }
    }

    /// The process id of a worker that runs.
    #[must_use]
    pub fn process(&self, instance: &str) -> Option<u32> {
        self.lock().get(instance).map(|handle| handle.process)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Handle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Feeds and keeps the pipe, and waits for the end, which `killed` may bring about.
async fn watch(
    child: &mut Child,
    first_line: String,
    mut killed: oneshot::Receiver<()>,
) -> std::io::Result<ExitStatus> {
    // A child that dies before it reads shows in its exit status, not here.
    let mut pipe = child.stdin.take();
    if let Some(pipe) = &mut pipe {
        let _ = pipe.write_all(first_line.as_bytes()).await;
        let _ = pipe.write_all(b"\n").await;
        let _ = pipe.flush().await;
    }
    let status = tokio::select! {
        status = child.wait() => status,
        Ok(()) = &mut killed => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    drop(pipe);
    status
}

fn ended(instance: String, status: std::io::Result<ExitStatus>, killed_for_memory: bool) -> Ended {
    let status = match status {
        Ok(status) => status,
        Err(error) => {
            let reason = format!("could not be waited for: {error}");
            return Ended {
                instance,
                reason,
                how: How::Failed,
            };
        }
    };
    let (reason, how) = match (status.code(), status.signal()) {
        (Some(0), _) => ("exited with code 0".to_owned(), How::Left),
        (Some(code), _) => (format!("exited with code {code}"), How::Failed),
        (None, Some(9)) if killed_for_memory => (
            "killed by the system: memory ran out".to_owned(),
            How::Crashed,
        ),
        (None, Some(signal @ (1 | 2 | 9 | 15))) => {
            (format!("ended by signal {signal}"), How::Killed)
        }
        (None, signal) => (
            format!("crashed with signal {}", signal.unwrap_or(0)),
            How::Crashed,
        ),
    };
    Ended {
        instance,
        reason,
        how,
    }
}

/// How many processes this system has killed because memory ran out. A kernel that does not
/// tell counts none.
fn kills_for_memory() -> u64 {
    let statistics = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let line = statistics
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<OsString> {
        ["-c", script].map(OsString::from).to_vec()
    }

    #[tokio::test]
    async fn each_end_is_told_once_and_as_it_was() {
        let (sender, mut ends) = mpsc::unbounded_channel();
        let fleet = LocalProcesses::new("/bin/sh".into(), sender);
        fleet
            .launch(
                "good",
                &shell("read line; test \"$line\" = hello"),
                "hello".into(),
            )
            .unwrap();
        let end = ends.recv().await.unwrap();
        assert_eq!(
            (end.instance.as_str(), end.how),
            ("good", How::Left),
            "{}",
            end.reason
        );
        fleet
            .launch("bad", &shell("exit 3"), String::new())
            .unwrap();
        let end = ends.recv().await.unwrap();
        assert_eq!(
            (end.reason.as_str(), end.how),
            ("exited with code 3", How::Failed)
        );
    }

    #[tokio::test]
    async fn a_terminated_worker_is_confirmed_gone() {
        let (sender, mut ends) = mpsc::unbounded_channel();
        let fleet = LocalProcesses::new("/bin/sh".into(), sender);
        let running = fleet
            .launch("w", &shell("trap '' TERM INT; cat"), "x".into())
            .unwrap();
        assert_eq!(fleet.process("w"), Some(running.process));
        fleet.terminate("w");
        fleet.terminate("w");
        let end = ends.recv().await.unwrap();
        assert_eq!(end.reason, "ended by signal 9");
        assert_eq!(fleet.process("w"), None);
    }

    #[tokio::test]
    async fn a_crash_is_told_from_a_kill() {
        let (sender, mut ends) = mpsc::unbounded_channel();
        let fleet = LocalProcesses::new("/bin/sh".into(), sender);
        for (signal, how) in [
            ("ABRT", How::Crashed),
            ("SEGV", How::Crashed),
            ("TERM", How::Killed),
        ] {
            let script = format!("ulimit -c 0; kill -{signal} $$");
            fleet.launch("w", &shell(&script), String::new()).unwrap();
            assert_eq!(ends.recv().await.unwrap().how, how, "{signal}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_started_is_an_error() {
        let (sender, _ends) = mpsc::unbounded_channel();
        let fleet = LocalProcesses::new("/nonexistent/worker".into(), sender);
        let error = fleet.launch("w7", &[], String::new()).unwrap_err();
        assert_eq!(error.to_string(), "start worker w7");
    }
}
