//! Real processes race for endings and for log records. Exactly one wins each time, the
//! losers learn who, and carry on rightly, also when some are killed on the way.
//!
//! This program is the test and, started again by itself, each of the racers. A racer
//! waits for a line on its stdin, does one round, and answers with one line; so all of
//! them begin each round together, without a clock.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test with its own `main`, which the lints do not take for one"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use store::run_log::{Appended, Entry, Order};
use store::{Created, DirectoryStore, RunId, RunLog, ShardName, Store, layout};

const RACERS: usize = 8;
const ROUNDS: u32 = 40;

/// In the environment of a racer.
const NAME: &str = "DAYFLY_RACER";

fn main() {
    match std::env::var(NAME) {
        Ok(name) => {
            let root = std::env::args().nth(1).expect("the test passes a root");
            race(&name, Path::new(&root));
        }
        Err(_) => {
            one_ending_and_one_record_for_one_winner();
            killed_writers_leave_a_log_that_reads();
            println!("race: ok");
        }
    }
}

fn one_ending_and_one_record_for_one_winner() {
    let root = tempfile::tempdir().unwrap();
    let mut racers: Vec<Racer> = (0..RACERS)
        .map(|n| Racer::start(&format!("w{n}"), root.path()))
        .collect();
    let (mut lost, mut records) = (0, BTreeMap::new());
    for round in 0..ROUNDS {
        for racer in &mut racers {
            racer.say(&format!("ending {round}"));
        }
        let answers: Vec<String> = racers.iter_mut().map(Racer::hear).collect();
        let won: Vec<&str> = answers
            .iter()
            .filter_map(|a| a.strip_prefix("won "))
            .collect();
        assert_eq!(won.len(), 1, "round {round}: {answers:?}");
        for answer in &answers {
            assert!(answer.ends_with(won[0]), "round {round}: {answers:?}");
        }

        for racer in &mut racers {
            racer.say(&format!("record {round}"));
        }
        for (racer, answer) in racers.iter_mut().map(Racer::hear).enumerate() {
            let numbers: Vec<u64> = answer.split(' ').map(|n| n.parse().unwrap()).collect();
            let before = records.insert(numbers[0], format!("w{racer} {round}"));
            assert_eq!(before, None, "two writers were told record {}", numbers[0]);
            lost += numbers[1];
        }
    }
    assert_eq!(log(root.path()), records);
    assert!(lost > 0, "nobody ever lost: this was no race");
}

fn killed_writers_leave_a_log_that_reads() {
    let root = tempfile::tempdir().unwrap();
    let mut racers: Vec<Racer> = (0..RACERS)
        .map(|n| Racer::start(&format!("w{n}"), root.path()))
        .collect();
    let mut told = BTreeMap::new();
    for round in 0..ROUNDS {
        for racer in &mut racers {
            racer.say(&format!("record {round}"));
        }
        // Somewhere within its round, wherever that is.
        if round % 8 == 7 {
            let mut killed = racers.remove(0);
            killed.process.kill().unwrap();
            killed.process.wait().unwrap();
        }
        for racer in &mut racers {
            let answer = racer.hear();
            let n = answer.split(' ').next().unwrap().parse().unwrap();
            let before = told.insert(n, format!("{} {round}", racer.name));
            assert_eq!(before, None, "two writers were told record {n}");
        }
    }
    // Opening reads every record and finds any gap.
    let found = log(root.path());
    for (n, by) in &told {
        assert_eq!(found.get(n), Some(by), "record {n}");
    }
    let mut writers: Vec<&String> = found.values().collect();
    writers.sort();
    writers.dedup();
    assert_eq!(writers.len(), found.len(), "a decision is there twice");
    let tmp = root.path().join(".dayfly/tmp");
    DirectoryStore::open(root.path()).unwrap();
    assert_eq!(std::fs::read_dir(tmp).unwrap().count(), 0);
}

/// All records: who wrote it, and in which round.
fn log(root: &Path) -> BTreeMap<u64, String> {
    let store = Arc::new(DirectoryStore::open_to_read(root).unwrap());
    let (_, records) = runtime().block_on(RunLog::open(store, run())).unwrap();
    records
        .into_iter()
        .map(|record| match &record.entries[..] {
            [Entry::Order { by, .. }] => (record.n, by.clone()),
            other => panic!("{other:?}"),
        })
        .collect()
}

struct Racer {
    name: String,
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Racer {
    fn start(name: &str, root: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(root)
            .env(NAME, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let mut racer = Self {
            name: name.to_owned(),
            from: BufReader::new(process.stdout.take().unwrap()),
            process,
            to,
        };
        assert_eq!(racer.hear(), "ready");
        racer
    }

    fn say(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "racer {} died", self.name);
        line.trim_end().to_owned()
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn race(name: &str, root: &Path) {
    let runtime = runtime();
    let store = Arc::new(DirectoryStore::open(root).unwrap());
    let (mut log, _) = runtime
        .block_on(RunLog::open(store.clone(), run()))
        .unwrap();
    println!("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (what, round) = line.split_once(' ').unwrap();
        let answer = match what {
            "ending" => runtime.block_on(end_shard(store.as_ref(), name, round.parse().unwrap())),
            _ => runtime.block_on(append(&mut log, name, round)),
        };
        println!("{answer}");
    }
}

async fn end_shard(store: &DirectoryStore, name: &str, shard: u32) -> String {
    let key = layout::ending(&run(), ShardName(shard));
    let mine = Bytes::from(name.to_owned());
    match store.create(&key, mine).await.unwrap() {
        Created::New => format!("won {name}"),
        Created::Exists => {
            let winner = store.read(&key).await.unwrap().unwrap();
            format!("lost to {}", std::str::from_utf8(&winner).unwrap())
        }
    }
}

/// Appends until it is written. Answers with its number and the races lost.
async fn append(log: &mut RunLog, name: &str, round: &str) -> String {
    let mut lost = 0;
    loop {
        let entry = Entry::Order {
            order: Order::Pause,
            by: format!("{name} {round}"),
        };
        match log.append(name, "2026-01-02T03:04:05Z", vec![entry]).await {
            Ok(Appended::Written(n)) => return format!("{n} {lost}"),
            Ok(Appended::Lost(_)) => lost += 1,
            Err(e) => panic!("{e:?}"),
        }
    }
}

fn run() -> RunId {
    "race".parse().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}
