//! The store: create-once objects under one prefix, and what a run keeps there.
//!
//! Every object is created once and never changed or deleted by us. That one
//! operation, [`Store::create`], carries all of Dayfly's durable state: whoever
//! creates a shard's ending has ended the shard, whoever creates record *n* of the
//! run log has decided what comes *n*-th. There is no lock, no rename, no database.
//!
//! * [`Store`] is the operation; [`DirectoryStore`] does it in a directory.
//! * [`layout`] names every object of a run.
//! * [`run_log`] is the gapless sequence of control records.
//!
//! Keys never hold a chart id or a chart's text; errors and logs may show them.

mod directory;
mod error;
pub mod failpoint;
pub mod layout;
mod nonce;
pub mod run_log;

use std::fmt::Debug;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

pub use directory::DirectoryStore;
pub use error::StoreError;
pub use layout::{RunId, ShardName};
pub use run_log::RunLog;

/// Objects that are created once and stay.
///
/// Keys are ASCII letters, digits and `-_.=` in parts divided by `/`; no part
/// begins with a dot. What a call returned is durable, also when it says that
/// somebody else was first.
#[async_trait]
pub trait Store: Send + Sync + Debug {
    /// Creates the object if no object has this key, durably and whole: a reader
    /// finds all bytes or no object, whenever the writer dies.
    ///
    /// After an error the object may exist or not. A caller that must know looks.
    async fn create(&self, key: &str, bytes: Bytes) -> Result<Created, StoreError>;

    /// The whole object, or `None` where there is none.
    async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Bytes `range` of the object. Reaching past its end, or no such object, is an error.
    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError>;

    /// The object's size in bytes, or `None` where there is none.
    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError>;

    /// Whether the object is there: the cheapest question a store can be asked.
    async fn exists(&self, key: &str) -> Result<bool, StoreError>;

    /// All objects whose key begins with `prefix`, in order of their keys (as bytes).
    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError>;

    /// The names of the folders directly below `prefix` (empty, or ending in `/`),
    /// in order. Reads one level only, however many objects lie below it.
    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError>;
}

/// What [`Store::create`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is ours.
    New,
    /// Somebody was first; nothing changed.
    Exists,
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// Bytes.
    pub size: u64,
}
