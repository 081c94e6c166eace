//! The one task that owns the ledger. It turns each input into a command, asks the core, and
//! carries out the effects in their order: what must be in the log first is appended before
//! anything else happens.
//!
//! ```text
//!   sessions ─┐                       ┌─► log (append, awaited here)
//!   planning ─┤   Input ► Command     ├─► sessions (leases, revocations, drains)
//!   fleet ────┼─► ───────────────► Ledger
//!   admin ────┤             effects ◄─┼─► fleet (launch, terminate)
//!   timer ────┘                       └─► verdicts (spawned; the answer is an Input)
//! ```

mod effects;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{Ended, How, LocalProcesses};
use ledger::{Command, Death, Finish, Ledger, Rejection, ShardId, Timestamp, WorkerId};
use store::RunId;
use store::run_log::{Entry, ReceiptLine, Role, RunLog};
use tokio::sync::{mpsc, oneshot, watch};

use crate::api::admin::Question;
use crate::api::work::{Outbound, Said};
use crate::enrolments::Enrolments;
use crate::error::MasterError;
use crate::plan::Plan;
use crate::planning::{Planned, PlannedSegment};
use crate::recovery::Launches;
use crate::verdicts::Verdicts;
use crate::view::{Pace, RunView};
use store::failpoint;

/// How often time is told to the ledger, and a view of the run is published.
const TICK: Duration = Duration::from_millis(250);

/// Inputs taken at once. More would delay the first answer; fewer would make messages small.
const BATCH: usize = 256;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A worker proved who it is.
    Enrolled(WorkerId),
    /// A session said this, in one message.
    Session(WorkerId, SessionNumber, Vec<Said>),
    /// The ending of a shard is known.
    EndingFound(ShardId, Result<ledger::Ending, MasterError>),
    /// The search for a cut is over.
    CutFound(ShardId, Result<Option<u64>, MasterError>),
    /// A grant could not be made, because the plan could not be read.
    PlanUnreadable(MasterError),
    /// An operator asks or orders.
    Admin(Question),
}

/// Tells the sessions of one worker apart: what an old one says no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionNumber(pub(crate) u64);

/// What the program around the master wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// Ctrl-C: stop without sealing, to go on later.
    Suspend,
}

/// How the run ended for this master, before any seal is written.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) finish: Finish,
    pub(crate) receipt: Vec<ReceiptLine>,
    pub(crate) unlogged: Vec<Entry>,
    pub(crate) view: RunView,
    pub(crate) loops: u64,
}

/// Everything the controller works with; see the module's picture.
#[derive(Debug)]
pub(crate) struct Controller {
    pub(crate) run: RunId,
    pub(crate) log: RunLog,
    pub(crate) ledger: Ledger,
    pub(crate) plan: Arc<Plan>,
    pub(crate) verdicts: Verdicts,
    pub(crate) launches: Launches,
    pub(crate) fleet: LocalProcesses,
    pub(crate) enrolments: Arc<Enrolments>,
    pub(crate) launch_line: LaunchLine,
    pub(crate) charts_planned: u64,
    pub(crate) view: watch::Sender<RunView>,
    pub(crate) began: Instant,
    pub(crate) writer: String,
    /// For what is spawned: its answers come back as inputs.
    pub(crate) inputs: mpsc::Sender<Input>,
    sessions: BTreeMap<WorkerId, Session>,
    launched_at: BTreeMap<WorkerId, Instant>,
    /// Ends that wait for the next record.
    unlogged: Vec<Entry>,
    receipt: Vec<ReceiptLine>,
    loops: u64,
    /// Whether any lease was granted yet.
    granted: bool,
    finished: Option<Finish>,
}

/// How a worker is started, and what it is told through its pipe.
#[derive(Debug, Clone)]
pub(crate) struct LaunchLine {
    pub(crate) address: String,
    pub(crate) pin: String,
    pub(crate) slots: u32,
    pub(crate) private: std::path::PathBuf,
}

#[derive(Debug)]
struct Session {
    number: SessionNumber,
    outbound: mpsc::UnboundedSender<Vec<Outbound>>,
    /// What this batch of inputs has for it.
    pending: Vec<Outbound>,
}

