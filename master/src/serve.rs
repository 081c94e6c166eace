//! A master's life from a prepared run to its end.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant, SystemTime};

use fleet::LocalProcesses;
use identity::{Role, RunAuthority, ServerSide};
use intake::{CsvColumns, Cursor, Input, ReadOptions};
use ledger::{Finish, Limits, Timestamp};
use proto::v1;
use serde::{Deserialize, Serialize};
use store::run_log::{Appended, Counts, Entry, Outcome, ReceiptLine, RunLog};
use store::{RunId, Store};
use tokio::sync::{mpsc, oneshot, watch};

use crate::api::admin::AdminApi;
use crate::api::enroll::EnrollApi;
use crate::api::work::WorkApi;
use crate::controller;
use crate::controller::{Controller, Finished, LaunchLine, Parts, Sources, StopSignal};
use crate::enrolments::Enrolments;
use crate::error::MasterError;
use crate::listener::{self, Services};
use crate::plan::Plan;
use crate::planning::Planning;
use crate::prepare::Prepared;
use crate::recovery::{self, History, Launches};
use crate::seal::{self, Closing};
use crate::spec::{Engine, Reading, Spec};
use crate::verdicts::Verdicts;
use crate::view::RunView;
use store::failpoint;

/// Inputs that may wait for the controller. Behind them, sessions wait: that is the
/// backpressure on workers.
const INPUTS: usize = 1_024;

/// What the program around the master decides.
#[derive(Debug)]
pub struct Options {
    /// What is started for each worker, with the arguments of a worker.
    pub worker_program: PathBuf,
    /// Workers wanted.
    pub workers: u32,
    /// Attempts at a time in each.
    pub slots: u32,
    /// When the process began: what the time to the first lease counts from.
    pub began: Instant,
    /// The person in the admin's certificate.
    pub person: String,
    /// Folder of the run's results, for workers.
    pub output: PathBuf,
}

/// How a master ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The run is sealed.
    Sealed(Outcome),
    /// It can be resumed, and was meant to be.
    Suspended,
    /// It can be resumed once this is mended.
    Failed(String),
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub ended: Ended,
    /// What its endings hold; for a run that is not sealed, so far.
    pub counts: Counts,
    /// Workers ever launched.
    pub workers_launched: u32,
    /// Workers not confirmed gone: always zero for a sealed run.
    pub workers_alive: u32,
    /// Seconds of this master.
    pub wall_seconds: f64,
    /// Charts beyond the first with the same id; all are in the results.
    pub duplicates: u64,
    /// Symbolic links that lead back into a directory they are in: not followed.
    pub loops: u64,
}

/// How an admin reaches the master: a file that only its owner can read.
#[derive(Debug, Serialize, Deserialize)]
pub struct AdminFile {
    /// Where the master listens.
    pub address: String,
    /// The admin's certificate and key.
    pub identity: String,
}

