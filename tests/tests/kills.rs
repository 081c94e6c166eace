//! Losing processes loses no work: workers and masters are killed with SIGKILL, at every point
//! between "the world said yes" and "we know it" and at random moments, and the results are row for
//! row those of an undisturbed run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rustix::process::Signal;
use tests::dice::SplitMix64;
use tests::place::{Place, Running, kill, until};

fn place() -> Place {
    Place::new(env!("CARGO_BIN_EXE_dayfly-under-test"))
}

/// Charts in files and in a line file, so that shards of both kinds are lost.
fn with_charts(place: &Place, files: u32, lines: u32) {
    for n in 0..files {
        let text = format!("ASSESSMENT\nPatient {n} has hypertension. No evidence of pneumonia.\n");
        place.write(&format!("ward{}/{n:04}.txt", n % 3), text);
    }
    let line = |n| {
        let text = format!("Type 2 diabetes mellitus with neuropathy, visit {n}.");
        serde_json::json!({ "id": format!("line-{n}"), "text": text }).to_string() + "\n"
    };
    if lines > 0 {
        place.write("more.jsonl", (0..lines).map(line).collect::<String>());
    }
}

/// Small shards, so that many are open at any time.
const SMALL: [&str; 2] = ["--workers", "2"];

fn small_shards(command: &mut std::process::Command, charts: u32) {
    command.env("DAYFLY_SHARDS__MAX_CHARTS", charts.to_string());
    command.env("DAYFLY_SHARDS__MAX_BYTES", "16384");
}

fn undisturbed(place: &Place) -> Vec<results::Row> {
    let mut command = place.run_command(&SMALL);
    small_shards(&mut command, 4);
    let done = place.complete(command).expect(0);
    let run = done.json()["run"].as_str().unwrap().to_owned();
    place.rows(&run)
}

#[test]
fn a_worker_killed_at_any_point_costs_nothing() {
    let place = place();
    with_charts(&place, 60, 40);
    let expected = undisturbed(&place);
    assert!(expected.len() >= 100);
    for point in [
        "worker::leased",
        "worker::started",
        "worker::coded",
        "worker::created",
        "worker::reported",
    ] {
        for nth in [1, 5] {
            let mut command = place.run_command(&SMALL);
            small_shards(&mut command, 4);
            command.env("DAYFLY_FAIL_AT", format!("{point}={nth}"));
            // Each replacement has the same point ahead of it; it is killed there as well, and
            // what it ended before counts. At the first passing nobody would ever get by.
            command.env(
                "DAYFLY_FAIL_ONCE",
                place.path().join(format!("{point}-{nth}")),
            );
            let done = place.complete(command).expect(0);
            let json = done.json();
            assert_eq!(json["outcome"], "complete", "{point}={nth}");
            assert_eq!(json["workers_alive"], 0);
            assert!(
                json["workers_launched"].as_u64().unwrap() > 2,
                "{point}={nth}: nobody died"
            );
            let run = json["run"].as_str().unwrap();
            assert_eq!(place.rows(run), expected, "{point}={nth}");
        }
    }
}

/// An engine that takes a moment for each chart, so that there is always somebody at work.
fn slow_engine(place: &Place) -> String {
    let script = r#"#!/usr/bin/env python3
import json, sys, time
for line in sys.stdin:
    chart = json.loads(line)
    time.sleep(0.01)
    code = "I10" if "hypertension" in chart["text"] else "E11.40"
    print(json.dumps({"id": chart["id"], "findings": [{"code": code}]}), flush=True)
"#;
    place.script("slow.py", script).display().to_string()
}