/// What the controller needs from outside to begin.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) run: RunId,
    pub(crate) log: RunLog,
    pub(crate) ledger: Ledger,
    pub(crate) plan: Arc<Plan>,
    pub(crate) verdicts: Verdicts,
    pub(crate) launches: Launches,
    pub(crate) fleet: LocalProcesses,
    pub(crate) enrolments: Arc<Enrolments>,
    pub(crate) launch_line: LaunchLine,
    pub(crate) charts_planned: u64,
    pub(crate) view: watch::Sender<RunView>,
    pub(crate) began: Instant,
    pub(crate) writer: String,
    pub(crate) inputs: mpsc::Sender<Input>,
}

/// Where inputs come from.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) inputs: mpsc::Receiver<Input>,
    pub(crate) planned: Option<mpsc::Receiver<Planned>>,
    pub(crate) ended: mpsc::UnboundedReceiver<Ended>,
    pub(crate) signals: mpsc::Receiver<StopSignal>,
}

impl Controller {
    pub(crate) fn new(parts: Parts) -> Controller {
        let receipt = parts.launches.receipt.clone();
        Controller {
            run: parts.run,
            log: parts.log,
            ledger: parts.ledger,
            plan: parts.plan,
            verdicts: parts.verdicts,
            launches: parts.launches,
            fleet: parts.fleet,
            enrolments: parts.enrolments,
            launch_line: parts.launch_line,
            charts_planned: parts.charts_planned,
            view: parts.view,
            began: parts.began,
            writer: parts.writer,
            inputs: parts.inputs,
            sessions: BTreeMap::new(),
            launched_at: BTreeMap::new(),
            unlogged: Vec::new(),
            receipt,
            loops: 0,
            granted: false,
            finished: None,
        }
    }

