//! The admin service: what operators see and order. Looking never blocks the run for longer
//! than it takes to copy a page of numbers.

use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use identity::{Peer, Role};
use ledger::shard::Phase;
use ledger::{Ledger, Rejection, Timestamp};
use proto::v1;
use proto::v1::admin_server::Admin;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};

use crate::controller::{Input, Look, OrderReply};
use crate::view::RunView;

/// Shards on one page, and at the most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

/// A watcher gets a view at most this often.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// What an operator wants of the controller.
pub(crate) enum Question {
    Look(Look),
    Order {
        order: ledger::Order,
        by: String,
        reply: OrderReply,
    },
}

#[derive(Debug)]
pub(crate) struct AdminApi {
    pub(crate) view: watch::Receiver<RunView>,
    pub(crate) inputs: mpsc::Sender<Input>,
}

type Runs = Pin<Box<dyn Stream<Item = Result<v1::Run, Status>> + Send>>;

#[tonic::async_trait]
impl Admin for AdminApi {
    async fn get_run(&self, _: Request<v1::GetRunRequest>) -> Result<Response<v1::Run>, Status> {
        Ok(Response::new(to_run(&self.view.borrow())))
    }

    type WatchRunStream = Runs;

    async fn watch_run(&self, _: Request<v1::WatchRunRequest>) -> Result<Response<Runs>, Status> {
        let views = WatchStream::new(self.view.clone()).map(|view| Ok(to_run(&view)));
        Ok(Response::new(Box::pin(views.throttle(WATCH_EVERY))))
    }

    async fn list_workers(
        &self,
        _: Request<v1::ListWorkersRequest>,
    ) -> Result<Response<v1::ListWorkersReply>, Status> {
        let workers = self
            .look(|ledger, now, fleet| {
                let all = ledger.workers().iter();
                all.map(|(id, worker)| {
                    let instance = id.to_string();
                    let process = fleet.process(&instance).unwrap_or_default();
                    to_worker(instance, worker, process, now)
                })
                .collect()
            })
            .await?;
        Ok(Response::new(v1::ListWorkersReply { workers }))
    }

    async fn list_shards(
        &self,
        request: Request<v1::ListShardsRequest>,
    ) -> Result<Response<v1::ListShardsReply>, Status> {
        let request = request.into_inner();
        let phase = match request.state.as_str() {
            "" => None,
            word => Some(phase(word).ok_or_else(|| {
                Status::invalid_argument(
                    "state is pending, leased, committed, split or quarantined",
                )
            })?),
        };
        let limit = match request.limit as usize {
            0 => PAGE,
            n => n.min(LARGEST_PAGE),
        };
        let after = request.after;
        let reply = self
            .look(move |ledger, _, _| shards(ledger, phase, after, limit))
            .await?;
        Ok(Response::new(reply))
    }

    async fn drain(
        &self,
        request: Request<v1::DrainRequest>,
    ) -> Result<Response<v1::OrderReply>, Status> {
        self.order(person(&request)?, ledger::Order::Drain).await
    }

    async fn abort(
        &self,
        request: Request<v1::AbortRequest>,
    ) -> Result<Response<v1::OrderReply>, Status> {
        self.order(person(&request)?, ledger::Order::Abort).await
    }
}

impl AdminApi {
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger, Timestamp, &fleet::LocalProcesses) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let (reply, answer) = oneshot::channel();
        let look: Look = Box::new(move |ledger, now, fleet| {
            // Whoever asked may have left.
            let _ = reply.send(look(ledger, now, fleet));
        });
        let over = || Status::unavailable("the run is over");
        self.inputs
            .send(Input::Admin(Question::Look(look)))
            .await
            .map_err(|_| over())?;
        answer.await.map_err(|_| over())
    }

    async fn order(
        &self,
        by: String,
        order: ledger::Order,
    ) -> Result<Response<v1::OrderReply>, Status> {
        let (reply, answer) = oneshot::channel();
        let over = || Status::unavailable("the run is over");
        let question = Question::Order { order, by, reply };
        self.inputs
            .send(Input::Admin(question))
            .await
            .map_err(|_| over())?;
        match answer.await.map_err(|_| over())? {
            Ok(record) => Ok(Response::new(v1::OrderReply { record })),
            Err(Rejection::TooLate) => {
                Err(Status::failed_precondition("the run is already stopping"))
            }
            Err(rejection) => Err(Status::failed_precondition(rejection.to_string())),
        }
    }
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Question::Look(_) => "Look",
            Question::Order { .. } => "Order",
        })
    }
}

