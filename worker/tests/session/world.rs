//! An input, an output, a master and a worker between them.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use proto::v1;
use store::{DirectoryStore, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use worker::{Config, LaunchLine, Outcome, Shutdown, WorkerError};

use crate::master::{INSTANCE, LIMIT, Master, RUN, Session};

/// An engine that finds nothing; stays at a chart that says `stuck` for ever; and at one that
/// says `wait` until a file `go` lies beside the charts.
const PROGRAM: &str = r#"
while read -r line; do
  id=${line#*\"id\":\"}; id=${id%%\"*}
  case $line in
    *stuck*) sleep 100000;;
    *wait*) while ! [ -e "$0/go" ]; do sleep 0.02; done;;
  esac
  echo "{\"id\":\"$id\",\"findings\":[]}"
done"#;

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) master: Master,
}

pub(crate) struct Running {
    pub(crate) worker: JoinHandle<Result<Outcome, WorkerError>>,
    pub(crate) shutdown: mpsc::Sender<Shutdown>,
}

impl World {
    pub(crate) async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        World {
            folder,
            master: Master::start().await,
        }
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.folder.path().join("in")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn store(&self) -> DirectoryStore {
        DirectoryStore::open(&self.output()).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.input().join(name), text).unwrap();
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            run: RUN.parse().unwrap(),
            instance: INSTANCE.to_owned(),
            slots: 1,
            runtime_dir: None,
            master: LaunchLine {
                master: self.master.address,
                pin: self.master.pin,
                token: self.master.token.clone(),
            },
            store: None,
        }
    }

    pub(crate) fn run(&self) -> Running {
        self.run_with(self.config())
    }

    pub(crate) fn run_with(&self, config: Config) -> Running {
        let (shutdown, wishes) = mpsc::channel(4);
        let worker = tokio::spawn(worker::run(config, wishes));
        Running { worker, shutdown }
    }

    /// A session that has been welcomed with that engine.
    pub(crate) async fn begin(&mut self, engine: v1::engine::Engine) -> Session {
        let session = self.master.session().await;
        session.welcome(self.welcome(engine)).await;
        session
    }

    pub(crate) fn welcome(&self, engine: v1::engine::Engine) -> v1::Welcome {
        v1::Welcome {
            lease_milliseconds: 600_000,
            heartbeat_milliseconds: 20,
            lease_margin_milliseconds: 1_000,
            work: Some(v1::RunWork {
                input_root: self.input().to_str().unwrap().to_owned(),
                output_root: self.output().to_str().unwrap().to_owned(),
                engine: Some(v1::Engine {
                    engine: Some(engine),
                }),
                reading: Some(v1::Reading {
                    encoding: "utf-8".to_owned(),
                    csv_id: "id".to_owned(),
                    csv_text: "text".to_owned(),
                    csv_meta: Vec::new(),
                    max_chart_bytes: 1 << 20,
                }),
            }),
        }
    }

    pub(crate) fn icd10(&self) -> v1::engine::Engine {
        let coder = coder::Coder::embedded();
        v1::engine::Engine::Icd10(v1::Icd10 {
            terminology_path: String::new(),
            cues_path: String::new(),
            terminology_digest: coder.terminology_digest(),
            cues_digest: coder.cues_digest(),
        })
    }

    pub(crate) fn exec(&self) -> v1::engine::Engine {
        let input = self.input().to_str().unwrap().to_owned();
        self.exec_of(&["sh", "-c", PROGRAM, &input])
    }

    pub(crate) fn exec_of(&self, command: &[&str]) -> v1::engine::Engine {
        v1::engine::Engine::Exec(v1::Exec {
            command: command
                .iter()
                .map(|word| word.as_bytes().to_vec().into())
                .collect(),
            chart_milliseconds: u64::try_from(10 * LIMIT.as_millis()).unwrap(),
            answer_bytes: 1 << 20,
        })
    }

    /// A lease of these files of the input. Its counter is ten times its shard's number.
    pub(crate) fn files(&self, shard: u32, names: &[&str]) -> v1::Lease {
        let objects = names.iter().map(|name| self.object(name)).collect();
        v1::Lease {
            shard,
            epoch: epoch(shard),
            begin: 0,
            end: names.len() as u64,
            source: Some(v1::Source {
                source: Some(v1::source::Source::Files(v1::Files { objects })),
            }),
        }
    }

    pub(crate) fn object(&self, name: &str) -> v1::Object {
        let of = std::fs::metadata(self.input().join(name)).unwrap();
        v1::Object {
            path: name.as_bytes().to_vec().into(),
            size: of.len(),
            version: format!("{}-{}.{:09}", of.len(), of.mtime(), of.mtime_nsec()),
        }
    }

    /// The rows of a shard's ending, if it has one.
    pub(crate) async fn rows(&self, shard: u32) -> Option<Vec<results::Row>> {
        let key = store::layout::ending(&RUN.parse().unwrap(), store::ShardName(shard));
        let bytes = self.store().read(&key).await.unwrap()?;
        let rows = results::read_rows(&key, bytes).unwrap();
        Some(rows.map(|row| row.unwrap()).collect())
    }

    /// Lets the charts go that say `wait`.
    pub(crate) fn go(&self) {
        self.write("go", "");
    }
}

impl Running {
    pub(crate) async fn ended(self) -> Result<Outcome, WorkerError> {
        tokio::time::timeout(LIMIT, self.worker)
            .await
            .unwrap()
            .unwrap()
    }
}

pub(crate) fn epoch(shard: u32) -> Option<v1::Epoch> {
    Some(v1::Epoch {
        master: 3,
        counter: u64::from(shard) * 10,
    })
}

pub(crate) fn committed(report: &v1::Report) -> v1::Committed {
    match &report.outcome {
        Some(v1::report::Outcome::Committed(committed)) => *committed,
        other => panic!("not committed: {other:?}"),
    }
}

pub(crate) fn released(report: &v1::Report) -> bool {
    report.outcome == Some(v1::report::Outcome::Released(true))
}

/// A store that keeps nothing and answers when it is told to, as it is told to.
pub(crate) fn as_store(store: impl Store + 'static) -> Option<Arc<dyn Store>> {
    Some(Arc::new(store))
}
