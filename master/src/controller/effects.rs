//! Carrying out what the ledger decided: appending first what a later master must know, then
//! starting, ending, granting and revoking.

use std::collections::BTreeMap;
use std::time::Instant;

use fleet::{Ended, How};
use identity::EnrolmentToken;
use ledger::{Effect, ShardId, WorkerId};
use store::failpoint;
use store::run_log::{Appended, Entry, Role};

use super::{Controller, Input, chain};
use crate::api::work::Outbound;
use crate::error::MasterError;
use crate::recovery::for_log;

impl Controller {
    pub(super) async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), MasterError> {
        let mut launch = Vec::new();
        for effect in effects {
            match effect {
                Effect::Grant {
                    worker,
                    shard,
                    epoch,
                    extent,
                } => {
                    self.send(
                        worker,
                        Outbound::Grant {
                            shard,
                            epoch,
                            extent,
                        },
                    );
                }
                Effect::Revoke {
                    worker,
                    shard,
                    epoch,
                } => {
                    self.send(worker, Outbound::Revoke { shard, epoch });
                }
                Effect::Drain(worker, mode) => self.send(worker, Outbound::Drain(mode)),
                Effect::ReadEnding(shard) => {
                    let verdicts = self.verdicts.clone();
                    self.spawn(
                        async move { Input::EndingFound(shard, verdicts.read(shard).await) },
                    );
                }
                Effect::FindCut(shard, extent) => {
                    let verdicts = self.verdicts.clone();
                    self.spawn(async move {
                        Input::CutFound(shard, verdicts.find_cut(shard, extent).await)
                    });
                }
                Effect::Judge(shard, verdict) => self.judge(shard, verdict).await?,
                Effect::Launch(worker) => launch.push(worker),
                Effect::Terminate(worker) => self.fleet.terminate(&worker.to_string()),
                Effect::Finish(finish) => self.finished = Some(finish),
            }
        }
        if !launch.is_empty() {
            self.launch(&launch).await?;
        }
        Ok(())
    }

    pub(super) async fn judge(
        &mut self,
        shard: ShardId,
        verdict: ledger::Verdict,
    ) -> Result<(), MasterError> {
        let entry = Entry::Verdict {
            shard: shard.0,
            verdict: for_log(&verdict),
        };
        let record = self.append(vec![entry]).await?;
        failpoint::hit("master::verdict-appended");
        if let ledger::Verdict::Split { children, .. } = &verdict {
            self.plan
                .add_children(shard.0, children.map(|(child, _)| child.0))
                .await;
        }
        let verdicts = self.verdicts.clone();
        self.spawn(async move {
            let ending = verdicts.carry_out(shard, &verdict, record).await;
            Input::EndingFound(shard, ending)
        });
        Ok(())
    }

    /// Records the launch, then starts the workers.
    pub(super) async fn launch(&mut self, workers: &[WorkerId]) -> Result<(), MasterError> {
        let launch = self.launches.next_launch;
        self.launches.next_launch += 1;
        let slots: Vec<u32> = workers.iter().map(|worker| worker.0).collect();
        let entry = Entry::Launch {
            launch,
            role: Role::Worker,
            slots: slots.clone(),
            token: format!("{}-{launch}", self.run),
            parameters: BTreeMap::from([("slots".to_owned(), self.launch_line.slots.to_string())]),
        };
        self.append(vec![entry]).await?;
        failpoint::hit("master::launch-appended");
        self.launches
            .open
            .extend(slots.iter().map(|slot| (*slot, launch)));
        for worker in workers {
            self.start_worker(*worker).await?;
        }
        Ok(())
    }

    pub(super) async fn start_worker(&mut self, worker: WorkerId) -> Result<(), MasterError> {
        let instance = worker.to_string();
        let identity = |source| MasterError::Identity {
            run: self.run.clone(),
            source,
        };
        let token = EnrolmentToken::generate().map_err(identity)?;
        self.enrolments.expect(&instance, &token);
        let mut arguments: Vec<std::ffi::OsString> =
            fleet::leftovers::worker_arguments(self.run.as_str(), &instance)
                .map(Into::into)
                .to_vec();
        arguments.extend(["--slots".into(), self.launch_line.slots.to_string().into()]);
        arguments.extend([
            "--runtime-dir".into(),
            self.launch_line.private.clone().into(),
        ]);
        let line = serde_json::json!({
            "master": self.launch_line.address,
            "pin": self.launch_line.pin,
            "token": token.reveal_hex(),
        });
        self.launched_at.insert(worker, Instant::now());
        match self.fleet.launch(&instance, &arguments, line.to_string()) {
            Ok(running) => {
                log::info!(run = self.run.as_str(), worker:% = worker, process = running.process; "launched");
                Ok(())
            }
            Err(error) => {
                let reason = chain(&error);
                Box::pin(self.instance_ended(Ended {
                    instance,
                    reason,
                    how: How::Failed,
                }))
                .await
            }
        }
    }

    /// Appends one record, together with the ends that waited for one.
    pub(super) async fn append(&mut self, mut entries: Vec<Entry>) -> Result<u64, MasterError> {
        let mut all = std::mem::take(&mut self.unlogged);
        all.append(&mut entries);
        let at = jiff::Timestamp::now().to_string();
        match self.log.append(&self.writer, &at, all).await? {
            Appended::Written(record) => Ok(record),
            Appended::Lost(_) => Err(MasterError::AnotherMaster {
                run: self.run.clone(),
                process: None,
            }),
        }
    }

    pub(super) fn send(&mut self, worker: WorkerId, outbound: Outbound) {
        if let Some(session) = self.sessions.get_mut(&worker) {
            session.pending.push(outbound);
        }
    }

    /// Sends what the batch produced: one message to each session. Before leases go out, one
    /// look whether another master has begun.
    pub(super) async fn flush(&mut self) -> Result<(), MasterError> {
        let mut looked = false;
        for session in self.sessions.values_mut() {
            if session.pending.is_empty() {
                continue;
            }
            let grants = session
                .pending
                .iter()
                .any(|o| matches!(o, Outbound::Grant { .. }));
            if grants && !looked {
                looked = true;
                if !self.granted {
                    self.granted = true;
                    let milliseconds = u64::try_from(self.began.elapsed().as_millis());
                    log::info!(run = self.run.as_str(), milliseconds = milliseconds.unwrap_or(0); "the first lease is granted");
                }
                if self.log.overtaken().await? {
                    return Err(MasterError::AnotherMaster {
                        run: self.run.clone(),
                        process: None,
                    });
                }
            }
            // A session that is gone says so itself.
            let _ = session.outbound.send(std::mem::take(&mut session.pending));
        }
        Ok(())
    }

    pub(super) fn spawn(&self, answer: impl Future<Output = Input> + Send + 'static) {
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            // Nobody listens when the master ends; the next one finds the same in the store.
            let _ = inputs.send(answer.await).await;
        });
    }
}
