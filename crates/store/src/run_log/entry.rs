//! What a record of the run log can say. A field that a reader does not know makes the
//! record unreadable to it: a run is read by the version that wrote it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One entry of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A master process takes the run. Its record's number is the master epoch.
    Claim {
        instance: String,
        boot_id: String,
        process: String,
        /// Endings in the store when it claimed: whether the one before made progress.
        endings_found: u64,
    },
    /// Shards were planned.
    Segment {
        /// SHA-256 (hexadecimal) of the plan file, and its name.
        digest: String,
        first_shard: u32,
        shards: u32,
        /// Exact for files of one chart; estimated for line files.
        charts: u64,
        bytes: u64,
        /// How far the listing was read; `None` where nothing is left of it.
        through: Option<Cursor>,
    },
    /// What the master decided about a shard, before it creates the shard's ending.
    Verdict { shard: u32, verdict: Verdict },
    /// Instances about to be asked for.
    Launch {
        /// The number of this launch within the run.
        launch: u32,
        role: Role,
        slots: Vec<u32>,
        /// What makes a repeated call the same call.
        token: String,
        parameters: BTreeMap<String, String>,
    },
    /// An instance ended, as the cloud (or the operating system) confirmed it.
    End {
        launch: u32,
        /// `None`: the launch as a whole, for example because the call was refused.
        slot: Option<u32>,
        /// `None` where none ever existed.
        instance: Option<String>,
        state: String,
        reason: String,
        seconds: f64,
        /// US dollars; `None` where there is no price.
        cost: Option<f64>,
    },
    /// What an operator ordered; later masters obey it.
    Order { order: Order, by: String },
    /// No more segments.
    Close {},
    /// The last record.
    Seal { seal: Seal },
}

/// How far a listing was read. Opaque here, and not shown: it may hold a path, and a
/// path below the input is a chart id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Cursor {
    fn from(cursor: String) -> Self {
        Self(cursor)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({} bytes)", self.0.len())
    }
}

/// What becomes of a shard that cannot be committed as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    Split {
        children: Vec<Child>,
        /// Charges the children begin with.
        charges: u32,
        cause: String,
    },
    Quarantine {
        reason: String,
        charges: u32,
    },
}

/// A part of a split shard: its number, and which part of the parent it is. Positions
/// are those of the parent's kind: objects of a list, or bytes of a line file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    pub shard: u32,
    pub begin: u64,
    /// Exclusive.
    pub end: u64,
}

/// What an instance was launched as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Master,
    Worker,
}

/// An operator's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// End leasing, seal what there is.
    Drain,
    /// Seal as aborted.
    Abort,
    /// No new leases until resumed.
    Pause,
    Resume,
    /// This many workers.
    Scale {
        workers: u32,
    },
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub counts: Counts,
    /// The list of all endings; `None` only where a run was aborted without its master.
    pub manifest: Option<Named>,
    /// Every instance that was ever launched.
    pub receipt: Vec<ReceiptLine>,
    /// RFC 3339 in UTC.
    pub sealed_at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every chart was coded.
    Complete,
    /// Charts were quarantined, or not reached.
    Partial,
    Aborted,
}

/// What the endings add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Charts with an ending: coded or quarantined.
    pub charts: u64,
    pub charts_quarantined: u64,
    /// Charts planned whose shard has no ending.
    pub charts_unreached: u64,
    pub findings: u64,
    pub shards: u64,
    pub shards_committed: u64,
    pub shards_split: u64,
    pub shards_quarantined: u64,
    /// Leases that were ever worked on.
    pub attempts: u64,
}

/// An object named by its digest, so that it cannot be another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub key: String,
    /// SHA-256 in hexadecimal.
    pub digest: String,
}

/// What became of one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptLine {
    /// `None` where the launch never made one.
    pub instance: Option<String>,
    pub role: Role,
    pub launch: u32,
    pub slot: u32,
    pub state: String,
    pub reason: String,
    pub seconds: f64,
    /// US dollars; `None` where there is no price.
    pub cost: Option<f64>,
}
