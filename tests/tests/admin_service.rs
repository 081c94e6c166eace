//! What operators see and order, of a run that lives and of one that is over; and that nothing of
//! a chart is where anybody may look.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use master::{AdminFile, private_folder};
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::gate::Gate;
use tests::place::{Done, Place, Running, kill, until};

fn place() -> Place {
    Place::new(env!("CARGO_BIN_EXE_dayfly-under-test"))
}

/// A run over so many charts, each its own shard, that stands still until its gate is opened.
struct Standing {
    place: Place,
    gate: Gate,
    running: Running,
    run: String,
}

impl Standing {
    fn new(charts: u32, workers: &str) -> Standing {
        Standing::with(charts, workers, &[])
    }

    fn with(charts: u32, workers: &str, variables: &[(&str, &str)]) -> Standing {
        let place = place();
        for n in 0..charts {
            place.write(&format!("{n:02}.txt"), "Gout.");
        }
        let gate = Gate::new(&place);
        let mut command = place.run_command(&["--workers", workers, "--", &gate.engine()]);
        command.env("DAYFLY_SHARDS__MAX_CHARTS", "1");
        command.envs(variables.iter().copied());
        let running = place.start(command);
        let run = place.wait_for_run();
        gate.wait();
        place.wait_for_the_plan(&run);
        Standing {
            place,
            gate,
            running,
            run,
        }
    }

    fn start(&self, words: &[&str]) -> Running {
        let mut command = self.place.command(words);
        command.arg("--output").arg(self.place.output());
        self.place.start(command)
    }

    /// `dayfly COMMAND … --output-format json`, which ends with this exit code.
    #[track_caller]
    fn ask(&self, words: &[&str], code: i32) -> Done {
        self.start(&[words, &["--output-format", "json"]].concat())
            .wait()
            .expect(code)
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        self.ask(words, 0).json()
    }

    fn admin_file(&self) -> PathBuf {
        AdminFile::path(&private_folder(&self.place.output(), &self.run))
    }

    /// The records of the run log, in order.
    fn records(&self) -> Vec<Value> {
        let folder = self.place.output().join("runs").join(&self.run).join("log");
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths.iter().map(|path| json_of(path)).collect()
    }
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[track_caller]
fn assert_has(object: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&object[name], value, "{name} in {object:#}");
    }
}

fn names(object: &Value) -> BTreeSet<&String> {
    object.as_object().unwrap().keys().collect()
}

fn all<'v>(list: &'v Value, name: &str) -> Vec<&'v Value> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| &item[name])
        .collect()
}

