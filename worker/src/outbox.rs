//! What is ready to be told to the master: everything in one message. Pure.

use proto::v1;

use crate::attempt::LeaseId;
use crate::ending::{Counts, FailureKind, Outcome};

/// The next message.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    message: v1::WorkerMessage,
    filled: bool,
}

impl Outbox {
    /// The engine began on a lease.
    pub(crate) fn started(&mut self, id: LeaseId, charts: u64) {
        self.filled = true;
        self.message.started.push(v1::Started {
            shard: id.shard,
            epoch: epoch(id),
            charts,
        });
    }

    /// An attempt ended. That it had begun need not be told any more, if it was not yet.
    pub(crate) fn ended(&mut self, id: LeaseId, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Dropped => return,
            Outcome::Committed(counts) => v1::report::Outcome::Committed(committed(counts)),
            Outcome::AlreadyEnded => v1::report::Outcome::AlreadyEnded(true),
            Outcome::Failed(kind, cause) => v1::report::Outcome::Failed(v1::Failed {
                kind: failed(kind).into(),
                cause,
            }),
        };
        self.report(id, outcome);
    }

    /// A lease is given back unfinished.
    pub(crate) fn released(&mut self, id: LeaseId) {
        self.report(id, v1::report::Outcome::Released(true));
    }

    pub(crate) fn credit(&mut self, credit: u32) {
        self.filled |= credit > 0;
        self.message.credit += credit;
    }

    /// Replaces a heartbeat that was not sent yet.
    pub(crate) fn heartbeat(
        &mut self,
        number: u64,
        progress: impl Iterator<Item = (LeaseId, u64)>,
    ) {
        self.filled = true;
        let progress = progress.map(|(id, charts)| v1::Progress {
            shard: id.shard,
            epoch: epoch(id),
            charts,
        });
        self.message.heartbeat = Some(v1::Heartbeat {
            number,
            progress: progress.collect(),
        });
    }

    /// The engine does not work here: why.
    pub(crate) fn engine_broken(&mut self, why: &str) {
        self.filled = true;
        self.message.engine_broken = why.to_owned();
    }

    /// The last thing to say.
    pub(crate) fn leaving(&mut self) {
        self.filled = true;
        self.message.leaving = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.filled
    }

    /// Everything that is ready.
    pub(crate) fn take(&mut self) -> v1::WorkerMessage {
        self.filled = false;
        std::mem::take(&mut self.message)
    }

    /// A new session begins. What is in the store is told again; the rest means nothing there.
    pub(crate) fn keep_committed(&mut self) {
        let mut reports = self.take().reports;
        reports.retain(|report| matches!(report.outcome, Some(v1::report::Outcome::Committed(_))));
        self.filled = !reports.is_empty();
        self.message.reports = reports;
    }

    fn report(&mut self, id: LeaseId, outcome: v1::report::Outcome) {
        self.filled = true;
        let epoch = epoch(id);
        self.message
            .started
            .retain(|started| started.epoch != epoch || started.shard != id.shard);
        self.message.reports.push(v1::Report {
            shard: id.shard,
            epoch,
            outcome: Some(outcome),
        });
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a message field is optional on the wire"
)]
fn epoch(id: LeaseId) -> Option<v1::Epoch> {
    Some(v1::Epoch {
        master: id.master_epoch,
        counter: id.counter,
    })
}

fn committed(counts: Counts) -> v1::Committed {
    v1::Committed {
        charts: counts.charts,
        charts_quarantined: counts.charts_quarantined,
        findings: counts.findings,
        bytes: counts.bytes,
    }
}

fn failed(kind: FailureKind) -> v1::failed::Kind {
    match kind {
        FailureKind::Engine => v1::failed::Kind::Engine,
        FailureKind::Environment => v1::failed::Kind::Environment,
        FailureKind::DiskFull => v1::failed::Kind::DiskFull,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: LeaseId = LeaseId {
        shard: 1,
        master_epoch: 2,
        counter: 3,
    };

    #[test]
    fn what_began_and_ended_in_between_is_told_once() {
        let mut outbox = Outbox::default();
        assert!(outbox.is_empty());
        outbox.started(ID, 5);
        outbox.ended(ID, Outcome::AlreadyEnded);
        let message = outbox.take();
        assert_eq!((message.started.len(), message.reports.len()), (0, 1));
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_began_is_told_before_it_ends() {
        let mut outbox = Outbox::default();
        outbox.started(ID, 5);
        outbox.started(LeaseId { shard: 9, ..ID }, 6);
        assert_eq!(outbox.take().started.len(), 2);
        outbox.ended(ID, Outcome::Committed(Counts::default()));
        assert_eq!(outbox.take().reports.len(), 1);
    }

    #[test]
    fn credit_adds_up_and_of_heartbeats_the_last_counts() {
        let mut outbox = Outbox::default();
        outbox.credit(0);
        assert!(outbox.is_empty());
        outbox.credit(2);
        outbox.credit(3);
        outbox.heartbeat(1, std::iter::empty());
        outbox.heartbeat(2, [(ID, 7)].into_iter());
        let message = outbox.take();
        assert_eq!(message.credit, 5);
        let heartbeat = message.heartbeat.unwrap();
        assert_eq!((heartbeat.number, heartbeat.progress[0].charts), (2, 7));
    }

    #[test]
    fn a_new_session_hears_only_of_what_is_in_the_store() {
        let mut outbox = Outbox::default();
        outbox.ended(ID, Outcome::Committed(Counts::default()));
        outbox.released(LeaseId { shard: 9, ..ID });
        outbox.credit(2);
        outbox.keep_committed();
        assert!(!outbox.is_empty());
        let message = outbox.take();
        assert_eq!((message.reports.len(), message.credit), (1, 0));
        assert_eq!(message.reports[0].shard, ID.shard);
        outbox.credit(2);
        outbox.keep_committed();
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_attempt_that_was_dropped_is_not_reported() {
        let mut outbox = Outbox::default();
        outbox.ended(ID, Outcome::Dropped);
        assert!(outbox.is_empty());
    }
}
