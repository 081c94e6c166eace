//! Engines of the user's that misbehave in every way that a program can: what it costs is a
//! chart, or the run says clearly that the engine is broken; and none outlives its worker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use results::{Row, Status};
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::place::{Done, Place, kill, processes, until};

fn place() -> Place {
    Place::new(env!("CARGO_BIN_EXE_dayfly-under-test"))
}

/// A program that codes every chart as I10, but calls `odd(chart)` first.
fn engine(place: &Place, odd: &str) -> String {
    let script = format!(
        r#"#!/usr/bin/env python3
import json, os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
def odd(chart):
{odd}
for line in sys.stdin:
    chart = json.loads(line)
    if odd(chart):
        continue
    say(json.dumps({{"id": chart["id"], "findings": [{{"code": "I10"}}]}}))
"#
    );
    place.script("engine.py", &script).display().to_string()
}

/// Six charts, of which `3.txt` says that it is odd.
fn with_charts(place: &Place) {
    for n in 1..=6 {
        let odd = if n == 3 { " An odd one." } else { "" };
        place.write(&format!("{n}.txt"), format!("Visit {n}.{odd}\n"));
    }
}

/// Runs an engine over six charts.
#[track_caller]
fn run(place: &Place, odd: &str, code: i32) -> Done {
    with_charts(place);
    let engine = engine(place, odd);
    let command = place.run_command(&["--workers", "1", "--", &engine]);
    let done = place.complete(command).expect(code);
    assert!(!done.stderr.contains("does not end"), "{}", done.stderr);
    done
}

/// The engine fails on the odd chart with this; it alone is quarantined for it.
#[track_caller]
fn costs_one_chart(odd: &str, reason: &str) {
    let place = place();
    let done = run(&place, odd, 3);
    let json = done.json();
    assert_eq!(json["outcome"], "partial");
    assert_eq!(
        (&json["charts"], &json["charts_quarantined"]),
        (&json!(6), &json!(1))
    );
    let (odd, others) = split(place.rows(json["run"].as_str().unwrap()));
    let [odd] = &odd[..] else {
        panic!("{} rows", odd.len())
    };
    assert_eq!(
        (odd.chart_id.as_str(), odd.status),
        ("3.txt", Status::Quarantined)
    );
    let said = odd.reason.as_deref().unwrap();
    assert!(
        said.contains("failed 3 times") && said.contains(reason),
        "{said}"
    );
    assert_eq!(others.len(), 5);
    assert!(others.iter().all(|row| row.code.as_deref() == Some("I10")));
}

/// The engine fails on every chart with this; the run fails and says so.
#[track_caller]
fn breaks_the_run(odd: &str, reason: &str) {
    let place = place();
    let done = run(&place, odd, 1)
        .says("engine.py")
        .says(reason)
        .says("--resume");
    assert_eq!(done.json()["outcome"], "failed");
    assert_eq!(done.json()["workers_alive"], 0);
}

fn split(rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    rows.into_iter().partition(|row| row.chart_id == "3.txt")
}

#[test]
fn a_command_that_is_not_found_starts_nothing() {
    let place = place();
    with_charts(&place);
    for command in ["no-such-engine", "./no/such/engine"] {
        let done = place.complete(place.run_command(&["--", command]));
        let done = done.expect(2).says(command);
        assert_eq!(done.stdout, "");
        assert!(!place.output().exists());
    }
}

