//! Input that is wrong, odd, or changes under the run: a clear error that names the thing and exit
//! code 2, or the chart is quarantined with its reason and the run goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use results::{Row, Status};
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::gate::Gate;
use tests::place::{Done, Place, until};

/// What a chart that can be read says: one finding, I10.
const GOOD: &str = "The patient has hypertension.";

/// In what is expected of a chart, for its reason: it was coded.
const CODED: &str = "coded";

fn place() -> Place {
    Place::new(env!("CARGO_BIN_EXE_dayfly-under-test"))
}

/// The run ends with this exit code, and its charts are these, in the order of their ids: each
/// coded or with a part of its reason.
#[track_caller]
fn check(place: &Place, command: Command, code: i32, expected: &[(&str, &str)]) -> Vec<Row> {
    let done = place.complete(command).expect(code);
    let json = done.json();
    let rows = place.rows(json["run"].as_str().unwrap());
    let shown = |row: &Row| {
        let reason = row.reason.clone().unwrap_or_else(|| CODED.to_owned());
        (row.chart_id.clone(), reason)
    };
    let found: Vec<_> = rows.iter().map(shown).collect();
    let fits = |((id, reason), (expected_id, part)): (&(String, String), &(&str, &str))| {
        id == expected_id && reason.contains(part)
    };
    let all = found.len() == expected.len() && found.iter().zip(expected).all(fits);
    assert!(all, "expected {expected:#?}\nfound {found:#?}");
    let quarantined = expected
        .iter()
        .filter(|(_, reason)| *reason != CODED)
        .count();
    assert_eq!(json["charts_quarantined"], quarantined);
    assert_eq!(json["charts"], expected.len());
    assert_eq!(
        json["outcome"],
        if code == 0 { "complete" } else { "partial" }
    );
    assert_eq!(json["workers_alive"], 0);
    rows
}

/// The same with the settings as they are.
#[track_caller]
fn charts(place: &Place, code: i32, expected: &[(&str, &str)]) -> Vec<Row> {
    check(
        place,
        place.run_command(&["--workers", "1"]),
        code,
        expected,
    )
}

/// The command is refused: exit code 2, nothing on stdout, and all of this on stderr.
#[track_caller]
fn refused(place: &Place, command: Command, parts: &[&str]) {
    let done = place.complete(command).expect(2);
    assert_eq!(done.stdout, "");
    let _ = parts.iter().fold(done, |done, part| done.says(part));
}

#[test]
fn a_missing_or_empty_input_is_named_and_nothing_is_made() {
    let place = place();
    let mut missing = place.command(&["run", "--input", "no/where", "--output"]);
    missing.arg(place.output());
    refused(&place, missing, &["no/where", "does not exist"]);
    refused(
        &place,
        place.run_command(&[]),
        &["charts", "holds no chart files"],
    );
    place.write("readme.md", "no chart");
    place.write("deep/.hidden.txt", "no chart");
    refused(
        &place,
        place.run_command(&[]),
        &["no chart files", "2 other files"],
    );
    assert!(!place.output().exists());
}

#[test]
fn a_dry_run_prints_the_plan_and_starts_nothing() {
    let place = place();
    place.write("a.txt", GOOD);
    place.write("b.jsonl", "{\"id\": 1, \"text\": \"gout\"}\n");
    let engine = place.script("engine.sh", "#!/bin/sh\n: > \"$0.started\"\ncat\n");
    let engine = engine.display().to_string();
    let done = place
        .complete(place.run_command(&["--dry-run", "--", &engine]))
        .expect(0);
    assert_eq!(done.json()["objects"], 2);
    assert!(!place.output().exists());
    assert!(!place.path().join("engine.sh.started").exists());
}

