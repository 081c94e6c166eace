//! What the fleet costs: `dayfly run` with two workers beside `dayfly code` over the same files in
//! one process, in turn, by the operating system's own accounting (all processes, user and system).
//! Also: the time from the start of the process to the first lease, and peak memory.
//!
//! `cargo build --release && cargo run --release -p tests --bin overhead -- [--charts 70000] [--rounds 3]`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its figures"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// About 1.5 kB each.
    #[arg(long, default_value_t = 70_000)]
    charts: u64,
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[arg(long, default_value_t = 2)]
    workers: u32,
    /// txt or jsonl.
    #[arg(long, default_value = "txt")]
    format: String,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("charts");
    let beside = |name: &str| {
        let own = std::env::current_exe()?;
        anyhow::Ok(own.with_file_name(name))
    };
    let (dayfly, make_charts) = (beside("dayfly")?, beside("make-charts")?);
    ensure!(dayfly.exists(), "build it first: cargo build --release");
    let mut make = Command::new(make_charts);
    make.args([
        "--count",
        &arguments.charts.to_string(),
        "--format",
        &arguments.format,
    ]);
    make.arg("--output").arg(&input);
    run(&mut make)?;
    let megabytes = size_of(&input)? / 1e6;
    println!(
        "{} charts, {megabytes:.0} MB, {}",
        arguments.charts, arguments.format
    );
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for round in 0..arguments.rounds {
        let mut code = Command::new(&dayfly);
        code.args(["code", "--output-format", "jsonl"]).arg(&input);
        let code = run(&mut code)?;
        let mut fleet = Command::new(&dayfly);
        fleet.args(["run", "--quiet", "--output-format", "json"]);
        fleet.args(["--workers", &arguments.workers.to_string()]);
        fleet.arg("--input").arg(&input);
        fleet
            .arg("--output")
            .arg(folder.path().join(format!("out{round}")));
        let fleet = run(&mut fleet)?;
        println!(
            "code {:.2} s, {:.2} CPU s ({:.0} MB/s)   run {:.2} s, {:.2} CPU s ({:.0} MB/s)   CPU x {:.2}, throughput x {:.2}",
            code.wall,
            code.cpu,
            megabytes / code.wall,
            fleet.wall,
            fleet.cpu,
            megabytes / fleet.wall,
            fleet.cpu / code.cpu,
            code.wall / fleet.wall,
        );
        cpu.push(fleet.cpu / code.cpu);
        wall.push(code.wall / fleet.wall);
    }
    println!(
        "median: CPU x {:.2}, throughput x {:.2}",
        median(cpu),
        median(wall)
    );
    Ok(())
}

fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let (before, began) = (children_cpu()?, Instant::now());
    let name = PathBuf::from(command.get_program());
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("run {}", name.display()))?;
    ensure!(status.success(), "{} ended with {status}", name.display());
    let cpu = (children_cpu()? - before).as_secs_f64();
    Ok(Cost {
        wall: began.elapsed().as_secs_f64(),
        cpu,
    })
}

/// User and system time of all children that were waited for, and of theirs.
fn children_cpu() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    // Fields 16 and 17 of proc(5), counted from the state, which is field 3; in ticks of 10 ms.
    let ticks: u64 = fields
        .skip(13)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a benchmark's figures are approximate"
)]
fn size_of(folder: &Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            size_in(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes as f64)
}

fn size_in(folder: &Path) -> anyhow::Result<u64> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries
        .iter()
        .map(|entry| Ok(entry.metadata()?.len()))
        .sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
