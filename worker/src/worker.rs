//! What outlives a session: slots, identity, and the wish to leave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{Connector, Identity};
use proto::v1;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::config::Config;
use crate::convert::{self, Nonsense};
use crate::ending::Endings;
use crate::engines::Engines;
use crate::leases::{Gone, Leases};
use crate::outbox::Outbox;
use crate::session::{self, End};
use crate::slot::{Event, Events, Slot, Workshop};
use crate::{Outcome, Shutdown, WorkerError};

/// A worker whose session broke tries for this long to open another. The master waits about
/// as long; when it is gone, the end of the pipe says so much earlier.
const RECONNECT_LIMIT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Threads that are about to end get this long.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// How the worker is about to leave; a later one overrules an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaving {
    /// When what has begun is finished.
    Finish,
    /// Now.
    Release,
    /// Now, because the engine does not work here.
    Broken(String),
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) config: Config,
    pub(crate) connector: Connector,
    pub(crate) leases: Leases<v1::Lease>,
    pub(crate) outbox: Outbox,
    pub(crate) slots: Vec<Slot>,
    pub(crate) leaving: Option<Leaving>,
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    sender: Events,
    /// What the first session said; it is the same for the whole run.
    work: Option<v1::RunWork>,
}

impl Worker {
    pub(crate) fn new(config: Config, identity: &Identity) -> Result<Worker, WorkerError> {
        let connector = Connector::session(config.master.pin, config.run.as_str(), identity)?;
        let (sender, events) = mpsc::unbounded_channel();
        Ok(Worker {
            leases: Leases::new(config.slots, Instant::now()),
            config,
            connector,
            outbox: Outbox::default(),
            slots: Vec::new(),
            leaving: None,
            events,
            sender: Events(sender),
            work: None,
        })
    }

    /// One session after the other, until the worker has left or there is none to be had.
    pub(crate) async fn work(
        &mut self,
        shutdown: &mut mpsc::Receiver<Shutdown>,
    ) -> Result<Outcome, WorkerError> {
        let mut lost: Option<Instant> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let source = match session::work(self, shutdown).await {
                End::Left => return Ok(Outcome::Left),
                End::MasterGone => return Ok(Outcome::MasterGone),
                End::Fatal(error) => return Err(error),
                End::Lost(source) => source,
            };
            log::warn!(
                run = self.config.run.as_str(), worker = self.config.instance.as_str();
                "no session with the master: {}", crate::error::chain(&*source),
            );
            // The master needs no goodbye of a worker that it asked to leave.
            if self.leaving.is_some() {
                return Ok(Outcome::Left);
            }
            if began.elapsed() > LONGEST_PAUSE {
                (lost, pause) = (None, FIRST_PAUSE);
            }
            if lost.get_or_insert_with(Instant::now).elapsed() > RECONNECT_LIMIT {
                let (address, limit) = (self.config.master.master, RECONNECT_LIMIT);
                return Err(WorkerError::MasterLost {
                    address,
                    limit,
                    source,
                });
            }
            tokio::select! {
                end = session::before_session(shutdown) => match end {
                    End::MasterGone => return Ok(Outcome::MasterGone),
                    _ => return Ok(Outcome::Left),
                },
                () = sleep(pause) => pause = (2 * pause).min(LONGEST_PAUSE),
            }
        }
    }

    /// Starts the slots, once it is known what for.
    pub(crate) fn begin_work(&mut self, work: &v1::RunWork) -> Result<(), End> {
        match &self.work {
            Some(known) if known == work => return Ok(()),
            Some(_) => return Err(self.nonsense(Nonsense("other work than before"))),
            None => {}
        }
        let shop = self.workshop(work).map_err(|what| self.nonsense(what))?;
        let shop = Arc::new(shop);
        for number in 0..self.config.slots.max(1) as usize {
            self.slots
                .push(Slot::start(number, &shop).map_err(End::Fatal)?);
        }
        self.work = Some(work.clone());
        Ok(())
    }

    fn workshop(&self, work: &v1::RunWork) -> Result<Workshop, Nonsense> {
        let engine = work.engine.as_ref().ok_or(Nonsense("no engine"))?;
        let reading = work.reading.as_ref().ok_or(Nonsense("no way to read"))?;
        let config = &self.config;
        Ok(Workshop {
            input_root: (&work.input_root).into(),
            options: convert::read_options(reading)?,
            engines: Engines::new(convert::engine(engine, config.runtime_dir.clone())?),
            endings: Endings::new(
                config.run.clone(),
                config.instance.clone(),
                (&work.output_root).into(),
                config.store.clone(),
            ),
            events: self.sender.clone(),
            runtime: Handle::current(),
        })
    }

    fn nonsense(&self, Nonsense(what): Nonsense) -> End {
        let address = self.config.master.master;
        End::Fatal(WorkerError::Nonsense { address, what })
    }

    /// Interrupts the engine that works on a lease that is gone.
    pub(crate) fn interrupt(&self, gone: Gone) {
        if let Some(slot) = gone.interrupt.and_then(|slot| self.slots.get(slot)) {
            slot.interrupt();
        }
    }

    /// Ends the slots, and waits for a moment until their engines are gone.
    pub(crate) async fn stop(mut self) {
        for gone in self.leases.abandon() {
            self.interrupt(gone);
        }
        let threads: Vec<_> = self.slots.drain(..).flat_map(Slot::stop).collect();
        let ended = tokio::task::spawn_blocking(|| {
            for thread in threads {
                // It caught its own panic.
                let _ = thread.join();
            }
        });
        if timeout(STOP_LIMIT, ended).await.is_err() {
            log::warn!("an engine is still at work; it ends with this process");
        }
    }
}