#[test]
fn text_is_read_as_the_spec_says_and_what_is_not_so_encoded_is_quarantined() {
    let place = place();
    place.write("ascii.txt", GOOD);
    place.write("latin.txt", b"Zo\xeb, 37\xb0C: hypertension.");
    place.write("utf8.txt", "Zoë, 37°C: hypertension.");
    place.write("utf16.txt", b"\xff\xfeg\0o\0u\0t\0");
    place.write("binary.txt", b"gout\0\x01\x02");
    let expected = [
        ("ascii.txt", CODED),
        ("binary.txt", "NUL in the text"),
        ("latin.txt", "not valid UTF-8"),
        ("utf16.txt", "byte order mark of another encoding"),
        ("utf8.txt", CODED),
    ];
    charts(&place, 3, &expected);

    // `cat` answers each chart with the chart itself, which is kept as the answer.
    let mut command = place.run_command(&["--workers", "1", "--", "cat"]);
    command.env("DAYFLY_READING__ENCODING", "windows-1252");
    let expected = [
        ("ascii.txt", CODED),
        ("binary.txt", "NUL in the text"),
        ("latin.txt", CODED),
        ("utf16.txt", "byte order mark of another encoding"),
        ("utf8.txt", CODED),
    ];
    let rows = check(&place, command, 3, &expected);
    let text = |place: usize| -> Value {
        serde_json::from_str::<Value>(rows[place].answer.as_deref().unwrap()).unwrap()["text"]
            .take()
    };
    assert_eq!(text(2), "Zoë, 37°C: hypertension.");
    assert_eq!(text(4), "ZoÃ«, 37Â°C: hypertension.", "as the spec says");
}

#[test]
fn an_output_that_cannot_be_written_or_lies_in_the_input_is_refused() {
    let place = place();
    place.write("a.txt", GOOD);
    std::fs::write(place.path().join("file"), "").unwrap();
    let inside = place.input().join("results").display().to_string();
    for (output, parts) in [
        ("file/out", &["file/out"][..]),
        ("/proc/dayfly-out", &["/proc/dayfly-out"]),
        (&inside, &["results", "inside of input"]),
        ("charts", &["inside of input"]),
    ] {
        let command = place.command(&["run", "--input", "charts", "--output", output]);
        refused(&place, command, parts);
    }
    assert_eq!(std::fs::read_dir(place.input()).unwrap().count(), 1);
}

#[test]
fn a_spec_with_an_unknown_key_or_a_wrong_type_is_refused() {
    let place = place();
    place.write("a.txt", GOOD);
    let both = "input = 'charts'\noutput = 'out'\n";
    for (spec, parts) in [
        (
            "wrokers = 2\n",
            &["spec.toml", "wrokers", "is it workers?"][..],
        ),
        (
            "[engine]\nkinds = 'icd10'\n",
            &["spec.toml", "engine.kinds", "engine.kind?"],
        ),
        (
            "workers = 'two'\n",
            &["spec.toml", "workers", "whole number"],
        ),
        (
            "[shards]\nmax_bytes = -1\n",
            &["shards.max_bytes", "above zero"],
        ),
        (
            "[engine]\ncommand = 'cat'\n",
            &["engine.command", "list of texts"],
        ),
        ("engine = 'icd10'\n", &["engine", "table"]),
        ("[reading]\nencoding = 'ebcdic-9'\n", &["ebcdic-9"]),
        ("= 3", &["spec.toml", "not TOML"]),
    ] {
        std::fs::write(place.path().join("spec.toml"), format!("{both}{spec}")).unwrap();
        refused(&place, place.command(&["run", "spec.toml"]), parts);
    }
    let mut command = place.run_command(&[]);
    command.env("DAYFLY_WROKERS", "2");
    refused(&place, command, &["environment", "DAYFLY_WROKERS"]);
    assert!(!place.output().exists());
}

/// `dayfly run --resume RUN` with more arguments.
fn resume(place: &Place, run: &str, more: &[&str]) -> Command {
    let mut command = place.command(&["run", "--output-format", "json", "--resume", run]);
    command.arg("--output").arg(place.output()).args(more);
    command
}

