//! A folder in which a test runs Dayfly as a user would: an input, an output, real processes.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use results::{Row, RunReader};
use serde_json::Value;
use store::{DirectoryStore, RunId, Store, layout};

/// How long anything may take before a test gives up. Far beyond what a loaded machine needs:
/// nothing waits for it to pass, everything waits for a condition.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// An input, an output, and the program.
#[derive(Debug)]
pub struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// A program that was started and writes to files of its own.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Done {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// `program` is `env!("CARGO_BIN_EXE_dayfly-under-test")`.
    #[must_use]
    pub fn new(program: &str) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("charts")).expect("a folder can be made");
        Place {
            folder,
            program: program.into(),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    #[must_use]
    pub fn input(&self) -> PathBuf {
        self.path().join("charts")
    }

    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.path().join("out")
    }

    /// Writes a file below the input, with the folders that it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.input().join(name);
        fs::create_dir_all(path.parent().expect("it is below the input")).expect("make folders");
        fs::write(path, content).expect("write an input file");
    }

    /// Writes an executable script beside the input, and returns its path.
    #[must_use]
    pub fn script(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        fs::write(&path, content).expect("write a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("make it executable");
        path
    }

    /// The program with these arguments, not yet started.
    #[must_use]
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DAYFLY_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// `dayfly run` over the place's input, as JSON, with more arguments behind.
    #[must_use]
    pub fn run_command(&self, more: &[&str]) -> Command {
        let (input, output) = (self.input(), self.output());
        let mut command = self.command(&["run", "--output-format", "json"]);
        command
            .arg("--input")
            .arg(input)
            .arg("--output")
            .arg(output)
            .args(more);
        command
    }

    /// Starts a command; its output goes to files, so that nothing blocks on a pipe.
    #[must_use]
    pub fn start(&self, mut command: Command) -> Running {
        let unique = format!("{:?}", Instant::now()).replace(|c: char| !c.is_ascii_digit(), "");
        let file = |kind: &str| self.path().join(format!("{kind}-{unique}"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let create = |path: &Path| fs::File::create_new(path).expect("make an output file");
        let child = command
            .stdout(create(&stdout))
            .stderr(create(&stderr))
            .spawn()
            .expect("start the program");
        Running {
            child,
            stdout,
            stderr,
        }
    }

    /// Starts a command and waits for its end.
    #[must_use]
    pub fn complete(&self, command: Command) -> Done {
        self.start(command).wait()
    }

    /// The place's output as a store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::new(DirectoryStore::open_to_read(&self.output()).expect("the output is a store"))
    }

    /// All rows of a run in an order that does not depend on how it was cut into shards.
    #[must_use]
    pub fn rows(&self, run: &str) -> Vec<Row> {
        let run: RunId = run.parse().expect("it is the id of a run");
        let reader = RunReader::new(self.store(), run);
        let mut rows = block_on(reader.find(|_| true)).expect("endings can be read");
        rows.sort_by_cached_key(|row| {
            let place = (row.chart_id.clone(), row.begin, row.end, row.code.clone());
            (
                place,
                row.assertion.map(|a| a.as_str()),
                row.reason.clone(),
                row.answer.clone(),
            )
        });
        rows
    }

    /// The only run in the output.
    #[must_use]
    pub fn only_run(&self) -> String {
        let runs = block_on(layout::runs(self.store().as_ref())).expect("runs can be listed");
        let [run] = runs.as_slice() else {
            panic!("one run, not {}", runs.len())
        };
        run.to_string()
    }

    /// Waits until there is a run in the output, and names it.
    #[must_use]
    pub fn wait_for_run(&self) -> String {
        until("a run in the output", || {
            let names = fs::read_dir(self.output().join("runs")).ok()?;
            let mut specs = names
                .flatten()
                .filter(|e| e.path().join("spec.json").exists());
            specs
                .next()
                .map(|e| e.file_name().to_string_lossy().into_owned())
        })
    }

    /// How many endings a run has in the store.
    #[must_use]
    pub fn endings(&self, run: &str) -> usize {
        let folder = self.output().join("runs").join(run).join("shards");
        fs::read_dir(folder).map_or(0, |entries| entries.flatten().count())
    }

    /// The worker processes of a run: process ids by name.
    #[must_use]
    pub fn workers(&self, run: &str) -> Vec<(i32, String)> {
        processes()
            .into_iter()
            .filter_map(|(process, arguments)| {
                let at = arguments.iter().position(|a| a == "worker")?;
                let is_ours = arguments.get(at + 2).is_some_and(|r| r == run);
                is_ours.then(|| (process, arguments.get(at + 4).cloned().unwrap_or_default()))
            })
            .collect()
    }

    /// Waits until nothing more will be planned in a run that has a living master.
    pub fn wait_for_the_plan(&self, run: &str) {
        until("the plan to be closed", || {
            let mut command = self.command(&["status", run, "--output-format", "json"]);
            command.arg("--output").arg(self.output());
            let status = self.complete(command).expect(0).json();
            (status["plan_closed"] == true).then_some(())
        });
    }

    /// Waits until no worker process of the run is left.
    pub fn wait_for_no_workers(&self, run: &str) {
        until("no worker process left", || {
            self.workers(run).is_empty().then_some(())
        });
    }
}

impl Running {
    #[must_use]
    pub fn process(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process ids are small")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        kill(self.process(), signal);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be waited for")
            .is_some()
    }

    /// Waits for its end.
    #[must_use]
    pub fn wait(mut self) -> Done {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => break status,
                None if began.elapsed() > PATIENCE => {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    panic!("it does not end; stderr so far:\n{}", text(&self.stderr));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        Done {
            status,
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
        }
    }

    /// What it has printed on stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// What it has printed on stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Done {
    /// Asserts the exit code, and shows what was said when it is another.
    #[track_caller]
    #[must_use]
    pub fn expect(self, code: i32) -> Done {
        assert_eq!(
            self.status.code(),
            Some(code),
            "signal {:?}\nstdout: {}\nstderr: {}",
            self.status.signal(),
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that stderr says something.
    #[track_caller]
    #[must_use]
    pub fn says(self, what: &str) -> Done {
        assert!(
            self.stderr.contains(what),
            "{what:?} is not in stderr:\n{}",
            self.stderr
        );
        self
    }

    /// The one JSON object on stdout.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("stdout is not one JSON object ({e}):\n{}", self.stdout))
    }
}

/// Waits for a condition, and returns what it found.
#[track_caller]
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal to a process by its id; one that is gone is fine.
pub fn kill(process: i32, signal: rustix::process::Signal) {
    if let Some(process) = rustix::process::Pid::from_raw(process) {
        let _ = rustix::process::kill_process(process, signal);
    }
}

/// All processes whose command line can be read, but for those that have ended.
#[must_use]
pub fn processes() -> Vec<(i32, Vec<String>)> {
    let entries = fs::read_dir("/proc").expect("/proc can be listed");
    entries
        .flatten()
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let arguments = line.split(|byte| *byte == 0);
            let arguments: Vec<String> = arguments
                .map(|a| String::from_utf8_lossy(a).into_owned())
                .collect();
            (!line.is_empty()).then_some((process, arguments))
        })
        .collect()
}

/// Runs a future to its end on a small runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(future)
}

fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    let opened = fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    opened.expect("an output file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
