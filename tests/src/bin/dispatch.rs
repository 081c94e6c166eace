//! Dispatch alone: how many shards a second one master and two workers get through when coding
//! costs nothing and endings are kept in the workers' memory. Everything else is the real thing:
//! the plan in a directory, the run log, processes, mTLS, leases, reports.
//!
//! `cargo run --release -p tests --bin dispatch -- [--shards 100000] [--workers 2] [--durable]`
//!
//! The plan is made first and the run suspended; then it is resumed, so that planning is not
//! measured. `--durable` creates endings in the directory instead, as a run does.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its figures"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use master::spec::{Engine, Place, Reading, Shards, Spec};
use master::{Ended, Options, OtherMaster, Prepared, RunView, StopSignal};
use tests::memory_store::Forgetful;
use tokio::sync::{mpsc, watch};

#[derive(Parser)]
struct Arguments {
    /// One file, one chart, one shard each.
    #[arg(long, default_value_t = 100_000)]
    shards: u64,
    #[arg(long, default_value_t = 2)]
    workers: u32,
    /// Endings go to the directory, synced.
    #[arg(long)]
    durable: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    if arguments.nth(1).as_deref() == Some("worker") {
        return work(&arguments.collect::<Vec<_>>());
    }
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `worker --run R --instance I --slots N --runtime-dir D`, as the master starts it.
fn work(arguments: &[String]) -> ExitCode {
    let value = |name: &str| {
        let at = arguments
            .iter()
            .position(|a| a == name)
            .expect("the master gives it");
        arguments[at + 1].clone()
    };
    let durable = std::env::var_os("DISPATCH_DURABLE").is_some();
    let store = (!durable).then(|| Arc::new(Forgetful::default()) as Arc<dyn store::Store>);
    worker::command::run_process_with(
        worker::command::WorkerArguments {
            run: value("--run"),
            instance: value("--instance"),
            slots: 1,
            runtime_dir: None,
        },
        store,
    )
}

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    cpu: Duration,
    ended: u64,
}

fn sample(view: &RunView) -> Sample {
    Sample {
        at: Instant::now(),
        cpu: own_cpu(),
        ended: view.shards.committed,
    }
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let input = folder.path().join("charts");
    make_input(&input, arguments.shards)?;
    if arguments.durable {
        // Inherited by the workers; this process has no other thread yet.
        bail_unless_durable_is_known()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let output = folder.path().join("out");
        let prepared = Prepared::create(&output, spec(&input, arguments.workers)).await?;
        let run = prepared.run.to_string();
        plan(prepared, &output).await?;
        let prepared = Prepared::resume(&output, &run, OtherMaster::Respect).await?;
        dispatch(prepared, &output, arguments).await
    })
}

fn bail_unless_durable_is_known() -> anyhow::Result<()> {
    if std::env::var_os("DISPATCH_DURABLE").is_none() {
        bail!("set DISPATCH_DURABLE=1 as well: the workers read it");
    }
    Ok(())
}

/// Plans with workers that never come, and suspends.
async fn plan(prepared: Prepared, output: &Path) -> anyhow::Result<()> {
    let (stop, signals) = mpsc::channel(1);
    let (sender, mut view) = watch::channel(RunView::default());
    let began = Instant::now();
    let nobody = output.with_file_name("nobody.sh");
    std::fs::write(&nobody, "#!/bin/sh\nexec cat\n")?;
    std::fs::set_permissions(&nobody, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let options = options(nobody, output, 1);
    let run = tokio::spawn(master::run(prepared, options, signals, sender));
    while view.changed().await.is_ok() {
        if view.borrow().plan_closed {
            stop.send(StopSignal::Suspend).await.ok();
            break;
        }
    }
    let summary = run.await??;
    println!(
        "planned {} shards in {:.2} s",
        summary.counts.shards,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn dispatch(prepared: Prepared, output: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let (_stop, signals) = mpsc::channel(1);
    let (sender, mut view) = watch::channel(RunView::default());
    let began = Instant::now();
    let cpu_before = own_cpu();
    let options = options(std::env::current_exe()?, output, arguments.workers);
    let run = tokio::spawn(master::run(prepared, options, signals, sender));
    let (mut first, mut last) = (None, None);
    while view.changed().await.is_ok() {
        let view = view.borrow_and_update();
        if view.attempts > 0 && first.is_none() {
            first = Some(sample(&view));
        }
        if view.shards.committed > 0 && last.is_none_or(|l: Sample| l.ended < view.shards.committed)
        {
            last = Some(sample(&view));
        }
    }
    let summary = run.await??;
    if let Ended::Failed(reason) = &summary.ended {
        bail!("the run failed: {reason}");
    }
    let (Some(first), Some(last)) = (first, last) else {
        bail!("too few shards to measure")
    };
    let shards = last.ended - first.ended;
    let wall = last.at - first.at;
    let cpu = last.cpu.saturating_sub(first.cpu);
    report("between the first and the last look", shards, wall, cpu);
    let all = own_cpu().saturating_sub(cpu_before);
    report(
        "resume to seal, everything included",
        last.ended,
        began.elapsed(),
        all,
    );
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a benchmark's figures are approximate"
)]
fn report(what: &str, shards: u64, wall: Duration, cpu: Duration) {
    println!(
        "{what}: {shards} shards in {:.3} s = {:.0} shards/s; master {:.1} us CPU a shard",
        wall.as_secs_f64(),
        shards as f64 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / shards as f64,
    );
}

fn options(worker_program: PathBuf, output: &Path, workers: u32) -> Options {
    Options {
        worker_program,
        workers,
        slots: 1,
        began: Instant::now(),
        person: "bench".to_owned(),
        output: output.to_owned(),
    }
}

fn spec(input: &Path, workers: u32) -> Spec {
    Spec {
        place: Place::Machine,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        input: input.display().to_string(),
        workers,
        engine: Engine::Noop,
        reading: Reading {
            encoding: "utf-8".to_owned(),
            max_chart_bytes: 1 << 20,
            csv_id: "id".to_owned(),
            csv_text: "text".to_owned(),
            csv_meta: Vec::new(),
        },
        shards: Shards {
            max_bytes: 1 << 20,
            max_charts: 1,
        },
    }
}

fn make_input(input: &Path, files: u64) -> anyhow::Result<()> {
    for folder in 0..files.div_ceil(1_000) {
        let path = input.join(format!("{folder:05}"));
        std::fs::create_dir_all(&path)?;
        for file in 0..1_000.min(files - folder * 1_000) {
            std::fs::write(path.join(format!("{file:03}.txt")), b"x")?;
        }
    }
    Ok(())
}

/// User and system time of this process without its children.
fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}
