//! What the store knows of a run: all there is to know once its master is gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt;
use master::{MasterError, outcome_word};
use results::{EndingKind, EndingMeta, RunReader};
use store::run_log::{Counts, Entry, Fold, Record, Role, RunLog, Seal};
use store::{DirectoryStore, RunId, Store, layout};

use crate::cli::RunChoice;
use crate::commands::shards::ShardLine;
use crate::commands::status::RunStatus;
use crate::commands::workers::WorkerLine;
use crate::error::{Failure, resume_command};

/// An output folder with runs.
#[derive(Debug)]
pub(crate) struct Folder {
    /// As it was typed.
    pub(crate) output: PathBuf,
    /// Its store, for reading.
    pub(crate) store: Arc<dyn Store>,
}

/// A run as its log has it.
#[derive(Debug)]
pub(crate) struct Stored {
    run: RunId,
    output: PathBuf,
    reader: RunReader,
    records: Vec<Record>,
    fold: Fold,
}

impl Folder {
    /// Opens the folder that `output`, or else `DAYFLY_OUTPUT`, names.
    ///
    /// # Errors
    /// Exit 2 when there is none.
    pub(crate) fn open(output: Option<&Path>) -> Result<Folder, Failure> {
        let variable = || std::env::var_os("DAYFLY_OUTPUT").map(PathBuf::from);
        let output = output
            .map(Path::to_owned)
            .or_else(variable)
            .ok_or_else(|| Failure::usage("--output is missing: the output folder of the run"))?;
        crate::pins::require_local(&output)?;
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::open_to_read(&output)?);
        Ok(Folder { output, store })
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(crate) async fn runs(&self) -> Result<Vec<RunId>, Failure> {
        Ok(layout::runs(self.store.as_ref()).await?)
    }

    /// The run that was chosen, or the newest.
    ///
    /// # Errors
    /// Exit 2 when it is not there.
    pub(crate) async fn choose(&self, run: Option<&str>) -> Result<RunId, Failure> {
        let runs = self.runs().await?;
        let missing = |run: &str| {
            let error = MasterError::NoSuchRun {
                run: run.to_owned(),
                output: self.output.display().to_string(),
                runs: runs.iter().map(RunId::to_string).collect(),
            };
            Failure::of_master(error, &self.output)
        };
        match run {
            Some(name) => {
                let found = runs.iter().find(|run| run.as_str() == name);
                found.cloned().ok_or_else(|| missing(name))
            }
            None => runs.last().cloned().ok_or_else(|| {
                Failure::usage(format_args!("there are no runs in {:?}", self.output))
            }),
        }
    }

    /// Opens a run of this folder.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub(crate) async fn stored(&self, run: &RunId) -> Result<Stored, Failure> {
        let (log, records) = RunLog::open(self.store.clone(), run.clone()).await?;
        Ok(Stored {
            run: run.clone(),
            output: self.output.clone(),
            reader: RunReader::new(self.store.clone(), run.clone()),
            fold: log.fold().clone(),
            records,
        })
    }
}

/// The folder and run of a command line.
///
/// # Errors
/// Exit 2 when either is not there.
pub(crate) async fn chosen(choice: &RunChoice) -> Result<(Folder, RunId), Failure> {
    let folder = Folder::open(choice.output.as_deref())?;
    let run = folder.choose(choice.run.as_deref()).await?;
    Ok((folder, run))
}

impl Stored {
    /// The seal, if there is one.
    #[must_use]
    pub(crate) fn seal(&self) -> Option<&Seal> {
        self.entries().find_map(|entry| match entry {
            Entry::Seal { seal } => Some(seal),
            _ => None,
        })
    }

    /// Reads the log's end again, and answers how the run stands.
    ///
    /// # Errors
    /// When the endings of a run without a seal cannot be read.
    pub(crate) async fn status(&self) -> Result<RunStatus, Failure> {
        let counts = match self.seal() {
            Some(seal) => seal.counts.clone(),
            None => self.counts().await?,
        };
        let ended = counts.shards_committed + counts.shards_split + counts.shards_quarantined;
        let planned: u64 = self.segments().map(|segment| segment.charts).sum();
        let launched = self.slots_launched();
        let open = self.fold.launches.iter();
        let alive = open
            .filter(|l| l.role == Role::Worker)
            .map(|l| l.slots.len());
        let (state, waits_for) = match self.seal() {
            Some(_) => ("sealed", String::new()),
            None => {
                let resume = resume_command(self.run.as_str(), &self.output);
                ("suspended", format!("a master: {resume}"))
            }
        };
        Ok(RunStatus {
            run: self.run.to_string(),
            state: state.to_owned(),
            outcome: self
                .fold
                .sealed
                .map(|outcome| outcome_word(outcome).to_owned()),
            reason: self.seal().and_then(|seal| seal.reason.clone()),
            charts_planned: match counts.charts_unreached {
                0 if self.seal().is_some() => counts.charts,
                _ => planned.max(counts.charts),
            },
            plan_closed: self.fold.closed,
            charts: counts.charts,
            charts_quarantined: counts.charts_quarantined,
            findings: counts.findings,
            bytes_planned: self.segments().map(|segment| segment.bytes).sum(),
            bytes: None,
            shards: counts.shards,
            shards_pending: counts.shards.saturating_sub(ended),
            shards_leased: 0,
            shards_committed: counts.shards_committed,
            shards_split: counts.shards_split,
            shards_quarantined: counts.shards_quarantined,
            attempts: self.seal().map(|seal| seal.counts.attempts),
            workers_launched: launched.len() as u64,
            workers_alive: alive.sum::<usize>() as u64,
            elapsed_seconds: self.elapsed(),
            charts_per_second: None,
            eta_seconds: None,
            waits_for,
            master_epoch: self.fold.claim.as_ref().map_or(0, |claim| claim.epoch),
            output: self.output.display().to_string(),
        })
    }