#[test]
fn a_run_is_shown_while_it_lives_and_when_it_is_over() {
    let standing = Standing::new(6, "2");
    let run = standing.run.as_str();
    // Both workers hold something before anything is compared.
    until("both workers to have leases", || {
        let workers = standing.json(&["workers"]);
        all(&workers, "leases")
            .iter()
            .all(|leases| **leases != 0)
            .then_some(())
    });
    let status = standing.json(&["status"]);
    let expected = json!({
        "run": run, "state": "running", "outcome": null, "charts_planned": 6, "plan_closed": true,
        "charts": 0, "charts_quarantined": 0, "findings": 0, "bytes_planned": 30, "shards": 6,
        "shards_committed": 0, "shards_split": 0, "shards_quarantined": 0,
        "workers_launched": 2, "workers_alive": 2, "master_epoch": 1,
    });
    assert_has(&status, &expected);
    let count = |name: &str| status[name].as_u64().unwrap();
    assert_eq!(count("shards_pending") + count("shards_leased"), 6);
    assert!(count("shards_leased") >= 2 && !status["waits_for"].as_str().unwrap().is_empty());
    assert_eq!(standing.json(&["status", run])["run"], run);
    let runs = standing.json(&["runs"]);
    assert_has(
        &runs[0],
        &json!({"run": run, "state": "running", "outcome": null}),
    );

    let workers = standing.json(&["workers"]);
    assert_eq!(all(&workers, "state"), ["active", "active"]);
    let mut processes: Vec<i64> = all(&workers, "process")
        .iter()
        .map(|id| id.as_i64().unwrap())
        .collect();
    let mut there: Vec<i64> = standing
        .place
        .workers(run)
        .iter()
        .map(|(id, _)| i64::from(*id))
        .collect();
    processes.sort_unstable();
    there.sort_unstable();
    assert_eq!(processes, there);

    let shards = standing.json(&["shards"]);
    assert_eq!(all(&shards, "shard"), [0, 1, 2, 3, 4, 5]);
    let leased = standing.json(&["shards", "--state", "leased"]);
    assert!(all(&leased, "state").iter().all(|state| *state == "leased"));
    assert!(
        all(&leased, "worker")
            .iter()
            .all(|worker| worker.is_string())
    );
    assert_eq!(
        leased.as_array().unwrap().len() as u64,
        count("shards_leased")
    );
    assert_eq!(
        standing
            .json(&["shards", "--limit", "1"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let none = standing.json(&["shards", "--state", "committed"]);
    assert_eq!(none, json!([]));

    let watching = standing.start(&["watch", "--output-format", "jsonl"]);
    until("a first line", || {
        watching.stdout().ends_with('\n').then_some(())
    });
    standing.gate.open();
    let watched = watching.wait().expect(0);
    let lines: Vec<Value> = watched
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_has(&lines[0], &json!({"state": "running", "charts": 0}));
    let last = json!({"state": "sealed", "outcome": "complete", "charts": 6, "workers_alive": 0});
    assert_has(lines.last().unwrap(), &last);
    until("the master to be gone", || {
        (!standing.admin_file().exists()).then_some(())
    });
    until("the run to be over", || {
        standing.running.stdout().ends_with('\n').then_some(())
    });

    // The same of the store alone.
    let after = standing.json(&["status"]);
    assert_has(&after, &last);
    let counts = json!({
        "charts_planned": 6, "shards": 6, "shards_committed": 6, "shards_pending": 0,
        "workers_launched": 2, "workers_alive": 0, "reason": null, "waits_for": "",
    });
    assert_has(&after, &counts);
    assert_eq!(names(&after), names(&status), "one command, one shape");
    let ended = standing.json(&["workers"]);
    assert_eq!(names(&ended[0]), names(&workers[0]));
    assert_eq!(all(&ended, "instance"), all(&workers, "instance"));
    assert_eq!(all(&ended, "process"), [&Value::Null; 2]);
    assert_eq!(
        all(&ended, "charts")
            .iter()
            .filter_map(|n| n.as_u64())
            .sum::<u64>(),
        6
    );
    let committed = standing.json(&["shards", "--state", "committed"]);
    assert_eq!(names(&committed[0]), names(&shards[0]));
    assert_eq!(all(&committed, "charts"), [1; 6]);
    let again = standing
        .start(&["watch", "--output-format", "jsonl"])
        .wait()
        .expect(0);
    assert_has(&again.json(), &last);
    for order in ["drain", "abort"] {
        let refused = standing.ask(&[order], 2).says("sealed (complete)");
        assert_eq!(refused.stdout, "");
    }
    let _ = standing.running.wait().expect(0);
}

/// Which record holds an order, by whom.
#[track_caller]
fn assert_ordered(standing: &Standing, answer: &Value, order: &str) {
    assert_has(answer, &json!({"run": standing.run, "order": order}));
    let number = usize::try_from(answer["record"].as_u64().unwrap()).unwrap();
    let records = standing.records();
    let entries = records[number - 1]["entries"].as_array().unwrap();
    let found = entries
        .iter()
        .find(|entry| entry["entry"] == "order")
        .expect("it is in the log");
    assert_eq!(found["order"], order);
    assert!(!found["by"].as_str().unwrap().is_empty());
}

#[test]
fn a_drained_run_ends_what_it_holds_and_is_partial() {
    let standing = Standing::new(40, "2");
    let answer = standing.json(&["drain"]);
    assert_ordered(&standing, &answer, "drain");
    // What is shown is brought up to date a few times a second.
    until("the run to be draining", || {
        (standing.json(&["status"])["state"] == "draining").then_some(())
    });
    let watching = standing.start(&["watch", "--output-format", "jsonl"]);
    standing.gate.open();
    let _ = watching.wait().expect(3);
    standing.place.wait_for_no_workers(&standing.run);
    let after = standing.json(&["status"]);
    assert_has(
        &after,
        &json!({"state": "sealed", "outcome": "partial", "charts_planned": 40}),
    );
    assert_eq!(after["reason"], "charts were not reached");
    let coded = after["charts"].as_u64().unwrap();
    assert!((1..40).contains(&coded), "{coded} coded");
    assert_eq!(standing.place.rows(&standing.run).len() as u64, coded);
    let pending = standing.json(&["shards", "--state", "pending"]);
    assert_eq!(pending.as_array().unwrap().len() as u64, 40 - coded);
    let admin_file = standing.admin_file();
    let done = standing.running.wait().expect(3).json();
    assert_eq!(
        (&done["outcome"], &done["workers_alive"]),
        (&json!("partial"), &json!(0))
    );
    assert!(!admin_file.exists());
}

#[test]
fn an_order_holds_for_the_next_master_too() {
    for (order, code, outcome) in [("drain", 3, "partial"), ("abort", 4, "aborted")] {
        let standing = Standing::with(12, "2", &[("DAYFLY_FAIL_AT", "master::order-appended=1")]);
        let refused = standing.start(&[order]).wait();
        assert_ne!(
            refused.status.code(),
            Some(0),
            "the master died before it could answer"
        );
        standing.place.wait_for_no_workers(&standing.run);
        assert_eq!(standing.json(&["status"])["state"], "suspended");
        standing.gate.open_to_nobody();
        let done = standing
            .ask(&["run", "--resume", &standing.run], code)
            .json();
        let expected = json!({"outcome": outcome, "charts": 0, "workers_launched": 2});
        assert_has(&done, &expected);
    }
}

#[test]
fn a_run_drained_at_its_last_chart_is_complete() {
    let standing = Standing::new(1, "1");
    let answer = standing.json(&["drain"]);
    assert_ordered(&standing, &answer, "drain");
    standing.gate.open();
    let done = standing.running.wait().expect(0).json();
    assert_has(
        &done,
        &json!({"outcome": "complete", "charts": 1, "workers_alive": 0}),
    );
}

#[test]
fn an_aborted_run_ends_at_once_and_keeps_what_it_has() {
    let standing = Standing::new(40, "2");
    // Also one that is being drained can be aborted.
    let answer = standing.json(&["drain"]);
    assert_ordered(&standing, &answer, "drain");
    let answer = standing.json(&["abort"]);
    assert_ordered(&standing, &answer, "abort");
    // Nobody opens the gate: the engines are ended where they stand.
    until("the run to be over", || {
        standing.running.stdout().ends_with('\n').then_some(())
    });
    standing.place.wait_for_no_workers(&standing.run);
    let engine = standing.gate.engine();
    until("its engines gone", || {
        let all = tests::place::processes();
        let at_work = all.iter().any(|(_, words)| words.contains(&engine));
        (!at_work).then_some(())
    });
    let after = standing.json(&["status"]);
    let expected = json!({"state": "sealed", "outcome": "aborted", "charts": 0});
    assert_has(&after, &expected);
    assert_eq!(after["reason"], "aborted by an operator");
    let _ = standing.start(&["watch"]).wait().expect(4);
    let _ = standing.ask(&["abort"], 2).says("sealed (aborted)");
    let _ = standing
        .ask(&["run", "--resume", &standing.run], 2)
        .says("sealed (aborted)");
    let admin_file = standing.admin_file();
    let done = standing.running.wait().expect(4).json();
    assert_has(&done, &json!({"outcome": "aborted", "workers_alive": 0}));
    assert!(!admin_file.exists());
}

#[test]
fn of_a_run_whose_master_was_killed_the_store_tells_and_orders_are_refused() {
    let standing = Standing::new(6, "2");
    standing.running.signal(Signal::KILL);
    standing.place.wait_for_no_workers(&standing.run);
    // Its file is still there; nobody answers behind it.
    assert!(standing.admin_file().exists());
    let status = standing.json(&["status"]);
    assert_has(
        &status,
        &json!({"state": "suspended", "outcome": null, "shards_pending": 6}),
    );
    assert!(status["waits_for"].as_str().unwrap().contains("--resume"));
    let _ = standing
        .ask(&["drain"], 1)
        .says("no master")
        .says("--resume");
    let _ = standing.start(&["watch"]).wait().expect(6);
    standing.gate.open_to_nobody();
    let _ = standing.ask(&["run", "--resume", &standing.run], 0);
    assert!(!standing.admin_file().exists());
}

/// What no log, error, name or record may hold, in any case.
const CANARY: &str = "zzcanary";

/// Charts of all kinds whose names and texts hold the canary: good, unreadable, and such that the
/// engine fails. Good ones come first: an engine that has never answered is soon given up.
fn with_canaries(place: &Place) {
    let text = "ZZCANARY-text, Zoe ZZCANARY: hypertension.\n";
    for n in 0..30 {
        place.write(&format!("ZZCANARY-ward/ZZCANARY-{n:02}.txt"), text);
    }
    place.write("ZZCANARY-z-empty.txt", "");
    place.write("ZZCANARY-z-latin.txt", b"ZZCANARY \xff\xfe\xfd");
    place.write("ZZCANARY-z-binary.txt", b"ZZCANARY\0");
    place.write("ZZCANARY-z-dies.txt", "ZZCANARY please die");
    place.write("ZZCANARY-z-garbage.txt", "ZZCANARY please echo");
    place.write("ZZCANARY-z-id.txt", "ZZCANARY please mistake");
    place.write("ZZCANARY-z-shape.txt", "ZZCANARY please malform");
    let line = |id: &str| json!({"id": id, "text": text}).to_string();
    let lines = [
        &line("ZZCANARY-1"),
        &line("ZZCANARY-1"),
        "ZZCANARY is no JSON",
        "{\"ZZCANARY\": 1}",
        "{\"id\": \"ZZCANARY\", \"text\": [\"ZZCANARY\"]}",
        "{\"id\": \"ZZCANARY-cut\", \"text\": \"ZZCANARY",
    ];
    place.write("ZZCANARY-lines.jsonl", lines.join("\n"));
    place.write(
        "ZZCANARY.csv",
        "id,text\nZZCANARY-a,\"ZZCANARY, x\"\nZZCANARY-b\nZZCANARY-c,\"ZZ",
    );
    place.write(
        "ZZCANARY-header.csv",
        "ZZCANARY,text\nZZCANARY-d,ZZCANARY gout\n",
    );
    place.write("ZZCANARY-broken.jsonl.gz", "ZZCANARY is no gzip");
    std::os::unix::fs::symlink(".", place.input().join("ZZCANARY-loop")).unwrap();
    std::os::unix::fs::symlink("ZZCANARY", place.input().join("ZZCANARY-gone.txt")).unwrap();
}

const TALKATIVE: &str = r#"#!/usr/bin/env python3
import json, os, sys
for line in sys.stdin:
    chart = json.loads(line)
    text = chart["text"]
    print("working on", line, file=sys.stderr, flush=True)
    if "die" in text:
        raise ValueError(text)
    if "echo" in text:
        print(text, flush=True)
    elif "mistake" in text:
        print(json.dumps({"id": text, "findings": []}), flush=True)
    elif "malform" in text:
        print(json.dumps({"id": chart["id"], "findings": [{text: text}]}), flush=True)
    else:
        finding = {"code": "I10", "evidence": text, "begin": 1, "end": 99999}
        print(json.dumps({"id": chart["id"], "findings": [finding]}), flush=True)
"#;

/// Nothing of it in a text; `where` it was looked for is shown.
#[track_caller]
fn assert_clean(place: &str, text: &str) {
    let found = text
        .lines()
        .find(|line| line.to_lowercase().contains(CANARY));
    assert_eq!(found, None, "in {place}");
}

/// Looks through all names below a folder, and all JSON in it but for the cursor of the listing.
fn assert_names_and_json_clean(folder: &Path) -> u32 {
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_clean("the names", &path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            read += assert_names_and_json_clean(&path);
        } else if path.extension().is_some_and(|end| end == "json") {
            let mut json = json_of(&path);
            without_cursors(&mut json);
            assert_clean(&path.display().to_string(), &json.to_string());
            read += 1;
        }
    }
    read
}

fn without_cursors(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.remove("through");
            fields.values_mut().for_each(without_cursors);
        }
        Value::Array(items) => items.iter_mut().for_each(without_cursors),
        _ => {}
    }
}

