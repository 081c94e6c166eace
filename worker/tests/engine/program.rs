//! The programs: good ones and bad ones. Each reads charts and writes answers, or not.

use std::fs::OpenOptions;
use std::io::{BufRead, Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

/// Where to say that a chart makes this program hang.
static HANGS: OnceLock<PathBuf> = OnceLock::new();

/// Plays the program that `args` names.
pub(crate) fn main(args: &[String]) -> ExitCode {
    match (args[0].as_str(), args.get(1)) {
        ("echo", None) => echo(),
        ("echo", Some(hangs)) => {
            HANGS.set(hangs.into()).unwrap();
            echo();
        }
        ("gossip", Some(directory)) => gossip(Path::new(directory)),
        ("eager", None) => eager(),
        ("once", None) => answer_lines(1),
        ("garbage", None) => say_for_each("definitely not JSON"),
        ("array", None) => say_for_each(r#"["no", "object"]"#),
        ("wrong-id", None) => say_for_each(r#"{"id":"somebody else","findings":[]}"#),
        ("malformed", None) => say_for_each(r#"{"id":"c","findings":"none"}"#),
        ("two-lines", None) => say_for_each("{\"id\":\"c\"}\n{\"id\":\"c\"}"),
        ("endless-line", None) => endless_line(),
        ("silent", None) => hang(),
        ("exit", Some(code)) => return ExitCode::from(code.parse::<u8>().unwrap()),
        ("complain", Some(words)) => complain(words),
        ("farewell", Some(file)) => farewell(file),
        ("stubborn", Some(pids)) => stubborn(pids),
        other => panic!("no program {other:?}"),
    }
    ExitCode::SUCCESS
}

fn reply(line: &str) {
    // One write, also for two lines.
    let line = format!("{line}\n");
    stdout().write_all(line.as_bytes()).unwrap();
}

/// Answers each chart by the words of its text as codes; dies on "die".
fn echo() {
    answer_lines(usize::MAX);
}

fn answer_lines(count: usize) {
    for line in stdin().lock().lines().take(count) {
        answer(&line.unwrap());
    }
}

fn answer(line: &str) {
    let chart: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = chart["text"].as_str().unwrap();
    match text {
        "die" => std::process::exit(9),
        "hang" => {
            if let Some(file) = HANGS.get() {
                std::fs::write(file, "").unwrap();
            }
            hang()
        }
        "verbatim" => return reply(&format!(r#"{{"id":{},"labels":[1.50]}}"#, chart["id"])),
        "process" => {
            let pid = std::process::id();
            return reply(&format!(
                r#"{{"id":{},"findings":[{{"code":"{pid}"}}]}}"#,
                chart["id"]
            ));
        }
        _ => {}
    }
    let mut begin = 0;
    let mut findings = Vec::new();
    for word in text.split(' ') {
        let end = begin + word.len();
        findings.push(serde_json::json!({"code": word, "begin": begin, "end": end}));
        begin = end + 1;
    }
    reply(&serde_json::json!({"id": chart["id"], "findings": findings}).to_string());
}

/// Answers and, when there is a file `go` in `directory`, says what it was not asked, with the
/// id of the same chart; then there is a file `said`.
fn gossip(directory: &Path) {
    for line in stdin().lock().lines() {
        answer(&line.unwrap());
        while std::fs::remove_file(directory.join("go")).is_err() {
            std::thread::yield_now();
        }
        reply(r#"{"id":"c","findings":[{"code":"STALE"}]}"#);
        std::fs::write(directory.join("said"), "").unwrap();
    }
}

/// Writes a long answer when it has read no more than the id of a long chart.
fn eager() {
    let mut beginning = [0; 64];
    stdin().read_exact(&mut beginning).unwrap();
    assert!(beginning.starts_with(br#"{"id":"c","text":""#));
    let evidence = "e".repeat(1024 * 1024);
    reply(&format!(
        r#"{{"id":"c","findings":[{{"code":"E","evidence":"{evidence}"}}]}}"#
    ));
    stdin().lock().read_until(b'\n', &mut Vec::new()).unwrap();
    hang();
}

fn say_for_each(line: &str) {
    for _ in stdin().lock().lines() {
        reply(line);
    }
}

/// 100 MB without a newline.
fn endless_line() {
    stdin().read_line(&mut String::new()).unwrap();
    let piece = vec![b'x'; 1_000_000];
    for _ in 0..100 {
        if stdout().write_all(&piece).is_err() {
            return;
        }
    }
    hang();
}

fn hang() {
    loop {
        std::thread::park();
    }
}

/// Repeats `words` and the text of the chart on stderr before each answer.
fn complain(words: &str) {
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        eprintln!("{words}: {line}");
        answer(&line);
    }
}

/// Answers until there are no more charts and then leaves a file.
fn farewell(file: &str) {
    echo();
    std::fs::write(file, "farewell").unwrap();
}

/// Starts processes that try to outlive it, notes them all in `pids`, and answers charts. When
/// there are no more, it stays.
///
/// It is run by a shell that ignores SIGTERM, SIGHUP and SIGINT, and so do all of these.
fn stubborn(pids: &str) {
    let note = |name: &str, pid: u32| {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(pids)
            .unwrap();
        file.write_all(format!("{name} {pid}\n").as_bytes())
            .unwrap();
    };
    HANGS.set(Path::new(pids).with_extension("hangs")).unwrap();
    // A daemon: another session and group, and no parent of ours.
    let script = r#"echo "escaped $$" >> "$0"; exec sleep 100000"#;
    let escaped = Command::new("setsid")
        .args(["--fork", "sh", "-c", script, pids])
        .status();
    assert!(escaped.unwrap().success());
    let sibling = Command::new("sleep").arg("100000").spawn();
    note("sibling", sibling.unwrap().id());
    note("program", std::process::id());
    note("guard", std::os::unix::process::parent_id());
    while !std::fs::read_to_string(pids).unwrap().contains("escaped") {
        std::thread::yield_now();
    }
    echo();
    hang();
}