/// Starts a run whose master dies at once: it can be resumed.
#[track_caller]
fn cut_off(place: &Place, more: &[&str]) -> String {
    let mut command = place.run_command(more);
    command.env("DAYFLY_FAIL_AT", "master::claimed=1");
    assert_eq!(
        place.complete(command).status.code(),
        None,
        "it was not killed"
    );
    place.only_run()
}

#[test]
fn a_run_that_is_not_there_sealed_or_of_another_input_or_engine_is_not_resumed() {
    let place = place();
    place.write("a.txt", GOOD);
    std::fs::create_dir(place.path().join("others")).unwrap();
    std::fs::write(place.path().join("others/b.txt"), GOOD).unwrap();
    std::fs::write(
        place.path().join("cues.tsv"),
        "never ever\tnegated\tforward\t0\n",
    )
    .unwrap();
    let run = cut_off(&place, &[]);

    refused(
        &place,
        resume(&place, "run-1", &[]),
        &["no run run-1", &run],
    );
    let other = |more: &[&str], parts: &[&str]| {
        let named = [parts, &[run.as_str(), "cannot go on"]].concat();
        refused(&place, resume(&place, &run, more), &named);
    };
    other(
        &["--input", "others"],
        &["another input", "charts", "others"],
    );
    other(&["--", "cat"], &["another engine", "icd10", "exec"]);
    other(&["--cues", "cues.tsv"], &["another cue table"]);
    let terminology = build_terminology(&place);
    other(
        &["--terminology", &terminology],
        &["another terminology", "icd10cm-fy2026"],
    );
    std::fs::write(
        place.path().join("spec.toml"),
        "[reading]\nencoding = 'latin1'\n",
    )
    .unwrap();
    other(&["spec.toml"], &["another reading options", "latin1"]);
    assert_eq!(place.endings(&run), 0);

    let done = place
        .complete(resume(&place, &run, &["--input", "charts"]))
        .expect(0);
    assert_eq!(done.json()["outcome"], "complete");
    refused(
        &place,
        resume(&place, &run, &[]),
        &[&run, "sealed (complete)", "dayfly status"],
    );
}

#[test]
fn an_engine_whose_script_was_changed_does_not_go_on_with_a_run() {
    let place = place();
    place.write("a.txt", GOOD);
    let engine = place
        .script("engine.sh", "#!/bin/sh\ncat\n")
        .display()
        .to_string();
    let run = cut_off(&place, &["--", &engine]);
    let _ = place.script("engine.sh", "#!/bin/sh\nexec cat -u\n");
    refused(
        &place,
        resume(&place, &run, &[]),
        &["another content of the engine's files"],
    );
    let _ = place.script("engine.sh", "#!/bin/sh\ncat\n");
    let _ = place.complete(resume(&place, &run, &[])).expect(0);
}

fn build_terminology(place: &Place) -> String {
    let sources = format!(
        "{}/../crates/coder/data/sources",
        env!("CARGO_MANIFEST_DIR")
    );
    let file = |name: &str| format!("{sources}/{name}");
    let own = place.path().join("own.bin").display().to_string();
    let (tabular, codes) = (
        file("tabular-2026-04.xml.gz"),
        file("code-list-2026-04.txt.gz"),
    );
    let build = [
        "terminology",
        "build",
        "--name",
        "icd10cm-fy2026-own",
        "--output",
        &own,
    ];
    let mut command = place.command(&build);
    command.args(["--tabular", &tabular, "--code-list", &codes]);
    let _ = place.complete(command).expect(0);
    own
}

