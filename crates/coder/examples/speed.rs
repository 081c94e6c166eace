//! How fast the coder is: `cargo run --release -p coder --example speed -- [--rounds N] FILE…`
//!
//! The files hold `{"text": …}` lines. Prints, on one core: CPU time from the start of the process to the first coded
//! chart, bytes coded a second of user CPU time (everything from text to findings, with their descriptions), and the
//! most memory the process ever held. Without files, a one-line chart shows start-up and memory alone.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output of a program"
)]

use std::fs;
use std::process::ExitCode;

use coder::{Coder, Scratch};
use rustix::time::{ClockId, clock_gettime};

fn main() -> ExitCode {
    let before = cpu_milliseconds();
    let coder = Coder::embedded();
    let mut scratch = Scratch::default();
    let first = coder.code("HTN. Denies chest pain.", &mut scratch);
    let ready = cpu_milliseconds();
    println!(
        "start-up: {ready:.2} ms of CPU from exec to the first coded chart ({:.2} ms of it ours, {} findings)",
        ready - before,
        first.findings.len()
    );
    let mut rounds = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            rounds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
            continue;
        }
        let Ok(content) = fs::read_to_string(&argument) else {
            eprintln!("cannot read {argument}");
            return ExitCode::from(2);
        };
        let texts: Vec<String> = content.lines().filter_map(text_of).collect();
        drop(content);
        measure(&coder, &mut scratch, &argument, &texts, rounds);
    }
    match peak_memory() {
        Some(kilobytes) => println!("peak memory: {:.1} MB", kilobytes / 1000.0),
        None => println!("peak memory: not known on this system"),
    }
    ExitCode::SUCCESS
}

fn measure(coder: &Coder, scratch: &mut Scratch, name: &str, texts: &[String], rounds: usize) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut best = f64::INFINITY;
    let mut findings = 0;
    for _ in 0..rounds {
        let before = cpu_milliseconds();
        findings = texts
            .iter()
            .map(|t| coder.code(t, scratch).findings.len())
            .sum();
        best = best.min(cpu_milliseconds() - before);
    }
    println!(
        "{name}: {:.1} MB/s of CPU, {:.0} charts/s ({} charts, {bytes} bytes, {findings} findings, best of {rounds})",
        bytes as f64 / 1000.0 / best,
        texts.len() as f64 * 1000.0 / best,
        texts.len()
    );
}

fn text_of(line: &str) -> Option<String> {
    let row: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(row.get("text")?.as_str()?.to_owned())
}

/// CPU time of this process, user and system.
fn cpu_milliseconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1000.0 + time.tv_nsec as f64 / 1.0e6
}

/// The most memory the process ever held, in kilobytes, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