#[test]
fn workers_killed_at_a_hundred_random_moments_cost_nothing() {
    let place = place();
    with_charts(&place, 600, 900);
    let engine = slow_engine(&place);
    let command = |place: &Place| {
        let mut command = place.run_command(&["--workers", "3"]);
        small_shards(&mut command, 6);
        command.args(["--", &engine]);
        command
    };
    let first = place.complete(command(&place)).expect(0).json();
    let expected = place.rows(first["run"].as_str().unwrap());

    let seed = 20_261_123;
    let mut random = SplitMix64::new(seed);
    let mut killed = 0;
    // As many runs as it takes: what counts is a hundred kills of workers at work.
    while killed < 100 {
        let before: Vec<String> = runs(&place);
        let mut running = place.start(command(&place));
        let run = until("the new run", || {
            runs(&place).into_iter().find(|run| !before.contains(run))
        });
        let mut ended = 0;
        while !running.has_ended() {
            // Something was finished since the last kill: however slow the machine, the run
            // gets on, and workers die at work and not for ever at their start.
            if place.endings(&run) == ended {
                std::thread::yield_now();
                continue;
            }
            // Not to wait for anything: the moment itself is what is random.
            std::thread::sleep(std::time::Duration::from_micros(random.next_u64() % 60_000));
            ended = place.endings(&run);
            let workers = place.workers(&run);
            if let Some(len) = u64::try_from(workers.len()).ok().filter(|len| *len > 0) {
                let victim = usize::try_from(random.next_u64() % len).unwrap();
                kill(workers[victim].0, Signal::KILL);
                killed += 1;
            }
        }
        let done = running.wait().expect(0);
        assert_eq!(done.json()["outcome"], "complete", "seed {seed}");
        assert_eq!(
            place.rows(&run),
            expected,
            "seed {seed}, after {killed} kills"
        );
        place.wait_for_no_workers(&run);
    }
}

fn runs(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.output().join("runs"));
    let names = entries.into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_worker_that_falls_silent_holds_nothing_up() {
    let place = place();
    with_charts(&place, 200, 0);
    let engine = slow_engine(&place);
    let mut command = place.run_command(&["--workers", "2"]);
    small_shards(&mut command, 5);
    command.args(["--", &engine]);
    let running = place.start(command);
    let run = place.wait_for_run();
    let stopped = until("a worker at work", || {
        let at_work = place.endings(&run) > 2;
        place
            .workers(&run)
            .first()
            .copied_process()
            .filter(|_| at_work)
    });
    kill(stopped, Signal::STOP);
    let done = running.wait().expect(0);
    assert_eq!(done.json()["charts"], 200);
    place.wait_for_no_workers(&run);
}

trait Process {
    fn copied_process(self) -> Option<i32>;
}

impl Process for Option<&(i32, String)> {
    fn copied_process(self) -> Option<i32> {
        self.map(|(process, _)| *process)
    }
}

fn resume(place: &Place, run: &str) -> Running {
    let output = place.output();
    let mut command = place.command(&["run", "--output-format", "json", "--resume", run]);
    command.arg("--output").arg(output);
    place.start(command)
}

#[test]
fn a_master_killed_at_any_point_is_resumed_from_the_store() {
    let place = place();
    with_charts(&place, 60, 40);
    let expected = undisturbed(&place);
    for point in [
        "master::claimed=1",
        "master::launch-appended=1",
        "master::segment-appended=1",
        "master::before-seal=1",
        "store::after-create=1",
        "store::after-create=3",
        "store::after-create=5",
    ] {
        let before = runs(&place);
        let mut command = place.run_command(&SMALL);
        small_shards(&mut command, 4);
        command.env("DAYFLY_FAIL_AT", point);
        command.env("DAYFLY_FAIL_ONCE", place.path().join(point));
        let done = place.complete(command);
        assert_eq!(
            done.status.code(),
            None,
            "{point}: the master was not killed: {}",
            done.stderr
        );
        let run = runs(&place).into_iter().find(|run| !before.contains(run));
        // Killed before the run existed: there is nothing to resume, and nothing was lost.
        let Some(run) = run.filter(|run| {
            place
                .output()
                .join("runs")
                .join(run)
                .join("spec.json")
                .exists()
        }) else {
            continue;
        };
        let done = resume(&place, &run).wait().expect(0);
        assert_eq!(done.json()["outcome"], "complete", "{point}");
        assert_eq!(place.rows(&run), expected, "{point}");
        place.wait_for_no_workers(&run);
    }
}

