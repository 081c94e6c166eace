//! From the wire to the core's words and back. A message that makes no sense becomes `None`,
//! and ends its session: the peer is another version or worse.

use ledger::{Counts, Epoch, Failure, Outcome, ShardId};
use proto::v1;
use results::plan::{LineFormat, ObjectRef, ShardSource};

use super::work::Said;

/// Everything one message says, in the order in which it is to be believed: what is over
/// before what is wanted.
pub(crate) fn said(message: v1::WorkerMessage) -> Option<Vec<Said>> {
    let mut all = Vec::with_capacity(message.started.len() + message.reports.len() + 4);
    for started in message.started {
        let epoch = epoch(started.epoch?);
        let shard = ShardId(started.shard);
        all.push(Said::Started {
            shard,
            epoch,
            charts: started.charts,
        });
    }
    for report in message.reports {
        let epoch = epoch(report.epoch?);
        let outcome = outcome(report.outcome?)?;
        all.push(Said::Report {
            shard: ShardId(report.shard),
            epoch,
            outcome,
        });
    }
    if let Some(heartbeat) = message.heartbeat {
        let progress = heartbeat
            .progress
            .into_iter()
            .map(|p| Some((ShardId(p.shard), epoch(p.epoch?), p.charts)))
            .collect::<Option<Vec<_>>>()?;
        all.push(Said::Heartbeat {
            number: heartbeat.number,
            progress,
        });
    }
    if message.credit > 0 {
        all.push(Said::Credit(message.credit));
    }
    if !message.engine_broken.is_empty() {
        all.push(Said::EngineBroken(message.engine_broken));
    }
    if message.leaving {
        all.push(Said::Leaving);
    }
    Some(all)
}

pub(crate) fn epoch(epoch: v1::Epoch) -> Epoch {
    Epoch {
        master: epoch.master,
        counter: epoch.counter,
    }
}

pub(crate) fn to_epoch(epoch: Epoch) -> Option<v1::Epoch> {
    Some(v1::Epoch {
        master: epoch.master,
        counter: epoch.counter,
    })
}

fn outcome(outcome: v1::report::Outcome) -> Option<Outcome> {
    use v1::report::Outcome as Wire;
    Some(match outcome {
        Wire::Committed(committed) => Outcome::Committed(Counts {
            charts: committed.charts,
            quarantined: committed.charts_quarantined,
            findings: committed.findings,
        }),
        Wire::AlreadyEnded(_) => Outcome::AlreadyEnded,
        Wire::Released(_) => Outcome::Released,
        Wire::Failed(failed) => {
            let failure = match failed.kind() {
                v1::failed::Kind::Unspecified => return None,
                v1::failed::Kind::Engine => Failure::Engine,
                v1::failed::Kind::Environment => Failure::Environment,
                v1::failed::Kind::DiskFull => Failure::DiskFull,
            };
            Outcome::Failed(failure, failed.cause)
        }
    })
}

pub(crate) fn to_source(source: &ShardSource) -> v1::Source {
    use v1::source::Source as Wire;
    let source = match source {
        ShardSource::Files(files) => Wire::Files(v1::Files {
            objects: files.iter().map(to_object).collect(),
        }),
        ShardSource::Lines {
            object,
            format,
            begin,
            end,
        } => Wire::Lines(v1::Lines {
            object: Some(to_object(object)),
            format: to_format(*format).into(),
            begin: *begin,
            end: *end,
        }),
    };
    v1::Source {
        source: Some(source),
    }
}

fn to_object(object: &ObjectRef) -> v1::Object {
    v1::Object {
        path: object.path.clone().into(),
        size: object.size,
        version: object.version.clone(),
    }
}

fn to_format(format: LineFormat) -> v1::LineFormat {
    match format {
        LineFormat::Jsonl => v1::LineFormat::Jsonl,
        LineFormat::JsonlGz => v1::LineFormat::JsonlGz,
        LineFormat::JsonlZst => v1::LineFormat::JsonlZst,
        LineFormat::Csv => v1::LineFormat::Csv,
    }
}