#[test]
fn an_empty_chart_and_a_huge_one_are_quarantined_and_the_rest_is_coded() {
    let place = place();
    let mut huge = "Nothing of note. ".repeat(50_000_000 / 17 + 1);
    huge.push_str(GOOD);
    assert!(huge.len() > 50_000_000);
    place.write("a-huge.txt", &huge);
    place.write("empty.txt", "");
    place.write("good.txt", GOOD);
    place.write("white.txt", " \n\t\r\n");
    let expected = [
        ("a-huge.txt", "larger than the limit of 16777216 bytes"),
        ("empty.txt", "empty chart"),
        ("good.txt", CODED),
        ("white.txt", "empty chart"),
    ];
    charts(&place, 3, &expected);

    std::fs::remove_file(place.input().join("empty.txt")).unwrap();
    std::fs::remove_file(place.input().join("white.txt")).unwrap();
    let mut command = place.run_command(&["--workers", "1"]);
    command.env("DAYFLY_READING__MAX_CHART_BYTES", "60000000");
    let rows = check(
        &place,
        command,
        0,
        &[("a-huge.txt", CODED), ("good.txt", CODED)],
    );
    assert_eq!(rows[0].code.as_deref(), Some("I10"));
    let begin = rows[0].begin.unwrap();
    assert!(
        begin > 50_000_000,
        "found at {begin}, which is not the end of the chart"
    );
}

#[test]
fn lines_that_are_not_charts_are_quarantined_each_with_its_reason() {
    let place = place();
    let lines = [
        &json!({"id": "a", "text": GOOD}).to_string(),
        "not JSON at all",
        "[\"b\", \"an array\"]",
        "{\"id\": \"c\"}",
        "{\"text\": \"no id\"}",
        "{\"id\": \"d\", \"text\": 7}",
        "{\"id\": \"e\", \"text\": \"\"}",
        "{\"id\": \"f\", \"text\": \"cut o",
    ];
    place.write("notes.jsonl", lines.join("\n"));
    let expected = [
        ("a", CODED),
        ("c", "no text"),
        ("d", "text is not a string"),
        ("e", "empty chart"),
        ("notes.jsonl#line-at-byte-161", "not a JSON object"),
        ("notes.jsonl#line-at-byte-50", "not a JSON object"),
        ("notes.jsonl#line-at-byte-66", "not a JSON object"),
        ("notes.jsonl#line-at-byte-96", "no id"),
    ];
    charts(&place, 3, &expected);
}

#[test]
fn charts_with_the_same_id_are_all_kept_and_reported() {
    let place = place();
    let line = |text: &str| json!({"id": "twin", "text": text}).to_string() + "\n";
    place.write("a.jsonl", line("Hypertension.") + &line("Gout."));
    place.write("b.jsonl", line("Asthma."));
    let mut command = place.command(&["run", "--workers", "1", "--input", "charts"]);
    command.arg("--output").arg(place.output());
    let done = place.complete(command).expect(0);
    assert!(
        done.stdout.contains("2 charts share the id of another"),
        "{}",
        done.stdout
    );
    let rows = place.rows(&place.only_run());
    let mut codes: Vec<_> = rows.iter().filter_map(|row| row.code.as_deref()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["I10", "J45.909", "M10.9"]);
    assert!(rows.iter().all(|row| row.chart_id == "twin"));
}

#[test]
fn odd_names_are_ids_to_the_byte() {
    let place = place();
    let long = "n".repeat(251) + ".txt";
    let names = [
        "..a..txt",
        "a\nb.txt",
        "sp ace/ two  .txt",
        "tab\t'\"$(x).txt",
        "ü/ä.txt",
        &long,
        "-.txt",
    ];
    for name in names {
        place.write(name, GOOD);
    }
    // A name that is not UTF-8, and one that looks like how it is written.
    place.write("back\\xff.txt", GOOD);
    std::fs::write(place.input().join(OsStr::from_bytes(b"b\xff.txt")), GOOD).unwrap();
    let mut expected: Vec<_> = names.iter().map(|name| (*name, CODED)).collect();
    expected.extend([("back\\\\xff.txt", CODED), ("b\\xff.txt", CODED)]);
    // A name that begins with a dot is hidden, also with two.
    expected.retain(|(name, _)| !name.starts_with('.'));
    expected.sort_unstable();
    charts(&place, 0, &expected);
}