fn person<T>(request: &Request<T>) -> Result<String, Status> {
    match request
        .extensions()
        .get::<Peer>()
        .and_then(|peer| peer.role.clone())
    {
        Some(Role::Admin { person }) => Ok(person),
        _ => Err(Status::permission_denied("no admin")),
    }
}

fn phase(word: &str) -> Option<Phase> {
    [
        Phase::Pending,
        Phase::Leased,
        Phase::Judged,
        Phase::Committed,
        Phase::Split,
        Phase::Quarantined,
    ]
    .into_iter()
    .find(|phase| phase.as_str() == word)
}

fn shards(ledger: &Ledger, phase: Option<Phase>, after: u32, limit: usize) -> v1::ListShardsReply {
    let from = after as usize;
    let mut shards = Vec::new();
    let mut next = None;
    for (number, shard) in (0_u32..).zip(ledger.shards()).skip(from) {
        let wanted = match phase {
            None => shard.phase() != Phase::Reserved,
            Some(phase) => shard.phase() == phase,
        };
        if !wanted {
            continue;
        }
        if shards.len() == limit {
            next = Some(number);
            break;
        }
        shards.push(v1::Shard {
            shard: number,
            state: shard.phase().as_str().to_owned(),
            attempts: shard
                .attempts()
                .map(|attempt| v1::Attempt {
                    worker: attempt.worker.to_string(),
                    master_epoch: attempt.epoch.master,
                    counter: attempt.epoch.counter,
                    charts: attempt.charts,
                    started: attempt.started.is_some(),
                })
                .collect(),
            charges: shard.charges,
            bytes: shard.bytes,
        });
    }
    v1::ListShardsReply { shards, next }
}

fn to_worker(
    instance: String,
    worker: &ledger::worker::Worker,
    process: u32,
    now: Timestamp,
) -> v1::Worker {
    let age = Duration::from_millis(now.since(worker.seen()));
    v1::Worker {
        instance,
        state: worker.state().as_str().to_owned(),
        process,
        leases: u32::try_from(worker.leases()).unwrap_or(u32::MAX),
        charts: worker.charts,
        shards_committed: worker.shards,
        heartbeat_age_seconds: age.as_secs_f64(),
        reason: worker.reason.clone(),
    }
}

fn to_run(view: &RunView) -> v1::Run {
    v1::Run {
        run: view.run.clone(),
        state: view.state.to_owned(),
        outcome: view
            .outcome
            .map(crate::outcome_word)
            .unwrap_or_default()
            .to_owned(),
        charts_planned: view.charts_planned,
        plan_closed: view.plan_closed,
        charts: view.charts,
        charts_quarantined: view.charts_quarantined,
        findings: view.findings,
        bytes_planned: view.bytes_planned,
        bytes: view.bytes,
        shards: Some(v1::ShardCounts {
            pending: view.shards.pending,
            leased: view.shards.leased,
            committed: view.shards.committed,
            split: view.shards.split,
            quarantined: view.shards.quarantined,
        }),
        attempts: view.attempts,
        workers_launched: view.workers_launched,
        workers_alive: view.workers_alive,
        elapsed_seconds: view.elapsed,
        charts_per_second: view.charts_per_second,
        eta_seconds: view.eta,
        waits_for: view.waits_for.clone(),
        master_epoch: view.master_epoch,
    }
}
