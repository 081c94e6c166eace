//! The hidden subcommand `dayfly worker`: a worker as a process of its own.

use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use store::Store;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::error::chain;
use crate::{Config, LaunchLine, Outcome, Shutdown, WorkerError, engine, hide_messages, run};

/// The line from the master is shorter than this.
const LONGEST_LINE: u64 = 4096;

/// When the master is gone, the process is gone after this at the latest, whatever it is at.
const GRACE: Duration = Duration::from_millis(300);

/// The arguments of the subcommand.
#[derive(Debug, Clone)]
pub struct WorkerArguments {
    pub run: String,
    pub instance: String,
    pub slots: u32,
    /// Where engines' stderr is kept.
    pub runtime_dir: Option<PathBuf>,
}

/// Works until told to leave, and returns the exit code: 0 when it left in order, 1 when it
/// could not go on or its master is gone, 2 when it was called wrongly.
///
/// Reads one line from standard input and keeps it open: its end is the end of the master.
/// SIGTERM makes the worker finish and leave. SIGINT is for its master to act on.
///
/// It may kill any child of this process that is not an engine of its own: see
/// [`engine::watch_over_orphans`].
pub fn run_process(arguments: WorkerArguments) -> ExitCode {
    run_process_with(arguments, None)
}

/// The same with another store for endings than the run's own: for measuring everything else.
pub fn run_process_with(arguments: WorkerArguments, store: Option<Arc<dyn Store>>) -> ExitCode {
    hide_messages();
    let Ok(run) = arguments.run.parse() else {
        log::error!("the run's id is none");
        return ExitCode::from(2);
    };
    let ended = LaunchLine::parse(&match first_line() {
        Ok(line) => line,
        Err(source) => {
            return failed(&WorkerError::Start {
                what: "reading standard input",
                source,
            });
        }
    })
    .and_then(|master| {
        work(Config {
            run,
            instance: arguments.instance,
            slots: arguments.slots,
            runtime_dir: arguments.runtime_dir,
            master,
            store,
        })
    });
    match ended {
        Ok(Outcome::Left) => ExitCode::SUCCESS,
        Ok(Outcome::MasterGone) => {
            log::info!("the master is gone");
            ExitCode::FAILURE
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &WorkerError) -> ExitCode {
    log::error!("{}", chain(error));
    ExitCode::FAILURE
}

fn work(config: Config) -> Result<Outcome, WorkerError> {
    let cannot = |what| move |source| WorkerError::Start { what, source };
    engine::watch_over_orphans().map_err(cannot("watching over orphans"))?;
    // One thread for all that waits; those that work are the slots' own.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(cannot("the runtime"))?;
    let (wishes, shutdown) = mpsc::channel(4);
    listen_to_signals(&runtime, wishes.clone()).map_err(cannot("listening to signals"))?;
    watch_the_pipe(wishes).map_err(cannot("watching standard input"))?;
    let outcome = runtime.block_on(Box::pin(run(config, shutdown)));
    // Whatever still blocks a thread ends with the process.
    runtime.shutdown_background();
    outcome
}

fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST_LINE).read_line(&mut line)?;
    Ok(line)
}

fn listen_to_signals(runtime: &Runtime, wishes: mpsc::Sender<Shutdown>) -> io::Result<()> {
    let _entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    // Ctrl-C goes to every process of the terminal. To listen is enough not to end by it.
    let interrupt = signal(SignalKind::interrupt())?;
    runtime.spawn(async move {
        let _interrupt = interrupt;
        while terminate.recv().await.is_some() {
            if wishes.send(Shutdown::Leave).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// A thread that waits for the end of standard input.
fn watch_the_pipe(wishes: mpsc::Sender<Shutdown>) -> io::Result<()> {
    let watch = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = wishes.blocking_send(Shutdown::MasterGone);
        std::thread::sleep(GRACE);
        log::warn!("the master is gone");
        #[expect(
            clippy::exit,
            reason = "nothing may outlive the master, not even what hangs"
        )]
        std::process::exit(1);
    };
    std::thread::Builder::new()
        .name("pipe".to_owned())
        .spawn(watch)
        .map(drop)
}
