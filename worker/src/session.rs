//! One session: a stream of messages in both directions, from hello to goodbye.
//!
//! One task owns everything that is held. It turns messages, events of the slots, time and
//! signals into changes of [`Leases`] and into the next message of the [`Outbox`], which goes
//! out as soon as the stream takes it: under load, more is told in fewer messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::v1;
use proto::v1::work_client::WorkClient;
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::attempt::{Attempt, Term};
use crate::connect::{self, LARGEST_MESSAGE, NotConnected};
use crate::convert::{self, Nonsense};
use crate::ending::Outcome;
use crate::leases::{Gone, Taking};
use crate::renewal::Renewal;
use crate::slot::Event;
use crate::worker::{Leaving, Worker};
use crate::{Shutdown, WorkerError};

/// How long the master may take to answer a hello, and to see a goodbye.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);

/// Events taken at once.
const BATCH: usize = 256;

/// How a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The worker said goodbye.
    Left,
    /// The pipe to the master is closed.
    MasterGone,
    /// There is none any more; there may be another.
    Lost(Box<dyn std::error::Error + Send + Sync>),
    /// There is no use in another.
    Fatal(WorkerError),
}

/// A session in progress. What outlives it is the worker's.
#[derive(Debug)]
struct Session<'w> {
    worker: &'w mut Worker,
    term: Arc<Term>,
    renewal: Renewal,
    heartbeat_every: Duration,
    next_heartbeat: Instant,
    said_goodbye: bool,
}

/// Opens a session and works in it until it ends.
pub(crate) async fn work(worker: &mut Worker, shutdown: &mut mpsc::Receiver<Shutdown>) -> End {
    let opened = tokio::select! {
        biased;
        end = before_session(shutdown) => return end,
        opened = open(worker) => opened,
    };
    let (session, inbound, outbound) = match opened {
        Ok(opened) => opened,
        Err(end) => return end,
    };
    let term = session.term.clone();
    let end = session.serve(inbound, outbound, shutdown).await;
    // Before anything else: the master has given the leases to others, or is about to.
    term.end();
    for gone in worker.leases.abandon() {
        worker.interrupt(gone);
    }
    end
}

/// How the worker ends while it has no session, and so holds nothing.
pub(crate) async fn before_session(shutdown: &mut mpsc::Receiver<Shutdown>) -> End {
    match shutdown.recv().await {
        Some(Shutdown::MasterGone) => End::MasterGone,
        Some(Shutdown::Leave) => End::Left,
        None => std::future::pending().await,
    }
}

type Opened<'w> = (
    Session<'w>,
    Streaming<v1::MasterMessage>,
    mpsc::Sender<v1::WorkerMessage>,
);

async fn open(worker: &mut Worker) -> Result<Opened<'_>, End> {
    let address = worker.config.master.master;
    let refused = |error| match error {
        NotConnected::Lost(error) => End::Lost(error),
        NotConnected::Refused(source) => End::Fatal(WorkerError::Refused { address, source }),
    };
    let channel = connect::connect(&worker.connector, address)
        .await
        .map_err(refused)?;
    let (outbound, messages) = mpsc::channel(1);
    let hello = v1::WorkerMessage {
        hello: Some(v1::Hello {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: worker.config.slots.max(1),
        }),
        ..v1::WorkerMessage::default()
    };
    // Leases are counted from here, before the master can know of us.
    let hello_sent = Instant::now();
    let _ = outbound.send(hello).await;
    let mut client = WorkClient::new(channel)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let greeting = async {
        let reply = client.session(ReceiverStream::new(messages)).await?;
        let mut inbound = reply.into_inner();
        let first = inbound.message().await?;
        Ok((first, inbound))
    };
    let (first, inbound) = match timeout(HELLO_LIMIT, greeting).await {
        Ok(Ok(greeted)) => greeted,
        Ok(Err(status)) => return Err(refused(connect::judge(status))),
        Err(late) => return Err(End::Lost(late.into())),
    };
    let nonsense = |Nonsense(what)| End::Fatal(WorkerError::Nonsense { address, what });
    let welcome = first.and_then(|message| message.welcome);
    let welcome = welcome.ok_or_else(|| nonsense(Nonsense("no welcome")))?;
    let work = welcome.work.unwrap_or_default();
    worker.begin_work(&work)?;

    let milliseconds = |ms: u32| Duration::from_millis(ms.into());
    let renewal = Renewal::new(
        milliseconds(welcome.lease_milliseconds),
        milliseconds(welcome.lease_margin_milliseconds),
    );
    let heartbeat_every = milliseconds(welcome.heartbeat_milliseconds.max(1));
    let session = Session {
        term: Arc::new(Term::new(hello_sent, renewal.good_for())),
        renewal,
        heartbeat_every,
        next_heartbeat: hello_sent + heartbeat_every,
        said_goodbye: false,
        worker,
    };
    Ok((session, inbound, outbound))
}

