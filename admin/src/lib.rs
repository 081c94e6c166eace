//! The `dayfly` program: runs charts on this machine, and looks at runs.
//!
//! Reading order: `cli` (what can be typed), `settings` and `pins` (what a run is to do),
//! `commands` (one file each), `connect` and `stored` (a living run, and one whose master is
//! gone), `output`, `progress`, `error`, `exit`.

mod cli;
mod commands;
mod connect;
mod error;
mod exit;
mod logging;
mod output;
mod pins;
mod progress;
mod settings;
mod stored;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::cli::{Cli, Command, TerminologyCommand};
use crate::error::Failure;

pub use exit::Exit;

/// Runs the program with the arguments and variables of this process.
#[must_use]
pub fn main() -> ExitCode {
    let began = Instant::now();
    // Stages of an engine's process come first: they must not read anything, start anything
    // or print anything of their own.
    if let Some(code) = worker::engine::guard::stage(std::env::args_os()) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout with code 0, what is wrong to stderr with code 2; whoever
            // has closed either does not want to read it.
            let _ = error.print();
            return match error.use_stderr() {
                true => Exit::Usage.into(),
                false => Exit::Complete.into(),
            };
        }
    };
    logging::begin();
    // A panic's message may hold what a chart says.
    worker::hide_messages();
    let ended = match cli.command {
        Command::Worker(arguments) => return worker::command::run_process(arguments.into()),
        Command::Run(arguments) => commands::run::run(*arguments, began),
        Command::Runs(arguments) => commands::runs::run(&arguments),
        Command::Status(arguments) => commands::status::run(&arguments),
        Command::Watch(arguments) => commands::watch::run(&arguments),
        Command::Workers(arguments) => commands::workers::run(&arguments),
        Command::Shards(arguments) => commands::shards::run(&arguments),
        Command::Drain(arguments) => commands::orders::drain(&arguments),
        Command::Abort(arguments) => commands::orders::abort(&arguments),
        Command::Code(arguments) => commands::code::run(&arguments),
        Command::Assert(arguments) => commands::assert::run(&arguments),
        Command::Terminology(TerminologyCommand::Build(arguments)) => {
            commands::terminology::build(&arguments)
        }
        Command::Terminology(TerminologyCommand::Show(arguments)) => {
            commands::terminology::show(&arguments)
        }
    };
    let exit = ended.unwrap_or_else(|failure: Failure| {
        failure.print();
        failure.exit
    });
    exit.into()
}