/// Runs a prepared run to its end. `view` is kept up to date.
///
/// # Errors
/// What keeps the run from going on; it can be resumed.
pub async fn run(
    prepared: Prepared,
    options: Options,
    signals: mpsc::Receiver<StopSignal>,
    view: watch::Sender<RunView>,
) -> Result<Summary, MasterError> {
    let Prepared {
        run,
        spec,
        resumed,
        store,
        mut log,
        records,
        private,
        _lock: lock,
    } = prepared;
    let input = Input::open(Path::new(&spec.input))?;
    let options_of_reading = read_options(&spec.reading)?;
    let mut history = History::read(&run, &store, records).await?;
    let mut launches = history.launches();
    let writer = format!("master-{}", std::process::id());
    let leftovers = if resumed {
        end_leftovers(&run, &mut launches).await?
    } else {
        Vec::new()
    };
    let at = jiff::Timestamp::now().to_string();
    let epoch = recovery::claim(&mut log, history.endings(), &writer, &at).await?;
    failpoint::hit("master::claimed");
    if !leftovers.is_empty() {
        append(&mut log, &writer, leftovers).await?;
    }

    let identity = |source| MasterError::Identity {
        run: run.clone(),
        source,
    };
    let authority = RunAuthority::new(run.as_str(), SystemTime::now()).map_err(identity)?;
    let tls = ServerSide::new(&authority, SystemTime::now()).map_err(identity)?;
    let (socket, address) = listener::bind()
        .await
        .map_err(|source| MasterError::Machine {
            what: "listen on 127.0.0.1".to_owned(),
            source,
        })?;
    let _admin = write_admin_file(&private, &authority, &address.to_string(), &options.person)?;
    let enrolments = Enrolments::new(authority);

    let reader = results::RunReader::new(store.clone(), run.clone());
    let plan = Arc::new(Plan::new(run.clone(), reader));
    let verdicts = Verdicts {
        run: run.clone(),
        store: store.clone(),
        plan: plan.clone(),
        input: input.clone(),
        options: options_of_reading,
        master_epoch: epoch,
    };
    let limits = limits(&spec, options.workers);
    let now = Timestamp(0);
    let ledger = history
        .ledger(&plan, &verdicts, limits.clone(), now)
        .await?;
    let planned = (!history.plan_closed()).then(|| {
        let planning = Planning {
            run: run.clone(),
            store: store.clone(),
            input: input.clone(),
            shards: spec.shards.clone(),
            workers: options.workers * options.slots,
            cursor: history.cursor().and_then(|text| Cursor::from_text(&text)),
            from_the_start: history.is_fresh(),
        };
        planning.start()
    });

    let (inputs, heard) = mpsc::channel(INPUTS);
    let (ended_sender, ended) = mpsc::unbounded_channel();
    let fleet = LocalProcesses::new(options.worker_program.clone(), ended_sender);
    let services = Services {
        enroll: EnrollApi {
            run: run.to_string(),
            enrolments: enrolments.clone(),
            inputs: inputs.clone(),
        },
        work: WorkApi {
            run: run.to_string(),
            plan: plan.clone(),
            inputs: inputs.clone(),
            welcome: welcome(&spec, &input, &options, &limits),
            sessions: AtomicU64::new(1),
        },
        admin: AdminApi {
            view: view.subscribe(),
            inputs: inputs.clone(),
        },
    };
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(listener::serve(socket, tls, services, stopped));
    let launch_line = LaunchLine {
        address: address.to_string(),
        pin: enrolments.authority().pin().to_string(),
        slots: options.slots,
        private: private.clone(),
    };
    let parts = Parts {
        run: run.clone(),
        log,
        ledger,
        plan,
        verdicts,
        launches,
        fleet,
        enrolments,
        launch_line,
        charts_planned: history.charts_planned(),
        view: view.clone(),
        began: options.began,
        writer: writer.clone(),
        inputs,
    };
    drop(history);
    let sources = Sources {
        inputs: heard,
        planned,
        ended,
        signals,
    };
    let (finished, mut log) = Controller::new(parts).run(sources).await?;
    let summary = finish(&run, &store, &mut log, finished, &writer, &options, &view).await?;
    // Watchers see the last view before their stream ends.
    drop(view);
    let _ = stop.send(());
    let _ = tokio::time::timeout(Duration::from_secs(1), served).await;
    drop(lock);
    Ok(summary)
}

