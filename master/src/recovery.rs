//! Rebuilds the ledger from the run log and the endings in the store, and from them alone.
//!
//! A fresh run goes through the same door: its log is empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryStreamExt;
use ledger::{Command, Extent, Ledger, Limits, Recovered, ShardId, Timestamp};
use results::{EndingMeta, RunReader};
use store::run_log::{Appended, Entry, Record, Role, RunLog, Verdict};
use store::{RunId, Store};

use crate::error::MasterError;
use crate::plan::Plan;
use crate::verdicts::{self, Verdicts};

/// What an earlier master left in the store.
#[derive(Debug)]
pub(crate) struct History {
    run: RunId,
    records: Vec<Record>,
    endings: Vec<EndingMeta>,
}

/// What the log says of launches, for the receipt and for numbering the next ones.
#[derive(Debug, Default, Clone)]
pub(crate) struct Launches {
    pub(crate) next_launch: u32,
    pub(crate) next_worker: u32,
    /// Launch number by worker, for those without an end.
    pub(crate) open: BTreeMap<u32, u32>,
    /// The receipt so far.
    pub(crate) receipt: Vec<store::run_log::ReceiptLine>,
}

impl History {
    pub(crate) async fn read(
        run: &RunId,
        store: &Arc<dyn Store>,
        records: Vec<Record>,
    ) -> Result<History, MasterError> {
        let reader = RunReader::new(store.clone(), run.clone());
        let endings = reader.endings().await?;
        let endings = reader.metas(endings).try_collect().await?;
        Ok(History {
            run: run.clone(),
            records,
            endings,
        })
    }

    pub(crate) fn endings(&self) -> u64 {
        self.endings.len() as u64
    }

    /// Whether nothing was ever planned.
    pub(crate) fn is_fresh(&self) -> bool {
        !self
            .entries()
            .any(|entry| matches!(entry, Entry::Segment { .. }))
    }

    pub(crate) fn plan_closed(&self) -> bool {
        self.entries().any(|entry| matches!(entry, Entry::Close {}))
    }

    /// How far the listing had been read.
    pub(crate) fn cursor(&self) -> Option<String> {
        self.entries().fold(None, |so_far, entry| match entry {
            Entry::Segment { through, .. } => through.as_ref().map(|c| c.as_str().to_owned()),
            _ => so_far,
        })
    }

    /// Charts planned, as the segments say.
    pub(crate) fn charts_planned(&self) -> u64 {
        self.entries()
            .map(|entry| {
                if let Entry::Segment { charts, .. } = entry {
                    *charts
                } else {
                    0
                }
            })
            .sum()
    }

    pub(crate) fn launches(&self) -> Launches {
        let mut launches = Launches {
            next_launch: 1,
            next_worker: 1,
            ..Launches::default()
        };
        for entry in self.entries() {
            match entry {
                Entry::Launch { launch, slots, .. } => {
                    launches.next_launch = launches.next_launch.max(launch + 1);
                    for slot in slots {
                        launches.next_worker = launches.next_worker.max(slot + 1);
                        launches.open.insert(*slot, *launch);
                    }
                }
                Entry::End {
                    launch,
                    slot,
                    instance,
                    state,
                    reason,
                    seconds,
                    cost,
                } => {
                    let slot = slot.unwrap_or_default();
                    launches.open.remove(&slot);
                    launches.receipt.push(store::run_log::ReceiptLine {
                        instance: instance.clone(),
                        role: Role::Worker,
                        launch: *launch,
                        slot,
                        state: state.clone(),
                        reason: reason.clone(),
                        seconds: *seconds,
                        cost: *cost,
                    });
                }
                _ => {}
            }
        }
        launches
    }

