//! `dayfly` with fail points: what the end-to-end tests start, kill and resume.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match gives_its_line_away() {
        true => ExitCode::SUCCESS,
        false => admin::main(),
    }
}

/// With `GIVE_LAUNCH_LINE_TO=FILE`, the first worker that can create the file writes into it what
/// only a worker is told, its one-time token, and does no more: a test can then be that worker.
fn gives_its_line_away() -> bool {
    let file = std::env::var_os("GIVE_LAUNCH_LINE_TO");
    let is_worker = std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == "worker");
    let Some(Ok(mut file)) = file.filter(|_| is_worker).map(File::create_new) else {
        return false;
    };
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.and_then(|_| file.write_all(line.as_bytes()))
        .expect("the line can be passed on");
    // Alive until its master is gone, as a worker is.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    true
}
