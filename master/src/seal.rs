//! The end of a run: every ending is read once, the manifest names them all by digest, and the
//! seal names the manifest. Nothing is appended after it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use results::manifest::{ManifestLine, encode_manifest};
use results::{EndingKind, RunReader};
use store::run_log::{Appended, Counts, Entry, Named, Outcome, ReceiptLine, RunLog, Seal};
use store::{RunId, ShardName, Store, layout};

use crate::error::MasterError;

/// Endings read at a time: hides the latency of the store, and bounds the memory.
const READS_IN_FLIGHT: usize = 4;

/// What the endings in the store add up to.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) counts: Counts,
    pub(crate) manifest: Named,
    /// Charts whose id an earlier chart had: both are kept.
    pub(crate) duplicates: u64,
}

/// Lists and reads all endings, and writes the manifest. Called when no worker is left, so
/// that no ending can come after the listing.
pub(crate) async fn take_inventory(
    run: &RunId,
    store: &Arc<dyn Store>,
) -> Result<Inventory, MasterError> {
    let reader = RunReader::new(store.clone(), run.clone());
    let endings = reader.endings().await?;
    let mut described: Vec<Described> = stream::iter(endings)
        .map(|ending| describe(run.clone(), store.clone(), ending.shard))
        .buffered(READS_IN_FLIGHT)
        .try_collect()
        .await?;
    let duplicates = count_duplicates(&mut described);
    let lines: Vec<ManifestLine> = described.into_iter().map(|d| d.line).collect();
    let counts = count(&lines);
    let (bytes, digest) = encode_manifest(&lines)?;
    let key = layout::manifest(run, &digest);
    let stored = store.create(&key, bytes).await;
    stored.map_err(|source| MasterError::Store {
        run: run.clone(),
        source,
    })?;
    Ok(Inventory {
        counts,
        manifest: Named { key, digest },
        duplicates,
    })
}

/// What the seal will say, but for the inventory.
#[derive(Debug)]
pub(crate) struct Closing {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) receipt: Vec<ReceiptLine>,
    pub(crate) writer: String,
    pub(crate) at: String,
    /// Entries that go into the same record before the seal.
    pub(crate) before: Vec<Entry>,
}

/// Appends the seal, and writes its copy.
pub(crate) async fn seal(
    log: &mut RunLog,
    store: &Arc<dyn Store>,
    inventory: &Inventory,
    closing: Closing,
) -> Result<Seal, MasterError> {
    let seal = Seal {
        outcome: closing.outcome,
        reason: closing.reason,
        counts: inventory.counts.clone(),
        manifest: Some(inventory.manifest.clone()),
        receipt: closing.receipt,
        sealed_at: closing.at.clone(),
    };
    let mut entries = closing.before;
    entries.push(Entry::Seal { seal: seal.clone() });
    match log.append(&closing.writer, &closing.at, entries).await? {
        Appended::Written(_) => {}
        Appended::Lost(_) => {
            return Err(MasterError::AnotherMaster {
                run: log.run().clone(),
                process: None,
            });
        }
    }
    copy(log.run(), store, &seal).await?;
    Ok(seal)
}

/// Writes `seal.json`, which somebody may have done already.
pub(crate) async fn copy(
    run: &RunId,
    store: &Arc<dyn Store>,
    seal: &Seal,
) -> Result<(), MasterError> {
    let bytes = serde_json::to_vec_pretty(seal).map_err(|source| MasterError::Bug {
        run: run.clone(),
        what: format!("the seal is not JSON: {source}"),
    })?;
    let stored = store.create(&layout::seal(run), bytes.into()).await;
    stored.map(|_| ()).map_err(|source| MasterError::Store {
        run: run.clone(),
        source,
    })
}

struct Described {
    line: ManifestLine,
    /// Hashes of its different chart ids.
    ids: Vec<u64>,
}

async fn describe(
    run: RunId,
    store: Arc<dyn Store>,
    shard: ShardName,
) -> Result<Described, MasterError> {
    let key = layout::ending(&run, shard);
    let read = store.read(&key).await;
    let bytes = read.map_err(|source| MasterError::Store {
        run: run.clone(),
        source,
    })?;
    let bytes = bytes.ok_or_else(|| MasterError::Bug {
        run: run.clone(),
        what: format!("{key} was listed and is not there"),
    })?;
    let described = tokio::task::spawn_blocking(move || {
        let meta = results::read_ending_meta(&key, &bytes)?;
        let line = ManifestLine::new(&meta, results::digest(&bytes), bytes.len() as u64);
        let ids = results::chart_id_hashes(&key, bytes)?;
        Ok::<_, results::ResultsError>(Described { line, ids })
    });
    match described.await {
        Ok(described) => Ok(described?),
        Err(_) => Err(MasterError::Bug {
            run,
            what: "reading an ending panicked".to_owned(),
        }),
    }
}

/// Charts beyond the first with the same id.
fn count_duplicates(described: &mut [Described]) -> u64 {
    let charts: u64 = described.iter().map(|d| d.line.charts).sum();
    let mut ids: Vec<u64> = Vec::with_capacity(described.iter().map(|d| d.ids.len()).sum());
    for each in described {
        ids.append(&mut std::mem::take(&mut each.ids));
    }
    ids.sort_unstable();
    ids.dedup();
    charts.saturating_sub(ids.len() as u64)
}

/// Counts what counts: the descendants of a split only if its ending is the split.
fn count(lines: &[ManifestLine]) -> Counts {
    let mut kinds: HashMap<EndingKind, u64> = HashMap::new();
    let mut counts = Counts::default();
    for line in lines {
        *kinds.entry(line.kind).or_default() += 1;
        counts.charts += line.charts;
        counts.charts_quarantined += line.charts_quarantined;
        counts.findings += line.findings;
    }
    let of = |kind| kinds.get(&kind).copied().unwrap_or(0);
    counts.shards_committed = of(EndingKind::Committed);
    counts.shards_split = of(EndingKind::Split);
    counts.shards_quarantined = of(EndingKind::Quarantined);
    counts
}
