//! A worker process that is there to be killed: one slot with the stubborn program. It reads
//! texts to code from its stdin and writes what became of them.

use std::io::{BufRead, stdin};
use std::path::Path;
use std::process::ExitCode;

use crate::gone::stubborn;
use crate::stage::{codes, engine, settings};

pub(crate) fn main(pids: &str) -> ExitCode {
    worker::engine::watch_over_orphans().unwrap();
    let mut engine = engine(settings(stubborn(Path::new(pids))));
    for text in stdin().lock().lines() {
        let line = match codes(&mut engine, "c", &text.unwrap()) {
            Ok(codes) => format!("{codes:?}"),
            Err(failure) => format!("{failure:?}"),
        };
        println!("{line}");
    }
    ExitCode::SUCCESS
}