    /// The ledger as the store says it is. Verdicts that have no ending yet get it here.
    pub(crate) async fn ledger(
        &mut self,
        plan: &Plan,
        verdicts: &Verdicts,
        limits: Limits,
        now: Timestamp,
    ) -> Result<Ledger, MasterError> {
        let next_worker = self.launches().next_worker;
        let mut ledger = Ledger::new(verdicts.master_epoch, next_worker, limits, now);
        let mut open = Vec::new();
        for record in &self.records {
            for entry in &record.entries {
                match entry {
                    Entry::Segment {
                        digest,
                        first_shard,
                        ..
                    } => {
                        plan.add(*first_shard, digest.clone()).await;
                        let shards = plan.segment(*first_shard).await?;
                        let shards = shards.iter().map(crate::planning::for_ledger).collect();
                        self.tell(&mut ledger, Command::AddSegment(shards), now)?;
                    }
                    Entry::Verdict { shard, verdict } => {
                        let recovered = recovered(verdict);
                        if let Recovered::Verdict {
                            split: Some((children, _)),
                            ..
                        } = recovered
                        {
                            plan.add_children(*shard, children.map(|c| c.0)).await;
                        }
                        let command = Command::Recover(ShardId(*shard), recovered);
                        self.tell(&mut ledger, command, now)?;
                        open.push((ShardId(*shard), verdict.clone(), record.n));
                    }
                    _ => {}
                }
            }
        }
        if self.plan_closed() {
            self.tell(&mut ledger, Command::ClosePlan, now)?;
        }
        let ended: BTreeSet<u32> = self.endings.iter().map(|meta| meta.shard).collect();
        for (shard, verdict, record) in open {
            if !ended.contains(&shard.0) {
                let extent = ledger.shards()[shard.0 as usize].extent;
                let verdict = for_ledger(&verdict, extent);
                let ending = verdicts.carry_out(shard, &verdict, record).await?;
                let command = Command::Recover(shard, Recovered::Ended(ending));
                self.tell(&mut ledger, command, now)?;
            }
        }
        // A parent comes before its children, and so do their numbers.
        self.endings.sort_unstable_by_key(|meta| meta.shard);
        for meta in &self.endings {
            let shard = ShardId(meta.shard);
            let ending =
                verdicts::ending(meta).ok_or_else(|| self.bug("a split without two children"))?;
            self.tell(
                &mut ledger,
                Command::Recover(shard, Recovered::Ended(ending)),
                now,
            )?;
        }
        Ok(ledger)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.records.iter().flat_map(|record| &record.entries)
    }

    fn tell(
        &self,
        ledger: &mut Ledger,
        command: Command,
        now: Timestamp,
    ) -> Result<(), MasterError> {
        match ledger.decide(command, now) {
            Ok(_) => Ok(()),
            Err(rejection) => {
                Err(self.bug(&format!("the store and its log disagree ({rejection})")))
            }
        }
    }

    fn bug(&self, what: &str) -> MasterError {
        MasterError::Bug {
            run: self.run.clone(),
            what: what.to_owned(),
        }
    }
}

/// Appends the claim; its record's number is the master epoch.
pub(crate) async fn claim(
    log: &mut RunLog,
    endings_found: u64,
    writer: &str,
    at: &str,
) -> Result<u32, MasterError> {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let entry = Entry::Claim {
        instance: "machine".to_owned(),
        boot_id: read("/proc/sys/kernel/random/boot_id"),
        process: std::process::id().to_string(),
        endings_found,
    };
    match log.append(writer, at, vec![entry]).await? {
        Appended::Written(n) => u32::try_from(n).map_err(|_| MasterError::Bug {
            run: log.run().clone(),
            what: "the run log has more than 2^32 records".to_owned(),
        }),
        Appended::Lost(_) => Err(MasterError::AnotherMaster {
            run: log.run().clone(),
            process: None,
        }),
    }
}

fn recovered(verdict: &Verdict) -> Recovered {
    match verdict {
        Verdict::Split {
            children, charges, ..
        } => {
            let split = match children.as_slice() {
                [a, b] => Some(([ShardId(a.shard), ShardId(b.shard)], b.begin)),
                _ => None,
            };
            Recovered::Verdict {
                charges: *charges,
                split,
            }
        }
        Verdict::Quarantine { charges, .. } => Recovered::Verdict {
            charges: *charges,
            split: None,
        },
    }
}

fn for_ledger(verdict: &Verdict, extent: Extent) -> ledger::Verdict {
    match verdict {
        Verdict::Split {
            children,
            charges,
            cause,
        } => {
            let child = |i: usize| {
                let c = &children[i];
                (
                    ShardId(c.shard),
                    Extent {
                        begin: c.begin,
                        end: c.end,
                    },
                )
            };
            let children = [child(0), child(1)];
            ledger::Verdict::Split {
                children,
                charges: *charges,
                cause: cause.clone(),
            }
        }
        Verdict::Quarantine { reason, charges } => ledger::Verdict::Quarantine {
            extent,
            charges: *charges,
            reason: reason.clone(),
        },
    }
}

/// A verdict as the log says it.
pub(crate) fn for_log(verdict: &ledger::Verdict) -> Verdict {
    match verdict {
        ledger::Verdict::Split {
            children,
            charges,
            cause,
        } => Verdict::Split {
            children: children
                .iter()
                .map(|(id, e)| store::run_log::Child {
                    shard: id.0,
                    begin: e.begin,
                    end: e.end,
                })
                .collect(),
            charges: *charges,
            cause: cause.clone(),
        },
        ledger::Verdict::Quarantine {
            charges, reason, ..
        } => Verdict::Quarantine {
            reason: reason.clone(),
            charges: *charges,
        },
    }
}