#[test]
fn only_what_has_no_ending_is_done_again_after_a_master_died() {
    let place = place();
    with_charts(&place, 400, 0);
    let engine = slow_engine(&place);
    let mut command = place.run_command(&["--workers", "2"]);
    small_shards(&mut command, 5);
    command.args(["--", &engine]);
    let running = place.start(command);
    let run = place.wait_for_run();
    until("some endings", || (place.endings(&run) >= 10).then_some(()));
    running.signal(Signal::KILL);
    let _ = running.wait();
    // Workers whose master is gone end by themselves.
    place.wait_for_no_workers(&run);
    let folder = place.output().join("runs").join(&run).join("shards");
    let before = identities(&folder);

    let done = resume(&place, &run).wait().expect(0);
    let json = done.json();
    assert_eq!(json["outcome"], "complete");
    assert_eq!(json["charts"], 400);
    let shards = json["shards"].as_u64().unwrap();
    assert!(
        before.len() < 60,
        "the run was nearly over before it could be killed"
    );
    assert_eq!(
        json["attempts"].as_u64().unwrap(),
        shards - before.len() as u64
    );
    let after = identities(&folder);
    assert!(
        before.iter().all(|ending| after.contains(ending)),
        "an ending was touched"
    );
}

/// Name, inode and time of change of each file.
fn identities(folder: &std::path::Path) -> Vec<(String, u64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            let metadata = entry.metadata().unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (
                name,
                metadata.ino(),
                metadata.mtime(),
                metadata.mtime_nsec(),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn ctrl_c_suspends_and_resume_completes() {
    let place = place();
    with_charts(&place, 300, 0);
    let engine = slow_engine(&place);
    let mut command = place.run_command(&["--workers", "2"]);
    small_shards(&mut command, 5);
    command.args(["--", &engine]);
    let running = place.start(command);
    let run = place.wait_for_run();
    until("some endings", || (place.endings(&run) >= 5).then_some(()));
    running.signal(Signal::INT);
    let done = running.wait().expect(6).says(&format!("--resume {run}"));
    assert_eq!(done.json()["outcome"], "suspended");
    assert_eq!(done.json()["workers_alive"], 0);
    place.wait_for_no_workers(&run);
    assert!(
        !place
            .output()
            .join("runs")
            .join(&run)
            .join("seal.json")
            .exists()
    );
    let done = resume(&place, &run).wait().expect(0);
    assert_eq!(done.json()["charts"], 300);
}

#[test]
fn beside_a_living_master_a_resume_is_told_who_has_the_run() {
    let place = place();
    with_charts(&place, 300, 0);
    let engine = slow_engine(&place);
    let mut command = place.run_command(&["--workers", "2"]);
    small_shards(&mut command, 5);
    command.args(["--", &engine]);
    let running = place.start(command);
    let run = place.wait_for_run();
    until("some endings", || (place.endings(&run) >= 2).then_some(()));
    let refused = resume(&place, &run).wait().expect(5);
    assert!(
        refused.stderr.contains(&running.process().to_string()),
        "{}",
        refused.stderr
    );

    // `--take-over` ends the holder and its workers first.
    let mut command = place.command(&["run", "--output-format", "json", "--take-over"]);
    command
        .args(["--resume", &run, "--output"])
        .arg(place.output());
    let taken = place.complete(command).expect(0);
    assert_eq!(taken.json()["outcome"], "complete");
    assert_eq!(taken.json()["charts"], 300);
    assert_eq!(
        running.wait().status.code(),
        None,
        "the first master was ended"
    );
}

#[test]
fn of_two_resumes_at_once_one_has_the_run() {
    let place = place();
    with_charts(&place, 300, 0);
    let engine = slow_engine(&place);
    let mut command = place.run_command(&["--workers", "2"]);
    small_shards(&mut command, 5);
    command.args(["--", &engine]);
    let running = place.start(command);
    let run = place.wait_for_run();
    until("some endings", || (place.endings(&run) >= 2).then_some(()));
    running.signal(Signal::KILL);
    let _ = running.wait();
    let (a, b) = (resume(&place, &run), resume(&place, &run));
    let (a, b) = (a.wait(), b.wait());
    let codes = [a.status.code(), b.status.code()];
    assert!(
        codes == [Some(0), Some(5)] || codes == [Some(5), Some(0)],
        "{codes:?}\n{}\n{}",
        a.stderr,
        b.stderr
    );
}
