//! What the footer of an ending says: how the shard ended, and by whose attempt.

use bytes::Bytes;
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader};
use serde::{Deserialize, Serialize};
use store::run_log::Child;
use store::{RunId, Store, StoreError};

use crate::ResultsError;
use crate::table::guarded;

/// The footer's key of the metadata, a JSON object.
pub(crate) const KEY: &str = "dayfly.ending";

/// Bytes of the footer's tail: its length, and the magic number.
const TAIL: u64 = 8;

/// How much of the end of an ending is read at first: nearly every footer is shorter.
const FIRST_READ: u64 = 16 * 1024;

/// What an ending says about itself. Names no chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndingMeta {
    pub run: RunId,
    pub shard: u32,
    pub kind: EndingKind,
    /// With `lease`, the attempt whose ending this is: how a worker whose reply was lost
    /// recognises its own. For a verdict, the master that created the ending.
    pub master_epoch: u64,
    /// The lease's counter within its master epoch; 0 for a verdict.
    pub lease: u64,
    pub worker: String,
    /// Charts that this ending accounts for; 0 for a split.
    pub charts: u64,
    pub charts_quarantined: u64,
    /// Rows with a code.
    pub findings: u64,
    /// Why the shard was split or quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run log record that holds the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<u64>,
    /// What a split shard became. They count only if named here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<Child>>,
}

/// How a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndingKind {
    Committed,
    Split,
    Quarantined,
}

impl EndingKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Split => "split",
            Self::Quarantined => "quarantined",
        }
    }
}

impl EndingMeta {
    /// Reads only the footer of the ending with this key. `None` where there is none.
    pub async fn read(store: &dyn Store, key: &str) -> Result<Option<Self>, ResultsError> {
        match store.size(key).await? {
            Some(size) => Ok(Some(Self::read_sized(store, key, size).await?)),
            None => Ok(None),
        }
    }

    /// The same where a listing already told the size.
    pub async fn read_sized(store: &dyn Store, key: &str, size: u64) -> Result<Self, ResultsError> {
        let begin = size.saturating_sub(FIRST_READ);
        let mut end = read_range(store, key, begin, size).await?;
        let needed = footer_length(key, &end)?;
        if needed > size {
            return Err(ResultsError::damaged(key, "its footer is longer than it"));
        }
        if needed > size - begin {
            end = read_range(store, key, size - needed, size).await?;
        }
        read_ending_meta(key, &end)
    }
}

/// Reads the metadata from a whole ending, or from its end if that holds the footer.
/// `object` names it in errors. Only the footer is looked at.
pub fn read_ending_meta(object: &str, bytes: &[u8]) -> Result<EndingMeta, ResultsError> {
    let damaged = |why| ResultsError::damaged(object, why);
    let needed = footer_length(object, bytes)?;
    let begin = usize::try_from(needed)
        .ok()
        .and_then(|needed| bytes.len().checked_sub(needed))
        .ok_or_else(|| damaged("its footer is longer than it"))?;
    let tail = bytes.len() - 8;
    let footer = guarded(|| ParquetMetaDataReader::decode_metadata(&bytes[begin..tail]))
        .ok_or_else(|| damaged("its footer cannot be decoded"))?;
    from_footer(object, &footer)
}

pub(crate) fn from_footer(
    object: &str,
    footer: &ParquetMetaData,
) -> Result<EndingMeta, ResultsError> {
    let text = footer
        .file_metadata()
        .key_value_metadata()
        .and_then(|all| all.iter().find(|kv| kv.key == KEY))
        .and_then(|kv| kv.value.as_deref())
        .ok_or_else(|| ResultsError::damaged(object, "it is not an ending"))?;
    serde_json::from_str(text)
        .map_err(|_| ResultsError::damaged(object, "what it says about itself is not understood"))
}

/// Bytes from the beginning of the footer to the end of the file.
fn footer_length(object: &str, end: &[u8]) -> Result<u64, ResultsError> {
    let tail = end
        .last_chunk::<8>()
        .and_then(|tail| FooterTail::try_new(tail).ok())
        .filter(|tail| !tail.is_encrypted_footer())
        .ok_or_else(|| ResultsError::damaged(object, "it is not a Parquet file"))?;
    Ok(tail.metadata_length() as u64 + TAIL)
}

async fn read_range(
    store: &dyn Store,
    key: &str,
    begin: u64,
    end: u64,
) -> Result<Bytes, StoreError> {
    store.read_range(key, begin..end).await
}

impl std::str::FromStr for EndingKind {
    type Err = crate::rows::UnknownWord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Committed, Self::Split, Self::Quarantined]
            .into_iter()
            .find(|k| k.as_str() == word)
            .ok_or(crate::rows::UnknownWord)
    }
}