#[test]
fn a_symlink_loop_is_not_followed_and_reported() {
    let place = place();
    place.write("ward/a.txt", GOOD);
    std::os::unix::fs::symlink("..", place.input().join("ward/up")).unwrap();
    std::os::unix::fs::symlink("self.txt", place.input().join("self.txt")).unwrap();
    let mut command = place.command(&["run", "--workers", "1", "--input", "charts"]);
    command.arg("--output").arg(place.output());
    let done = place.complete(command).expect(0);
    assert!(done.stdout.contains("2 symbolic links"), "{}", done.stdout);
    let rows = place.rows(&place.only_run());
    assert_eq!(
        rows.iter()
            .map(|row| row.chart_id.as_str())
            .collect::<Vec<_>>(),
        ["ward/a.txt"]
    );
}

#[test]
fn files_that_vanish_or_change_after_they_were_planned_are_quarantined() {
    let place = place();
    // Far more than a worker reads ahead.
    let ids: Vec<String> = (0..60).map(|n| format!("{n:02}.txt")).collect();
    for id in &ids {
        place.write(id, GOOD);
    }
    place.write(
        "lines.jsonl",
        json!({"id": "line", "text": GOOD}).to_string(),
    );
    let gate = Gate::new(&place);
    let mut command = place.run_command(&["--workers", "1", "--", &gate.engine()]);
    command.env("DAYFLY_SHARDS__MAX_CHARTS", "1");
    let running = place.start(command);
    let run = place.wait_for_run();
    gate.wait();
    place.wait_for_the_plan(&run);
    std::fs::remove_file(place.input().join("57.txt")).unwrap();
    place.write("58.txt", "Another chart altogether: gout.");
    place.write(
        "lines.jsonl",
        json!({"id": "other", "text": GOOD}).to_string(),
    );
    gate.open();
    let json = running.wait().expect(3).json();
    assert_eq!(
        (&json["charts_quarantined"], &json["outcome"]),
        (&json!(3), &json!("partial"))
    );
    let rows = place.rows(&run);
    let reason = |id: &str| {
        let row = rows.iter().find(|row| row.chart_id == id);
        row.unwrap_or_else(|| panic!("no row of {id}"))
            .reason
            .clone()
            .unwrap_or_default()
    };
    assert!(
        reason("57.txt").contains("vanished after"),
        "{}",
        reason("57.txt")
    );
    assert!(
        reason("58.txt").contains("changed after"),
        "{}",
        reason("58.txt")
    );
    assert!(
        reason("lines.jsonl").contains("changed after"),
        "{}",
        reason("lines.jsonl")
    );
    assert_eq!(
        rows.iter()
            .filter(|row| row.status == Status::Coded)
            .count(),
        58
    );
}

#[test]
fn of_a_truncated_gz_what_is_there_is_coded_and_the_rest_reported() {
    let place = place();
    let line = |n: u32| json!({"id": format!("{n:04}"), "text": GOOD, "n": n * 7919}).to_string();
    let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for n in 0..2000 {
        writeln!(whole, "{}", line(n)).unwrap();
    }
    let whole = whole.finish().unwrap();
    place.write("notes.jsonl.gz", &whole[..whole.len() / 2]);
    place.write("not-at-all.jsonl.gz", "plain text");
    let done = place
        .complete(place.run_command(&["--workers", "1"]))
        .expect(3);
    let rows = place.rows(done.json()["run"].as_str().unwrap());
    let (coded, broken): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row.status == Status::Coded);
    assert!((500..1500).contains(&coded.len()), "{} coded", coded.len());
    assert_eq!(coded[0].chart_id, "0000");
    assert_eq!(broken.len(), 2, "{broken:?}");
    for row in broken {
        assert!(row.chart_id.contains(".jsonl.gz"), "{}", row.chart_id);
        assert!(
            row.reason
                .as_deref()
                .unwrap()
                .contains("truncated or damaged"),
            "{row:?}"
        );
    }
}

