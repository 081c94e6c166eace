//! The real program: exit codes and messages of bad usage, `code`, `assert`, `--dry-run`. Whole
//! runs are tested in `tests`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Folder {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Runs the program in `folder`; variables of the caller that are settings are left out.
fn dayfly(folder: &Folder, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dayfly"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DAYFLY_") {
            command.env_remove(name);
        }
    }
    command.args(words).current_dir(folder.0.path());
    command.stdin(Stdio::null());
    command
}

fn fed(folder: &Folder, words: &[&str], stdin: &str) -> Output {
    let mut command = dayfly(folder, words);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_lines(output: &Output) -> Vec<serde_json::Value> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The program refuses `words` with exit code 2, nothing on stdout, and these parts on stderr.
#[track_caller]
fn refused(folder: &Folder, words: &[&str], parts: &[&str]) {
    ended(&dayfly(folder, words).output().unwrap(), 2, words, parts);
}

#[track_caller]
fn ended(output: &Output, code: i32, words: &[&str], parts: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{words:?}");
    for part in parts {
        assert!(
            stderr.contains(part),
            "{words:?}: {part:?} is not in:\n{stderr}"
        );
    }
}

const RUN: [&str; 5] = ["run", "--input", "charts", "--output", "out"];

fn run_with(more: &[&'static str]) -> Vec<&'static str> {
    RUN.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn what_cannot_be_run_is_refused_and_nothing_is_made() {
    let folder = Folder::new()
        .with("charts/a.txt", "Type 2 diabetes.")
        .with("empty/readme.md", "no chart")
        .with("image.png", "x")
        .with("script", "not executable")
        .with("wrong.toml", "inptu = 'charts'")
        .with("type.toml", "workers = 'two'")
        .with("notoml.toml", "input = ")
        .with(
            "encoding.toml",
            "input = 'charts'\noutput = 'out'\n[reading]\nencoding = 'ebcdic-9'",
        );
    let before = folder.names();
    refused(&folder, &["run"], &["no input", "hint: "]);
    refused(&folder, &["run", "--input", "charts"], &["--output"]);
    refused(
        &folder,
        &["run", "--input", "no/where", "--output", "out"],
        &["no/where", "does not exist"],
    );
    refused(
        &folder,
        &["run", "--input", "image.png", "--output", "out"],
        &["image.png", "not a chart file"],
    );
    refused(
        &folder,
        &["run", "--input", "empty", "--output", "out"],
        &["empty", "no chart files", "1 other"],
    );
    refused(
        &folder,
        &["run", "--input", "s3://b/x", "--output", "out"],
        &["s3://b/x", "one machine"],
    );
    refused(
        &folder,
        &["run", "--input", "charts", "--output", "s3://b/x"],
        &["s3://b/x", "one machine"],
    );
    refused(
        &folder,
        &["run", "--input", "charts", "--output", "charts/out"],
        &["charts/out", "inside of input"],
    );
    refused(
        &folder,
        &["run", "--input", "charts", "--output", "charts"],
        &["inside of input"],
    );
    refused(
        &folder,
        &["run", "--input", "charts", "--output", "script/out"],
        &["script/out"],
    );
    refused(&folder, &run_with(&["--workers", "0"]), &["workers"]);
    refused(
        &folder,
        &run_with(&["--engine", "exec"]),
        &["no command", "-- COMMAND"],
    );
    refused(
        &folder,
        &run_with(&["--engine", "icd10", "--", "cat"]),
        &["--engine icd10"],
    );
    refused(
        &folder,
        &run_with(&["--cues", "script", "--", "cat"]),
        &["--cues"],
    );
    refused(
        &folder,
        &run_with(&["--", "no-such-program"]),
        &["no-such-program", "PATH"],
    );
    refused(&folder, &run_with(&["--", "./script"]), &["./script"]);
    refused(
        &folder,
        &run_with(&["--terminology", "script"]),
        &["script"],
    );
    refused(
        &folder,
        &run_with(&["--terminology", "nowhere.bin"]),
        &["nowhere.bin"],
    );
    refused(
        &folder,
        &["run", "wrong.toml"],
        &["wrong.toml", "inptu", "input?"],
    );
    refused(
        &folder,
        &["run", "type.toml"],
        &["type.toml", "workers", "whole number"],
    );
    refused(&folder, &["run", "notoml.toml"], &["notoml.toml", "TOML"]);
    refused(&folder, &["run", "missing.toml"], &["missing.toml"]);
    refused(&folder, &["run", "encoding.toml"], &["ebcdic-9"]);
    refused(&folder, &run_with(&["--take-over"]), &["--resume"]);
    refused(&folder, &["no-such-command"], &["no-such-command"]);
    assert_eq!(folder.names(), before);
}

#[test]
fn an_output_that_cannot_be_written_is_refused() {
    let folder = Folder::new()
        .with("charts/a.txt", "Gout.")
        .with("out", "a file, not a folder");
    refused(&folder, &RUN, &["out"]);
}

#[test]
fn a_run_that_is_not_there_is_refused_everywhere() {
    let folder = Folder::new().with("out/runs/run-1/spec.json", "{}");
    let resume = ["run", "--output", "out", "--resume", "run-2"];
    refused(&folder, &resume, &["run-2", "run-1"]);
    refused(&folder, &["run", "--resume", "run-1"], &["--output"]);
    for command in ["status", "watch", "workers", "shards", "drain", "abort"] {
        refused(
            &folder,
            &[command, "run-2", "--output", "out"],
            &["run-2", "run-1"],
        );
        refused(&folder, &[command, "--output", "nowhere"], &["nowhere"]);
        refused(&folder, &[command], &["--output"]);
    }
    refused(
        &Folder::new().with("out/x", ""),
        &["status", "--output", "out"],
        &["no runs"],
    );
}

#[test]
fn a_dry_run_prints_the_plan_and_makes_nothing() {
    let folder = Folder::new()
        .with("charts/a.txt", "Type 2 diabetes.")
        .with("charts/b.jsonl", "{\"id\":1,\"text\":\"gout\"}\n")
        .with("charts/c.png", "")
        .with("charts/.hidden", "");
    std::os::unix::fs::symlink(".", folder.path("charts/loop")).unwrap();
    let words = run_with(&["--dry-run", "--workers", "3", "--output-format", "json"]);
    let output = dayfly(&folder, &words).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, expected) in [
        ("objects", 2),
        ("bytes", 16 + 23),
        ("workers", 3),
        ("shards", 2),
        ("segments", 1),
        ("hidden", 1),
        ("other", 1),
        ("troubles", 1),
    ] {
        assert_eq!(plan[name], expected, "{name} of {plan}");
    }
    assert!(plan["engine"].as_str().unwrap().starts_with("icd10 ("));
    let output = dayfly(&folder, &run_with(&["--dry-run"])).output().unwrap();
    let shown = text(&output.stdout);
    for part in [
        "1 file .txt, 16 bytes",
        "1 file .jsonl",
        "loop: a symbolic link",
    ] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    assert_eq!(folder.names(), ["charts"]);
}

#[test]
fn one_chart_on_stdin_becomes_lines_of_findings() {
    let folder = Folder::new();
    let words = ["code", "--output-format", "jsonl"];
    let chart = "Type 2 diabetes. Denies chest pain. Known type 2 diabetes.";
    let output = fed(&folder, &words, chart);
    assert_eq!(output.status.code(), Some(0));
    let lines = json_lines(&output);
    let diabetes = &lines[0];
    for (name, expected) in [
        ("chart_id", "stdin"),
        ("status", "coded"),
        ("code", "E11.9"),
        ("assertion", "present"),
        ("evidence", "Type 2 diabetes"),
        ("engine", "icd10"),
    ] {
        assert_eq!(diabetes[name], expected, "{name} of {diabetes}");
    }
    assert_eq!(
        (&diabetes["begin"], &diabetes["end"]),
        (&0.into(), &15.into())
    );
    assert_eq!(diabetes["billable"], true);
    assert_eq!(diabetes["also"], serde_json::json!([[42, 57]]));
    assert!(diabetes["reason"].is_null() && diabetes["answer"].is_null());
    assert!(diabetes.get("why").is_none());
    assert_eq!(lines[1]["assertion"], "negated");
    assert_eq!(lines.len(), 2);
    let explained = fed(
        &folder,
        &["code", "--explain", "--output-format", "jsonl"],
        chart,
    );
    assert_eq!(json_lines(&explained)[1]["why"]["cue"], "Denies");
}

#[test]
fn every_chart_has_a_line_and_an_unreadable_one_its_reason() {
    let folder = Folder::new()
        .with("charts/a.txt", "Nothing of note.")
        .with("charts/b.txt", b"caf\xe9".as_slice())
        .with(
            "charts/c.jsonl",
            "{\"id\":\"c1\",\"text\":\"gout\",\"meta\":{\"encounter\":[7]}}\nnot json\n",
        );
    let words = ["code", "charts", "--output-format", "jsonl"];
    let output = dayfly(&folder, &words).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(
        (&lines[0]["chart_id"], &lines[0]["status"]),
        (&"a.txt".into(), &"coded".into())
    );
    assert!(lines[0]["code"].is_null() && lines[0]["engine"] == "icd10");
    assert_eq!(lines[1]["status"], "quarantined");
    assert_eq!(lines[1]["reason"], "not valid UTF-8");
    assert_eq!(lines[2]["meta"], serde_json::json!({"encounter": [7]}));
    assert_eq!(lines[2]["code"], "M10.9");
    assert_eq!(lines[3]["reason"], "line is not a JSON object");
    let latin = ["code", "charts/b.txt", "--encoding", "windows-1252"];
    assert_eq!(
        dayfly(&folder, &latin).output().unwrap().status.code(),
        Some(0)
    );
}

#[test]
fn people_see_the_evidence_in_its_sentence() {
    let folder = Folder::new();
    let chart = "Doing well. She denies chest pain today. Thanks.";
    let output = fed(&folder, &["code", "--explain"], chart);
    let shown = text(&output.stdout);
    for part in [
        "R07.9",
        "negated",
        "She denies [chest pain] today.",
        "by the cue \"denies\"",
    ] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "colour into a pipe");
    assert!(text(&output.stderr).contains("1 chart, 1 finding, 0 quarantined"));
}

#[test]
fn bad_inputs_of_code_are_refused() {
    let folder = Folder::new().with("a.pdf", "x");
    refused(
        &folder,
        &["code", "nowhere"],
        &["nowhere", "does not exist"],
    );
    refused(&folder, &["code", "a.pdf"], &["a.pdf", "not a chart file"]);
    refused(&folder, &["code", "--encoding", "klingon"], &["klingon"]);
    refused(&folder, &["code", "--terminology", "a.pdf"], &["a.pdf"]);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut charts = String::new();
    for n in 0..20_000 {
        charts.push_str(&format!(
            "{{\"id\":{n},\"text\":\"Type 2 diabetes and gout.\"}}\n"
        ));
    }
    let folder = Folder::new().with("many.jsonl", charts);
    let mut command = dayfly(&folder, &["code", "many.jsonl", "--output-format", "jsonl"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn spans_of_others_get_their_assertion() {
    let folder = Folder::new();
    let line = |id: &str, begin: usize, end: usize| {
        format!(
            "{{\"id\":{id},\"text\":\"Denies gout. Has asthma.\",\"begin\":{begin},\"end\":{end}}}\n"
        )
    };
    let good = line("\"a\"", 7, 11) + "\n" + &line("7", 17, 23);
    let output = fed(&folder, &["assert"], &good);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = json_lines(&output);
    assert_eq!(lines[0]["assertion"], "negated");
    assert_eq!(
        (&lines[0]["cue"], &lines[0]["rule"]),
        (&"Denies".into(), &"cue".into())
    );
    assert_eq!(
        (&lines[1]["id"], &lines[1]["assertion"]),
        (&7.into(), &"present".into())
    );

    let output = fed(&folder, &["assert"], &(good + &line("8", 17, 99)));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(json_lines(&output).len(), 2);
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("line 4") && !stderr.contains("gout"),
        "{stderr}"
    );
}

#[test]
fn a_terminology_is_built_from_release_files_and_used() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/coder/data/sources");
    let folder = Folder::new().with("own.tsv", "sugar sickness\tE11.9\tours\n");
    let file = |name: &str| sources.join(name).to_str().unwrap().to_owned();
    let (tabular, codes) = (
        file("tabular-2026-04.xml.gz"),
        file("code-list-2026-04.txt.gz"),
    );
    let words = [
        "terminology",
        "build",
        "--name",
        "icd10cm-fy2026-04",
        "--tabular",
        &tabular,
        "--code-list",
        &codes,
        "--synonyms",
        "own.tsv",
        "--output",
        "own.bin",
        "--output-format",
        "json",
    ];
    let output = dayfly(&folder, &words).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let about: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(about["codes"].as_u64().unwrap() > 70_000, "{about}");
    assert_eq!(folder.names(), ["own.bin", "own.tsv"]);

    let words = [
        "code",
        "--terminology",
        "own.bin",
        "--output-format",
        "jsonl",
    ];
    let output = fed(&folder, &words, "He has the sugar sickness.");
    assert_eq!(json_lines(&output)[0]["code"], "E11.9");
    let shown = dayfly(
        &folder,
        &["terminology", "show", "own.bin", "--output-format", "json"],
    );
    let shown: serde_json::Value =
        serde_json::from_slice(&{ shown }.output().unwrap().stdout).unwrap();
    assert_eq!(shown["digest"], about["digest"]);
    refused(
        &folder,
        &["terminology", "show", "own.tsv"],
        &["terminology"],
    );
}
