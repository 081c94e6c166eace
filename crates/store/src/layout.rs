//! Where each object of a run lies: the only place that spells keys.
//!
//! ```text
//! runs/<run>/spec.json                  runs/<run>/index/manifest.parquet
//! runs/<run>/log/<n>.json               runs/<run>/seal.json
//! runs/<run>/plan/<digest>.parquet      runs/<run>/closed.json
//! runs/<run>/shards/<shard>.parquet
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// What to run; created by whoever starts the run.
pub fn spec(run: &RunId) -> String {
    format!("runs/{run}/spec.json")
}

/// The folder of the run log, with its final `/`.
pub fn log_folder(run: &RunId) -> String {
    format!("runs/{run}/log/")
}

/// Record `n` of the run log. The first record is 1; numbers have ten digits, so
/// that keys sort as numbers do.
pub fn record(run: &RunId, n: u64) -> String {
    format!("runs/{run}/log/{n:010}.json")
}

/// The number of the record with this key, if it is the key of a record of `run`.
pub fn record_number(run: &RunId, key: &str) -> Option<u64> {
    let n = key
        .strip_prefix(&log_folder(run))?
        .strip_suffix(".json")?
        .parse()
        .ok()?;
    (record(run, n) == key).then_some(n)
}

/// The shards of one segment, named by the SHA-256 (hexadecimal) of the file.
pub fn plan(run: &RunId, digest: &str) -> String {
    format!("runs/{run}/plan/{digest}.parquet")
}

/// The folder of endings, with its final `/`.
pub fn endings_folder(run: &RunId) -> String {
    format!("runs/{run}/shards/")
}

/// The ending of a shard.
pub fn ending(run: &RunId, shard: ShardName) -> String {
    format!("runs/{run}/shards/{shard}.parquet")
}

/// The shard that the ending with this key ends, if it is one of `run`.
pub fn shard_of_ending(run: &RunId, key: &str) -> Option<ShardName> {
    key.strip_prefix(&endings_folder(run))?
        .strip_suffix(".parquet")?
        .parse()
        .ok()
}

/// The list of all endings. It counts once the seal names it by digest.
pub fn manifest(run: &RunId, digest: &str) -> String {
    format!("runs/{run}/index/manifest-{digest}.parquet")
}

/// The copy of the seal.
pub fn seal(run: &RunId) -> String {
    format!("runs/{run}/seal.json")
}

/// The watchdog's word that the master is gone too.
pub fn closed(run: &RunId) -> String {
    format!("runs/{run}/closed.json")
}

/// All runs in the store, in order of their ids. A run that is just being created
/// may have its folder but no spec yet.
pub async fn runs(store: &dyn Store) -> Result<Vec<RunId>, StoreError> {
    let folders = store.list_folders("runs/").await?;
    Ok(folders
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect())
}

/// The name of a run: `[a-z0-9][a-z0-9-]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not a run id. Names no text: what was typed may be anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run id has 1 to 64 of a-z, 0-9 and '-', and does not begin with '-'")]
pub struct BadRunId;

impl FromStr for RunId {
    type Err = BadRunId;

    fn from_str(text: &str) -> Result<Self, BadRunId> {
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=64).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(fine) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadRunId)
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = BadRunId;

    fn try_from(text: String) -> Result<Self, BadRunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A shard's number within its run, written `s00000042`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardName(pub u32);

impl fmt::Display for ShardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{:08}", self.0)
    }
}

/// Not a shard's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shard is named by 's' and its number in eight digits")]
pub struct BadShardName;

impl FromStr for ShardName {
    type Err = BadShardName;

    fn from_str(text: &str) -> Result<Self, BadShardName> {
        let digits = text.strip_prefix('s').ok_or(BadShardName)?;
        let shard = Self(digits.parse().map_err(|_| BadShardName)?);
        // One spelling each: two names for one shard would be two endings.
        if shard.to_string() == text {
            Ok(shard)
        } else {
            Err(BadShardName)
        }
    }
}

impl From<u32> for ShardName {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_are_checked() {
        let longest = "a".repeat(64);
        for fine in ["a", "0", "2026-run-1", &longest] {
            assert_eq!(fine.parse::<RunId>().unwrap().as_str(), fine);
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", "A", "a/b", "..", "a b", "é", "a\n", &long] {
            assert_eq!(bad.parse::<RunId>(), Err(BadRunId), "{bad:?}");
        }
        assert!(serde_json::from_str::<RunId>("\"A\"").is_err());
    }

    #[test]
    fn shard_names_have_one_spelling() {
        for number in [0, 42, 99_999_999, 100_000_000, u32::MAX] {
            let name = ShardName(number).to_string();
            assert_eq!(name.parse(), Ok(ShardName(number)), "{name}");
        }
        assert_eq!(ShardName(42).to_string(), "s00000042");
        for bad in [
            "s42",
            "s000000042",
            "00000042",
            "s+0000042",
            "s4294967296",
            "s",
            "",
        ] {
            assert_eq!(bad.parse::<ShardName>(), Err(BadShardName), "{bad}");
        }
    }

    #[test]
    fn keys_lead_back_to_their_numbers() {
        let run: RunId = "r1".parse().unwrap();
        assert_eq!(record(&run, 7), "runs/r1/log/0000000007.json");
        assert_eq!(record_number(&run, &record(&run, 7)), Some(7));
        assert_eq!(record_number(&run, "runs/r1/log/7.json"), None);
        assert_eq!(record_number(&run, "runs/r2/log/0000000007.json"), None);
        let key = ending(&run, ShardName(3));
        assert_eq!(key, "runs/r1/shards/s00000003.parquet");
        assert_eq!(shard_of_ending(&run, &key), Some(ShardName(3)));
        assert_eq!(shard_of_ending(&run, "runs/r1/shards/x.parquet"), None);
    }
}