async fn finish(
    run: &RunId,
    store: &Arc<dyn Store>,
    log: &mut RunLog,
    finished: Finished,
    writer: &str,
    options: &Options,
    view: &watch::Sender<RunView>,
) -> Result<Summary, MasterError> {
    let last = finished.view;
    let mut summary = Summary {
        run: run.clone(),
        ended: Ended::Suspended,
        counts: so_far(&last),
        workers_launched: last.workers_launched,
        workers_alive: last.workers_alive,
        wall_seconds: 0.0,
        duplicates: 0,
        loops: finished.loops,
    };
    let aborted = finished.finish == Finish::SealAborted;
    match finished.finish {
        Finish::Suspend | Finish::Fail(_) => {
            if !finished.unlogged.is_empty() {
                append(log, writer, finished.unlogged).await?;
            }
            if let Finish::Fail(reason) = finished.finish {
                summary.ended = Ended::Failed(reason);
            }
        }
        Finish::Seal | Finish::SealAborted => {
            let mut inventory = seal::take_inventory(run, store).await?;
            let open = last.shards.pending + last.shards.leased;
            let all_ended = last.plan_closed && open == 0;
            inventory.counts.shards = inventory.counts.shards_committed
                + inventory.counts.shards_split
                + inventory.counts.shards_quarantined
                + open;
            inventory.counts.attempts = last.attempts;
            if !all_ended {
                let planned = last.charts_planned;
                inventory.counts.charts_unreached = planned.saturating_sub(inventory.counts.charts);
            }
            let all_coded = all_ended && inventory.counts.charts_quarantined == 0;
            let (outcome, reason) = match (aborted, all_coded) {
                (true, _) => (Outcome::Aborted, Some("aborted by an operator".to_owned())),
                (false, true) => (Outcome::Complete, None),
                (false, false) if all_ended => {
                    (Outcome::Partial, Some("charts were quarantined".to_owned()))
                }
                (false, false) => (Outcome::Partial, Some("charts were not reached".to_owned())),
            };
            failpoint::hit("master::before-seal");
            let closing = Closing {
                outcome,
                reason,
                receipt: finished.receipt,
                writer: writer.to_owned(),
                at: jiff::Timestamp::now().to_string(),
                before: finished.unlogged,
            };
            let sealed = seal::seal(log, store, &inventory, closing).await?;
            summary.counts = sealed.counts;
            summary.duplicates = inventory.duplicates;
            summary.ended = Ended::Sealed(outcome);
            view.send_modify(|view| {
                view.state = "sealed";
                view.outcome = Some(outcome);
            });
        }
    }
    summary.wall_seconds = options.began.elapsed().as_secs_f64();
    Ok(summary)
}

/// What is known without reading the endings again.
fn so_far(view: &RunView) -> Counts {
    Counts {
        charts: view.charts,
        charts_quarantined: view.charts_quarantined,
        charts_unreached: view.charts_planned.saturating_sub(view.charts),
        findings: view.findings,
        shards: view.shards.pending
            + view.shards.leased
            + view.shards.committed
            + view.shards.split
            + view.shards.quarantined,
        shards_committed: view.shards.committed,
        shards_split: view.shards.split,
        shards_quarantined: view.shards.quarantined,
        attempts: view.attempts,
    }
}