impl Session<'_> {
    async fn serve(
        mut self,
        mut inbound: Streaming<v1::MasterMessage>,
        outbound: mpsc::Sender<v1::WorkerMessage>,
        shutdown: &mut mpsc::Receiver<Shutdown>,
    ) -> End {
        self.worker.leases.opened(Taking::Yes);
        self.worker.outbox.keep_committed();
        let mut events = Vec::with_capacity(BATCH);
        loop {
            self.settle();
            if self.said_goodbye && self.worker.outbox.is_empty() {
                break;
            }
            let alarm = self.next_alarm();
            tokio::select! {
                biased;
                Some(wish) = shutdown.recv() => match wish {
                    Shutdown::MasterGone => return End::MasterGone,
                    Shutdown::Leave => self.leave(Leaving::Finish),
                },
                () = sleep_until(alarm.into()) => self.look_at_the_clock(),
                message = inbound.message() => match message {
                    Ok(Some(message)) => if let Err(Nonsense(what)) = self.message(message) {
                        let address = self.worker.config.master.master;
                        return End::Fatal(WorkerError::Nonsense { address, what });
                    },
                    Ok(None) => return End::Lost("the master ended the session".into()),
                    Err(status) => return End::Lost(Box::new(status)),
                },
                _ = self.worker.events.recv_many(&mut events, BATCH) => {
                    for event in events.drain(..) {
                        if let Err(end) = self.event(event) {
                            return end;
                        }
                    }
                }
                permit = outbound.reserve(), if !self.worker.outbox.is_empty() => match permit {
                    Ok(permit) => self.send(permit),
                    Err(closed) => return End::Lost(closed.into()),
                },
            }
        }
        // The stream ends with the goodbye. That the master ends its side shows that it saw it.
        drop(outbound);
        let ended = async { while let Ok(Some(_)) = inbound.message().await {} };
        let _ = timeout(GOODBYE_LIMIT, ended).await;
        End::Left
    }

    fn send(&mut self, permit: mpsc::Permit<'_, v1::WorkerMessage>) {
        let message = self.worker.outbox.take();
        let reports = message.reports.len();
        permit.send(message);
        for _ in 0..reports {
            store::failpoint::hit("worker::reported");
        }
    }

    /// What follows from whatever changed: work for slots, credit, a goodbye.
    fn settle(&mut self) {
        let worker = &mut *self.worker;
        while let Some((slot, leases)) = worker.leases.hand_out() {
            if let Some(slot) = worker.slots.get(slot) {
                slot.give(leases);
            }
        }
        // Whoever has lost touch with the master asks for nothing.
        if self.term.is_good(Instant::now()) {
            worker.outbox.credit(worker.leases.credit());
        }
        if worker.leaving.is_some() && worker.leases.is_empty() && !self.said_goodbye {
            self.said_goodbye = true;
            worker.outbox.leaving();
        }
    }

    fn next_alarm(&self) -> Instant {
        if self.worker.leases.is_empty() {
            return self.next_heartbeat;
        }
        self.next_heartbeat.min(self.term.good_until())
    }

    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        self.expire(now);
        if now >= self.next_heartbeat {
            self.next_heartbeat = now + self.heartbeat_every;
            let number = self.renewal.next(now);
            self.worker.leases.pace(now);
            let progress = self.worker.leases.progress();
            self.worker.outbox.heartbeat(number, progress);
        }
    }

    /// Gives everything up that the master may have given to somebody else by now.
    fn expire(&mut self, now: Instant) {
        if self.term.is_good(now) || self.worker.leases.is_empty() {
            return;
        }
        let gone = self.worker.leases.release_all();
        log::warn!(
            run = self.worker.config.run.as_str(), worker = self.worker.config.instance.as_str();
            "the master was silent for too long: {} leases are given back", gone.len(),
        );
        self.give_back(gone);
    }

    fn message(&mut self, message: v1::MasterMessage) -> Result<(), Nonsense> {
        let now = Instant::now();
        if message.heartbeat > 0 {
            // What was not renewed in time is not revived by an answer that came late.
            self.expire(now);
            if let Some(good_until) = self.renewal.answered(message.heartbeat) {
                self.term.renew(good_until);
            }
        }
        let taking = self.worker.leaving.is_none() && self.term.is_good(now);
        for lease in message.leases {
            let id = convert::lease_id(lease.shard, lease.epoch.as_ref())?;
            store::failpoint::hit("worker::leased");
            let attempt = Arc::new(Attempt::new(id, self.term.clone()));
            if taking {
                self.worker.leases.granted(attempt, lease);
            } else {
                self.worker.leases.refused();
                self.worker.outbox.released(id);
            }
        }
        for revoked in message.revoked {
            let id = convert::lease_id(revoked.shard, revoked.epoch.as_ref())?;
            log::debug!(shard = id.shard, epoch = id.counter; "revoked");
            if let Some(gone) = self.worker.leases.revoked(id) {
                self.worker.interrupt(gone);
            }
        }
        match v1::DrainMode::try_from(message.drain) {
            Ok(v1::DrainMode::None) => {}
            Ok(v1::DrainMode::Finish) => self.leave(Leaving::Finish),
            Ok(v1::DrainMode::Release) => self.leave(Leaving::Release),
            Err(_) => return Err(Nonsense("an unknown way to drain")),
        }
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), End> {
        let worker = &mut *self.worker;
        match event {
            Event::Wants { slot, leases } => worker.leases.wanted(slot, leases),
            Event::Started { id, charts } => {
                if worker.leases.holds(id) {
                    worker.outbox.started(id, charts);
                }
            }
            Event::Ended(ended) => {
                for (attempt, outcome) in ended {
                    let id = attempt.id();
                    let held = worker.leases.ended(id);
                    if let Outcome::Failed(kind, cause) = &outcome {
                        log::warn!(shard = id.shard, epoch = id.counter; "an attempt failed ({kind:?}): {cause}");
                    }
                    match outcome {
                        Outcome::Dropped if held => worker.outbox.released(id),
                        // In the store it is, whoever held the lease at last.
                        Outcome::Committed(_) => worker.outbox.ended(id, outcome),
                        outcome if held => worker.outbox.ended(id, outcome),
                        _ => {}
                    }
                }
            }
            Event::Broken(why) => {
                if !matches!(worker.leaving, Some(Leaving::Broken(_))) {
                    log::error!(
                        run = worker.config.run.as_str(), worker = worker.config.instance.as_str();
                        "the engine does not work here: {why}"
                    );
                    self.leave(Leaving::Broken(why));
                }
            }
            Event::Died(what) => return Err(End::Fatal(WorkerError::SlotDied { what })),
        }
        Ok(())
    }

    /// From now on the worker is about to leave. A stronger wish replaces a weaker one.
    fn leave(&mut self, how: Leaving) {
        let worker = &mut *self.worker;
        worker.leases.take_no_more();
        if let Leaving::Broken(why) = &how {
            worker.outbox.engine_broken(why);
        }
        let gone = match how {
            Leaving::Finish => worker.leases.release_waiting(),
            Leaving::Release | Leaving::Broken(_) => worker.leases.release_all(),
        };
        if worker.leaving.as_ref().is_none_or(|before| *before < how) {
            worker.leaving = Some(how);
        }
        self.give_back(gone);
    }

    fn give_back(&mut self, gone: Vec<Gone>) {
        for gone in gone {
            self.worker.outbox.released(gone.id);
            self.worker.interrupt(gone);
        }
    }
}
