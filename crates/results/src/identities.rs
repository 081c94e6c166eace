//! How many different charts endings hold, without holding the ids themselves.

use std::hash::Hasher;

use bytes::Bytes;

use crate::ResultsError;
use crate::table::{Table, Values};
use crate::writer::SCHEMA;

/// A 64-bit hash of each different chart id of an ending, ascending. Equal ids have equal
/// hashes in every process of this program version; that two different ids of ten million have
/// the same is a matter of one in a hundred thousand, so the hashes serve to count, not to tell.
///
/// Does not check the ending's checksum, as [`read_rows`](crate::read_rows) does: damage that still
/// decodes is counted as it stands.
///
/// # Errors
/// When the ending cannot be decoded; `object` names it.
pub fn chart_id_hashes(object: &str, bytes: Bytes) -> Result<Vec<u64>, ResultsError> {
    let table = Table::open(object, SCHEMA, bytes)?;
    let mut hashes = Vec::new();
    for group in 0..table.groups() {
        let Values::Text(ids) = table.column(group, 0)? else {
            return Err(table.damaged("its first column is not text"));
        };
        for id in ids.iter().flatten() {
            // Deterministic: this hasher's keys are fixed.
            let mut hasher = std::hash::DefaultHasher::new();
            hasher.write(id.data());
            let hash = hasher.finish();
            // The rows of a chart follow each other.
            if hashes.last() != Some(&hash) {
                hashes.push(hash);
            }
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chart, EndingKind, EndingMeta, EndingWriter};

    #[test]
    fn each_different_id_counts_once() {
        let check = |ids: &[&str], expected: usize| {
            let mut writer = EndingWriter::new().unwrap();
            for chart_id in ids {
                writer
                    .quarantined(
                        Chart {
                            chart_id,
                            meta: None,
                        },
                        "test",
                    )
                    .unwrap();
            }
            let meta = EndingMeta {
                run: "r".parse().unwrap(),
                shard: 1,
                kind: EndingKind::Committed,
                master_epoch: 1,
                lease: 1,
                worker: "w".into(),
                charts: ids.len() as u64,
                charts_quarantined: ids.len() as u64,
                findings: 0,
                reason: None,
                verdict: None,
                children: None,
            };
            let bytes = writer.finish(&meta).unwrap();
            assert_eq!(
                chart_id_hashes("test", bytes).unwrap().len(),
                expected,
                "{ids:?}"
            );
        };
        check(&[], 0);
        check(&["a", "a", "b"], 2);
        check(&["a", "b", "a"], 2);
        assert!(chart_id_hashes("test", Bytes::from_static(b"PAR1")).is_err());
    }
}
