//! A slot: runs one attempt at a time, on threads of its own.
//!
//! ```text
//!   leases ─► reading ─ chunks of charts ─► coding ─ endings ─► creating ─► the store
//!                └────────────┴── events: wants, started, ended ──┘
//! ```
//!
//! Each stage waits for the next when that is behind, so what a slot holds is bounded. While
//! the engine works on one shard, the next is being read and the last is being synced.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use intake::ReadOptions;
use proto::v1;
use results::EndingWriter;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::attempt::{Attempt, LeaseId};
use crate::coding::Coding;
use crate::ending::{self, Counts, Endings, FailureKind, Finished, Outcome};
use crate::engine::Cancel;
use crate::engines::Engines;
use crate::error::{WorkerError, chain};
use crate::panics;
use crate::reading::{CHUNKS_AHEAD, Reading};

/// Endings that may wait to be created, beside those that are being created.
const ENDINGS_AHEAD: usize = 2;

/// Leases that the engine without work takes at once: it has nothing to bound.
const NOOP_BATCH: usize = 128;

/// What a slot works on.
pub(crate) type Leased = (Arc<Attempt>, v1::Lease);
pub(crate) type Inbox = Receiver<Vec<Leased>>;

/// What slots tell the session.
#[derive(Debug)]
pub(crate) enum Event {
    /// The slot has room for that many leases.
    Wants {
        slot: usize,
        leases: usize,
    },
    /// The engine begins. `charts` is exact up to 1, and otherwise at least as many.
    Started {
        id: LeaseId,
        charts: u64,
    },
    Ended(Vec<(Arc<Attempt>, Outcome)>),
    /// The engine works on nothing: why.
    Broken(String),
    /// A bug: a stage ended by a panic, there.
    Died(String),
}

/// The way to the session.
#[derive(Debug, Clone)]
pub(crate) struct Events(pub(crate) mpsc::UnboundedSender<Event>);

/// What all slots of a worker share.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) input_root: std::path::PathBuf,
    pub(crate) options: ReadOptions,
    pub(crate) engines: Engines,
    pub(crate) endings: Endings,
    pub(crate) events: Events,
    pub(crate) runtime: Handle,
}

/// The session's end of a slot.
#[derive(Debug)]
pub(crate) struct Slot {
    inbox: Sender<Vec<Leased>>,
    cancel: Arc<Cancel>,
    threads: Vec<JoinHandle<()>>,
}

impl Events {
    /// Nobody listens when the worker ends.
    pub(crate) fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }
}

impl Slot {
    /// Starts the threads of slot `number`. They end when the slot is dropped.
    pub(crate) fn start(number: usize, shop: &Arc<Workshop>) -> Result<Slot, WorkerError> {
        let failed = |source| WorkerError::Start {
            what: "a slot",
            source,
        };
        let cancel = Arc::new(Cancel::new().map_err(failed)?);
        let (inbox, leases) = channel();
        let mut threads = Vec::new();
        let mut stage = |name: &str, work: Box<dyn FnOnce(&Workshop) + Send>| {
            let shop = shop.clone();
            let thread = Builder::new().name(format!("{name}-{number}"));
            let spawned = thread.spawn(move || {
                if let Err(place) = panics::caught(|| work(&shop)) {
                    shop.events.send(Event::Died(place));
                }
            });
            threads.push(spawned.map_err(failed)?);
            Ok::<(), WorkerError>(())
        };
        if shop.engines.is_noop() {
            stage("noop", Box::new(move |shop| shop.end_all(number, &leases)))?;
        } else {
            let (chunks, read) = sync_channel(CHUNKS_AHEAD);
            let (used, reused) = channel();
            let (coded, finished) = sync_channel(ENDINGS_AHEAD);
            let interrupt = cancel.clone();
            stage(
                "read",
                Box::new(move |shop| shop.reading().read_all(number, &leases, &chunks, &reused)),
            )?;
            stage(
                "code",
                Box::new(move |shop| {
                    shop.coding(&interrupt)
                        .code_all(number, &read, &used, &coded);
                }),
            )?;
            stage(
                "create",
                Box::new(move |shop| {
                    ending::create_all(&shop.endings, &finished, &shop.events, &shop.runtime);
                }),
            )?;
        }
        Ok(Slot {
            inbox,
            cancel,
            threads,
        })
    }

    /// Gives the slot work that it asked for.
    pub(crate) fn give(&self, leases: Vec<Leased>) {
        // A slot that died has said so.
        let _ = self.inbox.send(leases);
    }

    /// Interrupts the chart at hand. The attempt must have been voided before.
    pub(crate) fn interrupt(&self) {
        self.cancel.cancel();
    }

    /// Takes no more work; the threads end, each after what it is at.
    pub(crate) fn stop(self) -> Vec<JoinHandle<()>> {
        self.cancel.cancel();
        self.threads
    }
}

impl Workshop {
    fn reading(&self) -> Reading<'_> {
        Reading {
            input_root: &self.input_root,
            options: &self.options,
            events: &self.events,
        }
    }

    fn coding<'a>(&'a self, cancel: &'a Arc<Cancel>) -> Coding<'a> {
        Coding {
            engines: &self.engines,
            endings: &self.endings,
            cancel,
            events: &self.events,
        }
    }

    /// The one stage of a slot whose engine reads nothing and finds nothing: ends shard after
    /// shard, with all that a message brought told in one.
    fn end_all(&self, slot: usize, inbox: &Inbox) {
        let wants = Event::Wants {
            slot,
            leases: NOOP_BATCH,
        };
        self.events.send(wants);
        while let Ok(leases) = inbox.recv() {
            self.events.send(Event::Wants {
                slot,
                leases: NOOP_BATCH,
            });
            let mut ended = Vec::with_capacity(leases.len());
            let mut finished = Vec::with_capacity(leases.len());
            for (attempt, _) in leases {
                match self.empty_ending(attempt) {
                    Ok(ending) => finished.push(ending),
                    Err(outcome) => ended.push(outcome),
                }
            }
            let creating = ending::create_some(&self.endings, finished);
            ended.extend(self.runtime.block_on(creating));
            self.events.send(Event::Ended(ended));
        }
    }

    fn empty_ending(&self, attempt: Arc<Attempt>) -> Result<Finished, (Arc<Attempt>, Outcome)> {
        if !(attempt.start() && attempt.coded()) {
            return Err((attempt, Outcome::Dropped));
        }
        let encoded = EndingWriter::new()
            .and_then(|writer| self.endings.encode(attempt.id(), writer, Counts::default()));
        match encoded {
            Ok((bytes, counts)) => Ok(Finished {
                attempt,
                bytes,
                counts,
            }),
            Err(error) => {
                let cause = chain(&error);
                Err((attempt, Outcome::Failed(FailureKind::Engine, cause)))
            }
        }
    }
}