/// A run over the canaries with everything logged, in which a worker is killed.
fn run_over_canaries(more: &[&str]) {
    let place = place();
    with_canaries(&place);
    // One worker takes the charts in their order, and so does its replacement.
    let mut words = vec!["run", "--workers", "1", "--input", "charts"];
    let engine = place
        .script("talkative.py", TALKATIVE)
        .display()
        .to_string();
    let output = place.output().display().to_string();
    words.extend(["--output", &output]);
    words.extend(more);
    if more == ["--"] {
        words.push(&engine);
    }
    let mut command = place.command(&words);
    command
        .env("DAYFLY_LOG", "trace")
        .env("DAYFLY_SHARDS__MAX_CHARTS", "4");
    command.env("DAYFLY_FAIL_AT", "worker::created=2");
    command.env("DAYFLY_FAIL_ONCE", place.path().join("killed"));
    let done = place.complete(command).expect(3);
    assert!(place.path().join("killed").exists(), "no worker was killed");
    for said in ["debug: ", "info: ", "worker::", "master::"] {
        assert!(
            done.stderr.contains(said),
            "nothing is logged as {said}:\n{}",
            done.stderr
        );
    }
    let run = place.only_run();
    let rows = place.rows(&run);
    let canaries = rows
        .iter()
        .filter(|row| row.chart_id.contains("ZZCANARY"))
        .count();
    assert_eq!(canaries, rows.len(), "all ids hold it");
    let reasons: BTreeSet<_> = rows.iter().filter_map(|row| row.reason.clone()).collect();
    assert!(reasons.len() >= 8, "{reasons:#?}");
    for reason in &reasons {
        assert_clean("a reason", reason);
    }
    assert_clean("stderr", &done.stderr);
    assert_clean("stdout", &done.stdout);
    assert!(assert_names_and_json_clean(&place.output()) >= 5);
    for command in ["status", "workers", "shards", "runs"] {
        let looked = place
            .complete(place.command(&[command, "--output", &output]))
            .expect(0);
        assert_clean(command, &looked.stdout);
        assert_clean(command, &looked.stderr);
    }
}