#[test]
fn what_fails_on_one_chart_costs_that_chart() {
    let when_odd =
        |act: &str| format!("    if 'odd' in chart['text']:\n        {act}\n        return True\n");
    costs_one_chart(
        &when_odd("say('Segmentation fault, or so')"),
        "not a JSON object",
    );
    costs_one_chart(&when_odd("say('[]')"), "not a JSON object");
    costs_one_chart(
        &when_odd(r#"say(json.dumps({"id": "4.txt", "findings": []}))"#),
        "does not have the id",
    );
    costs_one_chart(&when_odd("os._exit(7)"), "exited with code 7");
    costs_one_chart(
        &when_odd("os.kill(os.getpid(), signal.SIGSEGV)"),
        "signal 11",
    );
    costs_one_chart(
        &when_odd(r#"say(json.dumps({"id": chart["id"], "findings": "none"}))"#),
        "malformed",
    );
    // In blocks: the worker must refuse it long before it is all there.
    costs_one_chart(
        &when_odd("[sys.stdout.write('x' * 1000000) for _ in range(100)]; say('')"),
        "longer than 16777216 bytes",
    );
}

#[test]
fn what_fails_on_every_chart_breaks_the_run() {
    breaks_the_run("    say('hello!')\n    return True\n", "never answered");
    breaks_the_run(
        "    say(json.dumps({'id': 'another', 'findings': []}))\n    return True\n",
        "does not have the id",
    );
    breaks_the_run(
        "    sys.stdout.write('x' * 100000000); say('')\n    return True\n",
        "longer",
    );
    breaks_the_run("    sys.exit(0)\n", "exited with code 0");
}

#[test]
fn a_program_that_exits_at_once_for_ever_breaks_the_run_before_it_costs_many_charts() {
    let place = place();
    with_charts(&place);
    let script = place
        .script("coder.sh", "#!/bin/sh\nexit 9\n")
        .display()
        .to_string();
    let command = place.run_command(&["--workers", "2", "--", &script]);
    let done = place
        .complete(command)
        .expect(1)
        .says("coder.sh")
        .says("exited with code 9");
    let run = done.json()["run"].as_str().unwrap().to_owned();
    place.wait_for_no_workers(&run);
    // Each worker tries two charts before it blames the engine rather than the first.
    assert!(
        place.endings(&run) <= 2,
        "{} charts were given up",
        place.endings(&run)
    );
}

#[test]
fn a_program_that_is_no_program_breaks_the_run() {
    let place = place();
    with_charts(&place);
    let script = place
        .script("coder.sh", "#!/no/such/interpreter\n")
        .display()
        .to_string();
    let command = place.run_command(&["--workers", "1", "--", &script]);
    let _ = place
        .complete(command)
        .expect(1)
        .says("coder.sh does not start")
        .says("No such file");
}

#[test]
fn a_chart_over_its_time_limit_is_tried_with_a_new_process() {
    let place = place();
    with_charts(&place);
    let engine = engine(
        &place,
        "    mark = here + '/was-silent'\n\
         \x20   if 'odd' in chart['text'] and not os.path.exists(mark):\n\
         \x20       open(mark, 'w').close()\n\
         \x20       signal.pause()\n",
    );
    let mut command = place.run_command(&["--workers", "1", "--", &engine]);
    command.env("DAYFLY_ENGINE__CHART_SECONDS", "2.5");
    let done = place
        .complete(command)
        .expect(0)
        .says("did not answer within 2.5s");
    assert_eq!(done.json()["charts"], 6);
    assert!(place.path().join("was-silent").exists());
    let rows = place.rows(done.json()["run"].as_str().unwrap());
    assert!(rows.iter().all(|row| row.code.as_deref() == Some("I10")));
}

#[test]
fn an_engine_that_ignores_everything_is_gone_when_its_worker_was_killed() {
    let place = place();
    with_charts(&place);
    // It codes nothing before `go` is there; it never reads the end of its input, and its own
    // child in a session of its own holds on as well.
    let script = r#"#!/usr/bin/env python3
import json, os, signal, subprocess, sys, time
here = os.path.dirname(os.path.abspath(__file__))
for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
    signal.signal(ignored, signal.SIG_IGN)
chart = json.loads(sys.stdin.readline())
if not os.path.exists(here + "/go"):
    child = subprocess.Popen(["sleep", "100000"], start_new_session=True)
    with open(here + "/engines.new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(here + "/engines.new", here + "/engines")
    while True:
        time.sleep(1000)
while True:
    print(json.dumps({"id": chart["id"], "findings": []}), flush=True)
    line = sys.stdin.readline()
    if line:
        chart = json.loads(line)
    while not line:
        time.sleep(1000)
"#;
    let engine = place.script("deaf.py", script).display().to_string();
    let running = place.start(place.run_command(&["--workers", "1", "--", &engine]));
    let run = place.wait_for_run();
    let engines = until("an engine at work", || read(&place.path().join("engines")));
    assert!(
        engines.iter().all(|process| is_alive(*process)),
        "{engines:?}"
    );
    let (worker, _) = place.workers(&run)[0].clone();
    std::fs::write(place.path().join("go"), "").unwrap();
    kill(worker, Signal::KILL);
    until("the engine's processes gone", || {
        engines
            .iter()
            .all(|process| !is_alive(*process))
            .then_some(())
    });
    let done = running.wait().expect(0);
    assert_eq!(done.json()["charts"], 6);
    until("the second engine gone", || {
        (!any_names("deaf.py", &engine)).then_some(())
    });
}

/// The process ids in a file that is there.
fn read(path: &Path) -> Option<Vec<i32>> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(
        text.split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect(),
    )
}

fn is_alive(process: i32) -> bool {
    processes().iter().any(|(number, _)| *number == process)
}

/// Whether a process runs this very script.
fn any_names(name: &str, path: &str) -> bool {
    assert!(path.ends_with(name));
    processes()
        .iter()
        .any(|(_, arguments)| arguments.iter().any(|argument| argument == path))
}

#[test]
fn any_json_object_is_kept_as_the_answer() {
    let place = place();
    let odd = "    say('{\"labels\": [1.50, null],  \"nested\": {\"ä\": \"\\\\u00e4\"}, \"id\": '\n\
               \x20       + json.dumps(chart['id']) + '}')\n\
               \x20   return True\n";
    let done = run(&place, odd, 0);
    let rows = place.rows(done.json()["run"].as_str().unwrap());
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert_eq!((row.status, row.code), (Status::Coded, None));
        assert_eq!(row.engine.as_deref(), Some("engine.py"));
        let kept = row.answer.unwrap();
        assert!(
            kept.starts_with(r#"{"labels": [1.50, null],  "nested""#),
            "{kept}"
        );
        let answer: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(answer["nested"]["ä"], "ä");
        assert_eq!(answer["id"], row.chart_id);
    }
}

#[test]
fn findings_are_read_and_what_else_they_say_is_kept() {
    let place = place();
    let odd = "    say(json.dumps({'id': chart['id'], 'findings': [\n\
               \x20       {'code': 'I10', 'begin': 0, 'end': 5, 'assertion': 'negated', 'score': 0.7},\n\
               \x20       {'code': 'E11.9', 'begin': 0, 'end': 9999}]}))\n\
               \x20   return True\n";
    let done = run(&place, odd, 0).says("offsets that are not in the chart");
    let json = done.json();
    assert_eq!(json["findings"], 12);
    let rows = place.rows(json["run"].as_str().unwrap());
    let first: Vec<&Row> = rows.iter().filter(|row| row.chart_id == "1.txt").collect();
    let [with_span, without] =
        ["I10", "E11.9"].map(|code| first.iter().find(|row| row.code.as_deref() == Some(code)));
    let (with_span, without) = (with_span.unwrap(), without.unwrap());
    assert_eq!(with_span.evidence.as_deref(), Some("Visit"));
    assert_eq!(
        with_span.assertion.map(|word| word.as_str()),
        Some("negated")
    );
    assert!(with_span.answer.as_deref().unwrap().contains("0.7"));
    assert_eq!((without.begin, without.end), (None, None));
}