/// Runs the rest of this very test with mounts of its own, as any user that may have such; where
/// the machine does not let one, says so and answers false for good.
fn has_mounts_of_its_own(test: &str) -> bool {
    if std::env::var_os("MOUNTS_OF_ITS_OWN").is_some() {
        return true;
    }
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|done| done.status.success()) {
        let mut out = std::io::stderr();
        writeln!(out, "NOT TESTED: this machine does not let its users mount").unwrap();
        return false;
    }
    let mut again = Command::new("unshare");
    again.arg("-rm").arg(std::env::current_exe().unwrap());
    again
        .args(["--exact", test, "--nocapture"])
        .env("MOUNTS_OF_ITS_OWN", "1");
    let done = again.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Mounts at the place's output.
#[track_caller]
fn mount(place: &Place, options: &str) {
    std::fs::create_dir_all(place.output()).unwrap();
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", options, "dayfly-test"])
        .arg(place.output());
    assert!(mount.status().unwrap().success());
}

#[test]
fn a_read_only_output_is_refused() {
    if !has_mounts_of_its_own("a_read_only_output_is_refused") {
        return;
    }
    let place = place();
    place.write("a.txt", GOOD);
    mount(&place, "size=1m,ro");
    refused(
        &place,
        place.run_command(&[]),
        &["out", "Read-only file system"],
    );
}

#[test]
fn a_full_disk_stops_the_run_and_leaves_no_half_ending() {
    if !has_mounts_of_its_own("a_full_disk_stops_the_run_and_leaves_no_half_ending") {
        return;
    }
    let place = place();
    for n in 0..40 {
        place.write(&format!("{n:02}.txt"), GOOD);
    }
    mount(&place, "size=2m");
    let gate = Gate::new(&place);
    let mut command = place.run_command(&["--workers", "2", "--", &gate.engine()]);
    command.env("DAYFLY_SHARDS__MAX_CHARTS", "2");
    let running = place.start(command);
    let run = place.wait_for_run();
    gate.wait();
    place.wait_for_the_plan(&run);
    fill(&place);
    gate.open();
    let done: Done = running.wait().expect(1);
    let done = done.says("No space left on device").says("free some space");
    assert!(
        done.stderr.contains(&format!("--resume {run}")),
        "{}",
        done.stderr
    );
    place.wait_for_no_workers(&run);
    assert!(
        done.stderr.contains("shards/"),
        "no ending met the full disk: {}",
        done.stderr
    );
    let before = place.rows(&run).len();
    assert!(
        (1..40).contains(&before),
        "{before} coded before the disk was full"
    );

    std::fs::remove_file(place.output().join("filler")).unwrap();
    let done = place.complete(resume(&place, &run, &[])).expect(0);
    assert_eq!(done.json()["outcome"], "complete");
    let rows = place.rows(&run);
    let ids: Vec<_> = rows.iter().map(|row| row.chart_id.clone()).collect();
    assert_eq!(
        ids,
        (0..40).map(|n| format!("{n:02}.txt")).collect::<Vec<_>>()
    );
}

/// Fills the file system of the output but for the room that a few of the endings need.
fn fill(place: &Place) {
    let mut filler = std::fs::File::create(place.output().join("filler")).unwrap();
    let mut length = 0;
    while filler.write_all(&[0; 4096]).is_ok() {
        length += 4096;
    }
    filler.set_len(length - 8 * 4096).unwrap();
}

#[test]
fn a_run_that_is_told_to_stop_while_its_input_is_bad_can_go_on() {
    let place = place();
    place.write("00-empty.txt", "");
    for n in 1..20 {
        place.write(&format!("{n:02}.txt"), GOOD);
    }
    let gate = Gate::new(&place);
    let mut command = place.run_command(&["--workers", "1", "--", &gate.engine()]);
    command.env("DAYFLY_SHARDS__MAX_CHARTS", "1");
    let running = place.start(command);
    let run = place.wait_for_run();
    gate.wait();
    place.wait_for_the_plan(&run);
    running.signal(Signal::INT);
    until("the signal to be heard", || {
        running.stderr().contains("suspending").then_some(())
    });
    gate.open();
    let _ = running.wait().expect(6);
    let done = place.complete(resume(&place, &run, &[])).expect(3);
    assert_eq!(done.json()["charts"], 20);
    assert_eq!(done.json()["charts_quarantined"], 1);
}