#[test]
fn nothing_of_a_chart_is_in_logs_names_or_records() {
    run_over_canaries(&[]);
}

#[test]
fn nothing_of_a_chart_is_there_either_when_a_talkative_engine_fails() {
    run_over_canaries(&["--"]);
}

#[test]
fn nothing_of_a_chart_is_told_when_a_run_breaks_is_killed_and_is_resumed() {
    let place = place();
    with_canaries(&place);
    let engine = "#!/bin/sh\ncat >&2\n";
    let engine = place.script("breaks.sh", engine).display().to_string();
    let mut command = place.run_command(&["--workers", "1", "--", &engine]);
    // It answers nothing, and ends with a chart on its stderr when the master does.
    command.env("DAYFLY_LOG", "trace");
    let running = place.start(command);
    let run = place.wait_for_run();
    until("a worker", || place.workers(&run).first().map(|_| ()));
    place.wait_for_the_plan(&run);
    kill(running.process(), Signal::KILL);
    let killed = running.wait();
    place.wait_for_no_workers(&run);
    assert_clean("stderr", &killed.stderr);
    let _ = place.script("breaks.sh", "#!/bin/sh\ncat >&2; exit 1\n");
    let mut command = place.command(&["run", "--resume", &run, "--output"]);
    command.arg(place.output()).env("DAYFLY_LOG", "trace");
    let refused = place
        .complete(command)
        .expect(2)
        .says("content of the engine's files");
    assert_clean("stderr", &refused.stderr);

    let broken = place.script(
        "broken.sh",
        "#!/bin/sh\nread x; echo \"$x\" >&2; echo \"$x x\"\n",
    );
    let broken = broken.display().to_string();
    let mut command = place.run_command(&["--workers", "1", "--", &broken]);
    command.env("DAYFLY_LOG", "trace");
    let failed = place.complete(command).expect(1).says("broken.sh");
    assert_clean("stderr", &failed.stderr);
    assert_names_and_json_clean(&place.output());
}