    /// The workers that were ever launched.
    ///
    /// # Errors
    /// When the endings cannot be read.
    pub(crate) async fn workers(&self) -> Result<Vec<WorkerLine>, Failure> {
        let metas = self.metas().await?;
        let mut workers = Vec::new();
        for slot in self.slots_launched() {
            let instance = ledger::WorkerId(slot).to_string();
            let own =
                |meta: &&EndingMeta| meta.kind == EndingKind::Committed && meta.worker == instance;
            let end = self.entries().find_map(|entry| match entry {
                Entry::End {
                    slot: Some(ended),
                    state,
                    reason,
                    ..
                } if *ended == slot => Some((state.clone(), reason.clone())),
                _ => None,
            });
            let (state, reason) = end.unwrap_or_else(|| {
                let unknown = "its master is gone; it ends by itself".to_owned();
                ("launched".to_owned(), unknown)
            });
            workers.push(WorkerLine {
                state,
                process: None,
                leases: 0,
                charts: metas.iter().filter(own).map(|meta| meta.charts).sum(),
                shards_committed: metas.iter().filter(own).count() as u64,
                heartbeat_age_seconds: None,
                reason,
                instance,
            });
        }
        Ok(workers)
    }

    /// The shards that were ever planned, children of splits included.
    ///
    /// # Errors
    /// When the endings cannot be read.
    pub(crate) async fn shards(&self) -> Result<Vec<ShardLine>, Failure> {
        let metas = self.metas().await?;
        let mut pending: std::collections::BTreeSet<u32> = self
            .segments()
            .flat_map(|segment| segment.first_shard..segment.first_shard + segment.shards)
            .collect();
        for meta in &metas {
            pending.extend(meta.children.iter().flatten().map(|child| child.shard));
        }
        let mut shards: Vec<ShardLine> = Vec::new();
        for meta in metas {
            pending.remove(&meta.shard);
            shards.push(ShardLine {
                shard: meta.shard,
                state: meta.kind.as_str().to_owned(),
                worker: (meta.kind == EndingKind::Committed).then_some(meta.worker),
                charts: Some(meta.charts),
                charts_quarantined: Some(meta.charts_quarantined),
                findings: Some(meta.findings),
                charges: None,
                bytes: None,
                reason: meta.reason,
            });
        }
        shards.extend(pending.into_iter().map(ShardLine::pending));
        shards.sort_by_key(|shard| shard.shard);
        Ok(shards)
    }

    async fn counts(&self) -> Result<Counts, Failure> {
        let mut counts = Counts {
            shards: self
                .segments()
                .map(|segment| u64::from(segment.shards))
                .sum(),
            ..Counts::default()
        };
        let endings = self.reader.endings().await?;
        let mut metas = std::pin::pin!(self.reader.metas(endings));
        while let Some(meta) = metas.try_next().await? {
            counts.charts += meta.charts;
            counts.charts_quarantined += meta.charts_quarantined;
            counts.findings += meta.findings;
            counts.shards += meta.children.as_ref().map_or(0, Vec::len) as u64;
            *match meta.kind {
                EndingKind::Committed => &mut counts.shards_committed,
                EndingKind::Split => &mut counts.shards_split,
                EndingKind::Quarantined => &mut counts.shards_quarantined,
            } += 1;
        }
        Ok(counts)
    }

    async fn metas(&self) -> Result<Vec<EndingMeta>, Failure> {
        let endings = self.reader.endings().await?;
        Ok(self.reader.metas(endings).try_collect().await?)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.records.iter().flat_map(|record| &record.entries)
    }

    fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        self.entries().filter_map(|entry| match entry {
            Entry::Segment {
                first_shard,
                shards,
                charts,
                bytes,
                ..
            } => Some(Segment {
                first_shard: *first_shard,
                shards: *shards,
                charts: *charts,
                bytes: *bytes,
            }),
            _ => None,
        })
    }

    fn slots_launched(&self) -> Vec<u32> {
        self.entries()
            .flat_map(|entry| match entry {
                Entry::Launch {
                    role: Role::Worker,
                    slots,
                    ..
                } => slots.clone(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// From the first record to the last, as their writers' clocks had it.
    fn elapsed(&self) -> f64 {
        let time = |record: Option<&Record>| record?.at.parse::<jiff::Timestamp>().ok();
        match (time(self.records.first()), time(self.records.last())) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64().max(0.0),
            _ => 0.0,
        }
    }
}

/// What a segment's record says.
struct Segment {
    first_shard: u32,
    shards: u32,
    charts: u64,
    bytes: u64,
}