    /// Works until the ledger says that nothing is left to do.
    pub(crate) async fn run(
        mut self,
        mut sources: Sources,
    ) -> Result<(Finished, RunLog), MasterError> {
        let mut pace = Pace::new(&self.ledger, self.now());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut batch = Vec::with_capacity(BATCH);
        self.obey_earlier_orders().await?;
        self.tell(Command::Begin).await?;
        while self.finished.is_none() {
            let planned = async {
                match &mut sources.planned {
                    Some(planned) => planned.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(signal) = sources.signals.recv() => match signal {
                    StopSignal::Suspend => {
                        // A second one ends the process; there is nothing to refuse here.
                        self.tell(Command::Order(ledger::Order::Suspend)).await?;
                    }
                },
                Some(ended) = sources.ended.recv() => self.instance_ended(ended).await?,
                _ = ticks.tick() => {
                    self.tell(Command::Tick).await?;
                    self.publish(&mut pace);
                }
                planned = planned => match planned {
                    Some(planned) => self.planned(planned, &mut sources.planned).await?,
                    None => sources.planned = None,
                },
                count = sources.inputs.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return Err(self.bug("nobody is left to tell the controller anything"));
                    }
                    for input in batch.drain(..) {
                        self.input(input).await?;
                    }
                }
            }
            self.flush().await?;
        }
        self.publish(&mut pace);
        let view = self.view.borrow().clone();
        let finish = self.finished.take().unwrap_or(Finish::Suspend);
        let finished = Finished {
            finish,
            receipt: self.receipt,
            unlogged: self.unlogged,
            view,
            loops: self.loops,
        };
        Ok((finished, self.log))
    }

    async fn input(&mut self, input: Input) -> Result<(), MasterError> {
        match input {
            Input::Enrolled(worker) => self.tell(Command::Enrolled(worker)).await,
            Input::Session(worker, number, said) => {
                for said in said {
                    self.session_said(worker, number, said).await?;
                }
                Ok(())
            }
            Input::EndingFound(shard, ending) => {
                self.tell(Command::EndingFound(shard, ending?)).await
            }
            Input::CutFound(shard, cut) => self.tell(Command::CutFound(shard, cut?)).await,
            Input::PlanUnreadable(error) => Err(error),
            Input::Admin(question) => self.admin(question).await,
        }
    }

    async fn session_said(
        &mut self,
        worker: WorkerId,
        number: SessionNumber,
        said: Said,
    ) -> Result<(), MasterError> {
        if let Said::Opened { slots, outbound } = said {
            let opened = self.decide_first(Command::SessionOpened { worker, slots }, |this| {
                let session = Session {
                    number,
                    outbound,
                    pending: Vec::new(),
                };
                this.sessions.insert(worker, session);
            });
            return opened.await;
        }
        if self
            .sessions
            .get(&worker)
            .is_none_or(|session| session.number != number)
        {
            return Ok(());
        }
        match said {
            Said::Opened { .. } => {}
            Said::Credit(credit) => self.tell(Command::Credit(worker, credit)).await?,
            Said::Started {
                shard,
                epoch,
                charts,
            } => {
                self.tell(Command::Started {
                    worker,
                    shard,
                    epoch,
                    charts,
                })
                .await?;
            }
            Said::Report {
                shard,
                epoch,
                outcome,
            } => {
                self.tell(Command::Report {
                    worker,
                    shard,
                    epoch,
                    outcome,
                })
                .await?;
            }
            Said::Heartbeat { number, progress } => {
                if self
                    .decide(Command::Heartbeat { worker, progress })
                    .await?
                    .is_ok()
                {
                    self.send(worker, Outbound::Renewed(number));
                }
            }
            Said::EngineBroken(reason) => {
                log::error!(run = self.run.as_str(), worker:% = worker; "the engine does not work: {reason}");
                self.tell(Command::EngineBroken(worker, reason)).await?;
            }
            Said::Leaving => self.tell(Command::Leaving(worker)).await?,
            Said::Broken => {
                self.sessions.remove(&worker);
                self.tell(Command::SessionBroken(worker)).await?;
            }
        }
        Ok(())
    }

    async fn planned(
        &mut self,
        planned: Planned,
        more: &mut Option<mpsc::Receiver<Planned>>,
    ) -> Result<(), MasterError> {
        match planned {
            Planned::Segment(segment) => self.add_segment(segment).await,
            Planned::Closed { loops } => {
                self.loops = loops;
                *more = None;
                self.append(vec![Entry::Close {}]).await?;
                self.tell(Command::ClosePlan).await
            }
            Planned::Failed(error) => Err(error),
        }
    }

    async fn add_segment(&mut self, segment: PlannedSegment) -> Result<(), MasterError> {
        let first_shard = self.ledger.next_shard().0;
        let shards = u32::try_from(segment.shards.len())
            .map_err(|_| self.bug("a segment has more than 2^32 shards"))?;
        let entry = Entry::Segment {
            digest: segment.digest.clone(),
            first_shard,
            shards,
            charts: segment.charts,
            bytes: segment.bytes,
            through: segment.through.map(Into::into),
        };
        self.append(vec![entry]).await?;
        failpoint::hit("master::segment-appended");
        self.plan.add(first_shard, segment.digest).await;
        self.charts_planned += segment.charts;
        self.tell(Command::AddSegment(segment.shards)).await
    }

    async fn instance_ended(&mut self, ended: Ended) -> Result<(), MasterError> {
        let Some(worker) = crate::worker_id(&ended.instance) else {
            return Err(self.bug("an instance ended that is no worker"));
        };
        self.enrolments.forget(&ended.instance);
        let launch = self.launches.open.remove(&worker.0).unwrap_or_default();
        let seconds = self
            .launched_at
            .remove(&worker)
            .map_or(0.0, |at| at.elapsed().as_secs_f64());
        let line = ReceiptLine {
            instance: Some(ended.instance.clone()),
            role: Role::Worker,
            launch,
            slot: worker.0,
            state: "ended".to_owned(),
            reason: ended.reason.clone(),
            seconds,
            cost: None,
        };
        self.unlogged.push(end_entry(&line));
        self.receipt.push(line);
        let reason = ended.reason;
        let death = match ended.how {
            How::Left => Death::None,
            How::Failed | How::Killed => Death::Blameless,
            How::Crashed => Death::AtWork,
        };
        log::info!(run = self.run.as_str(), worker:% = worker; "worker process {reason}");
        self.tell(Command::InstanceEnded {
            worker,
            reason,
            death,
        })
        .await?;
        Ok(())
    }

    async fn admin(&mut self, question: Question) -> Result<(), MasterError> {
        match question {
            Question::Look(answer) => answer(&self.ledger, self.now(), &self.fleet),
            Question::Order { order, by, reply } => {
                let answer = self.order(order, by).await?;
                // An operator who does not wait for the answer has been obeyed all the same.
                let _ = reply.send(answer);
            }
        }
        Ok(())
    }

    /// What an operator ordered of an earlier master holds for this one too. Before anything is
    /// launched.
    async fn obey_earlier_orders(&mut self) -> Result<(), MasterError> {
        let orders = self.log.fold().orders;
        if orders.drain {
            self.tell(Command::Order(ledger::Order::Drain)).await?;
        }
        if orders.abort {
            self.tell(Command::Order(ledger::Order::Abort)).await?;
        }
        Ok(())
    }

    /// Appends an order and obeys it: the record's number, or that it is too late.
    async fn order(
        &mut self,
        order: ledger::Order,
        by: String,
    ) -> Result<Result<u64, Rejection>, MasterError> {
        if !self.ledger.would_obey(order) {
            return Ok(Err(Rejection::TooLate));
        }
        let entry = match order {
            ledger::Order::Drain => store::run_log::Order::Drain,
            ledger::Order::Abort => store::run_log::Order::Abort,
            ledger::Order::Suspend => return Ok(Err(Rejection::OutOfTurn)),
        };
        let record = self.append(vec![Entry::Order { order: entry, by }]).await?;
        failpoint::hit("master::order-appended");
        let answer = self.decide(Command::Order(order)).await?;
        Ok(answer.map(|()| record))
    }

    /// Tells the ledger what happened. That it has no use for it any more is no error.
    async fn tell(&mut self, command: Command) -> Result<(), MasterError> {
        self.decide(command).await.map(|_| ())
    }

    /// Decides, and carries out what follows. A rejection is an answer, not an error.
    async fn decide(&mut self, command: Command) -> Result<Result<(), Rejection>, MasterError> {
        let now = self.now();
        match self.ledger.decide(command, now) {
            Ok(effects) => {
                if !effects.is_empty() {
                    self.carry_out(effects).await?;
                }
                Ok(Ok(()))
            }
            Err(rejection) => Ok(Err(rejection)),
        }
    }

    /// The same, with something to do between the decision and its effects.
    async fn decide_first(
        &mut self,
        command: Command,
        between: impl FnOnce(&mut Self),
    ) -> Result<(), MasterError> {
        let now = self.now();
        if let Ok(effects) = self.ledger.decide(command, now) {
            between(self);
            self.carry_out(effects).await?;
        }
        Ok(())
    }

    fn publish(&mut self, pace: &mut Pace) {
        let now = self.now();
        let view = pace.look(self.run.as_str(), &self.ledger, self.charts_planned, now);
        self.view.send_replace(view);
    }

    fn now(&self) -> Timestamp {
        let elapsed = self.began.elapsed().as_millis();
        Timestamp(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    fn bug(&self, what: &str) -> MasterError {
        MasterError::Bug {
            run: self.run.clone(),
            what: what.to_owned(),
        }
    }
}

/// The end of an instance, for the log.
pub(crate) fn end_entry(line: &ReceiptLine) -> Entry {
    Entry::End {
        launch: line.launch,
        slot: Some(line.slot),
        instance: line.instance.clone(),
        state: line.state.clone(),
        reason: line.reason.clone(),
        seconds: line.seconds,
        cost: line.cost,
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Asks the ledger something from outside: runs on the controller's task, and answers at once.
pub(crate) type Look = Box<dyn FnOnce(&Ledger, Timestamp, &LocalProcesses) + Send>;

/// The answer to an order.
pub(crate) type OrderReply = oneshot::Sender<Result<u64, Rejection>>;