/// Ends what an earlier master left running, and says so for the log.
async fn end_leftovers(run: &RunId, launches: &mut Launches) -> Result<Vec<Entry>, MasterError> {
    let run = run.to_string();
    let ended = tokio::task::spawn_blocking(move || {
        let found = fleet::leftovers::find(&run)?;
        fleet::leftovers::end(&found)
    });
    match ended.await {
        Ok(result) => result?,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
    let gone = std::mem::take(&mut launches.open);
    let lines = gone.into_iter().map(|(worker, launch)| ReceiptLine {
        instance: Some(ledger::WorkerId(worker).to_string()),
        role: store::run_log::Role::Worker,
        launch,
        slot: worker,
        state: "ended".to_owned(),
        reason: "its master was gone; confirmed by the next".to_owned(),
        seconds: 0.0,
        cost: None,
    });
    let lines: Vec<ReceiptLine> = lines.collect();
    let entries = lines.iter().map(controller::end_entry).collect();
    launches.receipt.extend(lines);
    Ok(entries)
}

async fn append(log: &mut RunLog, writer: &str, entries: Vec<Entry>) -> Result<(), MasterError> {
    let at = jiff::Timestamp::now().to_string();
    match log.append(writer, &at, entries).await? {
        Appended::Written(_) => Ok(()),
        Appended::Lost(_) => Err(MasterError::AnotherMaster {
            run: log.run().clone(),
            process: None,
        }),
    }
}

/// Removes the file when the master is gone: its key is worth nothing then.
struct RemoveOnDrop(PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl AdminFile {
    /// Where the file of a run stands, below its private folder.
    #[must_use]
    pub fn path(private: &Path) -> PathBuf {
        private.join("admin.json")
    }
}

fn write_admin_file(
    private: &Path,
    authority: &RunAuthority,
    address: &str,
    person: &str,
) -> Result<RemoveOnDrop, MasterError> {
    let path = AdminFile::path(private);
    let failed = |source| MasterError::Machine {
        what: "write the admin's identity file".to_owned(),
        source,
    };
    let role = Role::Admin {
        person: person.to_owned(),
    };
    let (since, valid_for) = validity_of_the_admin();
    let identity = authority
        .issue_identity(role, since, valid_for)
        .map_err(|e| failed(std::io::Error::other(e)))?;
    let file = AdminFile {
        address: address.to_owned(),
        identity: identity.to_secret_pem(),
    };
    let text = serde_json::to_vec(&file).map_err(|e| failed(e.into()))?;
    // An earlier master that was killed has left its own.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    let created = options.write(true).create_new(true).mode(0o600).open(&path);
    created
        .and_then(|mut file| file.write_all(&text))
        .map_err(failed)?;
    Ok(RemoveOnDrop(path))
}

/// From when the admin's identity is good, and for how long.
fn validity_of_the_admin() -> (SystemTime, Duration) {
    let now = SystemTime::now();
    // Nobody but this process can sign for the run, so a test asks it for one that is over.
    #[cfg(feature = "failpoints")]
    if std::env::var_os("DAYFLY_EXPIRED_ADMIN").is_some() {
        let hour = Duration::from_secs(60 * 60);
        return (now - hour, Duration::from_secs(60));
    }
    (now, identity::MAX_AUTHORITY_LIFE)
}

fn read_options(reading: &Reading) -> Result<ReadOptions, MasterError> {
    let columns = CsvColumns {
        id: reading.csv_id.clone(),
        text: reading.csv_text.clone(),
        meta: reading.csv_meta.clone(),
    };
    Ok(ReadOptions::default()
        .with_encoding(&reading.encoding)?
        .with_csv_columns(columns)
        .with_max_chart_bytes(reading.max_chart_bytes))
}

/// What a worker gives a new process of an engine beside the limit of its first chart.
const ENGINE_START: Duration = Duration::from_secs(120);

/// An engine may take three times its limit over one chart before that is a stall, each time in a
/// new process: it is the worker that judges a mute engine, and it knows the chart.
fn limits(spec: &Spec, workers: u32) -> Limits {
    let mut limits = Limits {
        workers,
        ..Limits::default()
    };
    if let Engine::Exec { chart_seconds, .. } = &spec.engine {
        let once = Duration::from_secs_f64(*chart_seconds).saturating_add(ENGINE_START);
        let milliseconds = once.saturating_mul(3).as_millis();
        let three = u64::try_from(milliseconds).unwrap_or(u64::MAX / 2);
        limits.stall = limits.stall.saturating_add(three);
    }
    limits
}

fn welcome(spec: &Spec, input: &Input, options: &Options, limits: &Limits) -> v1::Welcome {
    let engine = match &spec.engine {
        Engine::Icd10 {
            terminology,
            terminology_digest,
            cues,
            cues_digest,
            ..
        } => v1::engine::Engine::Icd10(v1::Icd10 {
            terminology_path: terminology.clone().unwrap_or_default(),
            cues_path: cues.clone().unwrap_or_default(),
            terminology_digest: terminology_digest.clone(),
            cues_digest: cues_digest.clone(),
        }),
        Engine::Exec {
            command,
            chart_seconds,
            answer_bytes,
            ..
        } => {
            let limit = Duration::from_secs_f64(*chart_seconds).as_millis();
            v1::engine::Engine::Exec(v1::Exec {
                command: command
                    .iter()
                    .map(|word| word.clone().into_bytes().into())
                    .collect(),
                chart_milliseconds: u64::try_from(limit).unwrap_or(u64::MAX),
                answer_bytes: *answer_bytes,
            })
        }
        Engine::Noop => v1::engine::Engine::Noop(v1::Noop {}),
    };
    let short = |milliseconds: u64| u32::try_from(milliseconds).unwrap_or(u32::MAX);
    v1::Welcome {
        lease_milliseconds: short(limits.lease),
        heartbeat_milliseconds: short(limits.heartbeat),
        lease_margin_milliseconds: short(limits.lease_margin),
        work: Some(v1::RunWork {
            input_root: input.root().display().to_string(),
            output_root: options.output.display().to_string(),
            engine: Some(v1::Engine {
                engine: Some(engine),
            }),
            reading: Some(v1::Reading {
                encoding: spec.reading.encoding.clone(),
                csv_id: spec.reading.csv_id.clone(),
                csv_text: spec.reading.csv_text.clone(),
                csv_meta: spec.reading.csv_meta.clone(),
                max_chart_bytes: spec.reading.max_chart_bytes,
            }),
        }),
    }
}
