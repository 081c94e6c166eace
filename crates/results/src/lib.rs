//! The formats at rest of a run, all of them Parquet: the plan, the endings, the list
//! of endings; and the reader of a run's results.
//!
//! * [`EndingWriter`] makes the ending of a shard; [`read_rows`] reads it back, and
//!   [`EndingMeta`] in its footer says how the shard ended and by whose attempt.
//! * [`plan`] holds the shards of a segment; [`manifest`] lists the endings of a run.
//! * [`RunReader`] finds endings and rows of a run in a store.
//!
//! Any Parquet reader can read the folder of endings of a run as it stands.
//!
//! Rows and paths are patient data: their `Debug` shows none of it, and no error does.

mod ending;
mod error;
mod identities;
pub mod manifest;
mod pages;
pub mod plan;
mod read;
mod reader;
mod rows;
mod stamp;
mod table;
mod words;
mod writer;

pub use ending::{EndingKind, EndingMeta, read_ending_meta};
pub use error::ResultsError;
pub use identities::chart_id_hashes;
pub use read::{Rows, read_rows};
pub use reader::{EndingRef, RunReader};
pub use rows::{Assertion, Chart, Finding, Row, Status, UnknownWord};
pub use writer::EndingWriter;

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hexadecimal: how objects are named where their content counts.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
