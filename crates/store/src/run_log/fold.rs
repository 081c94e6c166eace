//! What a log adds up to, as far as the watchdog needs it. Every record repeats it, so
//! that whoever looks after a run reads one object.

use serde::{Deserialize, Serialize};

use super::{Entry, Order, Outcome, Role};

/// The fold of all records up to one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// The newest claim.
    pub claim: Option<ClaimFold>,
    /// Launches that have not ended: alive and spending, as far as anybody knows.
    pub launches: Vec<OpenLaunch>,
    pub orders: Orders,
    /// Whether there will be no more segments.
    pub closed: bool,
    pub sealed: Option<Outcome>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimFold {
    /// The master epoch: the number of the claim's record.
    pub epoch: u64,
    pub instance: String,
    pub boot_id: String,
    pub process: String,
    pub endings_found: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenLaunch {
    /// The record that holds its parameters.
    pub n: u64,
    pub launch: u32,
    pub role: Role,
    pub token: String,
    /// The slots that have not ended.
    pub slots: Vec<u32>,
}

/// What is ordered now: the newest order of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    pub drain: bool,
    pub abort: bool,
    pub pause: bool,
    /// The number of workers, if one was ever ordered.
    pub workers: Option<u32>,
}

/// An entry that the log does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.why())]
pub enum Refused {
    AfterSeal,
    SegmentAfterClose,
    NoEntries,
    NotFinite,
}

impl Refused {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::AfterSeal => "nothing follows a seal",
            Self::SegmentAfterClose => "no segment follows a close",
            Self::NoEntries => "a record has at least one entry",
            Self::NotFinite => "seconds and costs are finite numbers",
        }
    }
}

impl Fold {
    /// The fold after record `n` with these entries, or why the log does not take them.
    pub(super) fn with(&self, n: u64, entries: &[Entry]) -> Result<Self, Refused> {
        if entries.is_empty() {
            return Err(Refused::NoEntries);
        }
        let mut fold = self.clone();
        for entry in entries {
            fold.add(n, entry)?;
        }
        Ok(fold)
    }

    fn add(&mut self, n: u64, entry: &Entry) -> Result<(), Refused> {
        if self.sealed.is_some() {
            return Err(Refused::AfterSeal);
        }
        match entry {
            Entry::Claim {
                instance,
                boot_id,
                process,
                endings_found,
            } => {
                self.claim = Some(ClaimFold {
                    epoch: n,
                    instance: instance.clone(),
                    boot_id: boot_id.clone(),
                    process: process.clone(),
                    endings_found: *endings_found,
                });
            }
            Entry::Segment { .. } if self.closed => return Err(Refused::SegmentAfterClose),
            Entry::Segment { .. } | Entry::Verdict { .. } => {}
            Entry::Launch {
                launch,
                role,
                slots,
                token,
                ..
            } => self.launches.push(OpenLaunch {
                n,
                launch: *launch,
                role: *role,
                token: token.clone(),
                slots: slots.clone(),
            }),
            Entry::End {
                launch,
                slot,
                seconds,
                cost,
                ..
            } => {
                finite(*seconds, *cost)?;
                self.end(*launch, *slot);
            }
            Entry::Order { order, .. } => self.orders.obey(*order),
            Entry::Close {} => self.closed = true,
            Entry::Seal { seal } => {
                for line in &seal.receipt {
                    finite(line.seconds, line.cost)?;
                }
                self.sealed = Some(seal.outcome);
            }
        }
        Ok(())
    }

    /// A launch is over when it was ended as a whole, or with its last slot.
    fn end(&mut self, launch: u32, slot: Option<u32>) {
        self.launches.retain_mut(|open| {
            if open.launch != launch {
                return true;
            }
            match slot {
                None => false,
                Some(slot) => {
                    open.slots.retain(|s| *s != slot);
                    !open.slots.is_empty()
                }
            }
        });
    }
}

impl Orders {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Drain => self.drain = true,
            Order::Abort => self.abort = true,
            Order::Pause => self.pause = true,
            Order::Resume => self.pause = false,
            Order::Scale { workers } => self.workers = Some(workers),
        }
    }
}

/// JSON has no infinity: it would be written as `null` and be unreadable for ever.
fn finite(seconds: f64, cost: Option<f64>) -> Result<(), Refused> {
    if seconds.is_finite() && cost.is_none_or(f64::is_finite) {
        Ok(())
    } else {
        Err(Refused::NotFinite)
    }
}
