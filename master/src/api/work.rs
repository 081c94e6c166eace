//! A worker's session: two tasks and no state. One turns messages into inputs; the other turns
//! what the controller sends into messages, looking up in the plan what a lease must read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::Stream;
use identity::{Peer, Role};
use ledger::{DrainMode, Epoch, Extent, Outcome, ShardId, WorkerId};
use proto::v1;
use proto::v1::work_server::Work;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::convert;
use crate::controller::{Input, SessionNumber};
use crate::plan::Plan;

/// Messages that may wait for a slow connection. Behind them, what the controller sends is
/// gathered into fewer and larger ones.
const MESSAGES_AHEAD: usize = 4;

/// Leases in one message: bounds its size, as each names up to some hundred files.
const LEASES_PER_MESSAGE: usize = 256;

/// What a session says to the controller.
#[derive(Debug)]
pub(crate) enum Said {
    Opened {
        slots: u32,
        outbound: mpsc::UnboundedSender<Vec<Outbound>>,
    },
    Credit(u32),
    Started {
        shard: ShardId,
        epoch: Epoch,
        charts: u64,
    },
    Report {
        shard: ShardId,
        epoch: Epoch,
        outcome: Outcome,
    },
    Heartbeat {
        number: u64,
        progress: Vec<(ShardId, Epoch, u64)>,
    },
    EngineBroken(String),
    Leaving,
    Broken,
}

/// What the controller says to a session.
#[derive(Debug)]
pub(crate) enum Outbound {
    Grant {
        shard: ShardId,
        epoch: Epoch,
        extent: Extent,
    },
    Revoke {
        shard: ShardId,
        epoch: Epoch,
    },
    Renewed(u64),
    Drain(DrainMode),
}

#[derive(Debug)]
pub(crate) struct WorkApi {
    pub(crate) run: String,
    pub(crate) plan: Arc<Plan>,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) welcome: v1::Welcome,
    pub(crate) sessions: AtomicU64,
}

type Messages = Pin<Box<dyn Stream<Item = Result<v1::MasterMessage, Status>> + Send>>;

#[tonic::async_trait]
impl Work for WorkApi {
    type SessionStream = Messages;

    async fn session(
        &self,
        request: Request<Streaming<v1::WorkerMessage>>,
    ) -> Result<Response<Messages>, Status> {
        let worker = worker_of(&request).ok_or_else(|| Status::permission_denied("no worker"))?;
        let mut incoming = request.into_inner();
        let first = incoming.message().await?;
        let hello = first
            .and_then(|message| message.hello)
            .ok_or_else(|| Status::invalid_argument("a session begins with a hello"))?;
        let version = env!("CARGO_PKG_VERSION");
        if hello.program_version != version {
            let theirs = &hello.program_version;
            log::error!(run = self.run.as_str(), worker:% = worker; "refused: its version is {theirs:?} and this is {version}");
            return Err(Status::failed_precondition(format!(
                "the run needs version {version}"
            )));
        }
        let number = SessionNumber(self.sessions.fetch_add(1, Ordering::Relaxed));
        let (outbound, from_controller) = mpsc::unbounded_channel();
        let (messages, stream) = mpsc::channel(MESSAGES_AHEAD);
        let opened = Said::Opened {
            slots: hello.slots,
            outbound,
        };
        let gone = |_| Status::unavailable("the run is over");
        let welcome = v1::MasterMessage {
            welcome: Some(self.welcome.clone()),
            ..Default::default()
        };
        messages
            .send(Ok(welcome))
            .await
            .map_err(|_| Status::cancelled("gone"))?;
        self.inputs
            .send(Input::Session(worker, number, vec![opened]))
            .await
            .map_err(gone)?;
        tokio::spawn(listen(worker, number, incoming, self.inputs.clone()));
        let (plan, inputs) = (self.plan.clone(), self.inputs.clone());
        tokio::spawn(speak(plan, from_controller, messages, inputs));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// The worker that its certificate names: nothing in a message says who it is.
fn worker_of<T>(request: &Request<T>) -> Option<WorkerId> {
    match &request.extensions().get::<Peer>()?.role {
        Some(Role::Worker { instance }) => crate::worker_id(instance),
        _ => None,
    }
}

/// Tells the controller what comes in, and at last that nothing more will.
async fn listen(
    worker: WorkerId,
    number: SessionNumber,
    mut incoming: Streaming<v1::WorkerMessage>,
    inputs: mpsc::Sender<Input>,
) {
    while let Ok(Some(message)) = incoming.message().await {
        let Some(said) = convert::said(message) else {
            log::error!(worker:% = worker; "a message of it makes no sense; its session ends");
            break;
        };
        if inputs
            .send(Input::Session(worker, number, said))
            .await
            .is_err()
        {
            return;
        }
    }
    // Nobody listens when the run is over.
    let _ = inputs
        .send(Input::Session(worker, number, vec![Said::Broken]))
        .await;
}

/// Sends what the controller says, everything that waits in one message.
async fn speak(
    plan: Arc<Plan>,
    mut from_controller: mpsc::UnboundedReceiver<Vec<Outbound>>,
    messages: mpsc::Sender<Result<v1::MasterMessage, Status>>,
    inputs: mpsc::Sender<Input>,
) {
    let mut waiting = Vec::new();
    while from_controller.recv_many(&mut waiting, 64).await > 0 {
        let mut message = v1::MasterMessage::default();
        for outbound in waiting.drain(..).flatten() {
            match outbound {
                Outbound::Grant {
                    shard,
                    epoch,
                    extent,
                } => {
                    match lease(&plan, shard, epoch, extent).await {
                        Ok(lease) => message.leases.push(lease),
                        Err(error) => {
                            let _ = inputs.send(Input::PlanUnreadable(error)).await;
                            return;
                        }
                    }
                    if message.leases.len() == LEASES_PER_MESSAGE
                        && messages
                            .send(Ok(std::mem::take(&mut message)))
                            .await
                            .is_err()
                    {
                        return;
                    }
                }
                Outbound::Revoke { shard, epoch } => {
                    let epoch = convert::to_epoch(epoch);
                    // In one message leases are read before revocations.
                    message.revoked.push(v1::Revoke {
                        shard: shard.0,
                        epoch,
                    });
                }
                Outbound::Renewed(number) => message.heartbeat = number,
                Outbound::Drain(mode) => {
                    let mode = match mode {
                        DrainMode::Finish => v1::DrainMode::Finish,
                        DrainMode::Release => v1::DrainMode::Release,
                    };
                    message.drain = mode.into();
                }
            }
        }
        if messages.send(Ok(message)).await.is_err() {
            return;
        }
    }
}

async fn lease(
    plan: &Plan,
    shard: ShardId,
    epoch: Epoch,
    extent: Extent,
) -> Result<v1::Lease, crate::error::MasterError> {
    let place = plan.find(shard.0).await?;
    Ok(v1::Lease {
        shard: shard.0,
        epoch: convert::to_epoch(epoch),
        begin: extent.begin,
        end: extent.end,
        source: Some(convert::to_source(place.source())),
    })
}
