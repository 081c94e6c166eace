//! The endings that the master creates, and what it reads back: a verdict is carried out by
//! creating the shard's ending, or by finding that an attempt was first.

use std::sync::Arc;

use intake::ReadOptions;
use ledger::{Counts, Ending, Extent, ShardId, Verdict};
use results::{Chart, EndingKind, EndingMeta, EndingWriter};
use store::run_log::Child;
use store::{Created, RunId, ShardName, Store, layout};

use crate::error::MasterError;
use crate::plan::Plan;

/// What it takes to end a shard by verdict.
#[derive(Debug, Clone)]
pub(crate) struct Verdicts {
    pub(crate) run: RunId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) input: intake::Input,
    pub(crate) options: ReadOptions,
    pub(crate) master_epoch: u32,
}

impl Verdicts {
    /// Creates the ending that a recorded verdict asks for, and says what is in the store then.
    pub(crate) async fn carry_out(
        &self,
        shard: ShardId,
        verdict: &Verdict,
        record: u64,
    ) -> Result<Ending, MasterError> {
        let bytes = match verdict {
            Verdict::Split {
                children, cause, ..
            } => {
                let children = children
                    .iter()
                    .map(|(id, extent)| Child {
                        shard: id.0,
                        begin: extent.begin,
                        end: extent.end,
                    })
                    .collect();
                let mut meta = self.meta(shard, EndingKind::Split, record, cause);
                meta.children = Some(children);
                EndingWriter::new()?.finish(&meta)?
            }
            Verdict::Quarantine { extent, reason, .. } => {
                self.quarantined(shard, *extent, reason, record).await?
            }
        };
        let key = layout::ending(&self.run, ShardName(shard.0));
        let created = self.store.create(&key, bytes).await;
        match created.map_err(|source| MasterError::Store {
            run: self.run.clone(),
            source,
        })? {
            Created::New | Created::Exists => self.read(shard).await,
        }
    }

    /// The ending that is in the store.
    pub(crate) async fn read(&self, shard: ShardId) -> Result<Ending, MasterError> {
        let key = layout::ending(&self.run, ShardName(shard.0));
        let meta = EndingMeta::read(self.store.as_ref(), &key).await?;
        let meta = meta.ok_or_else(|| MasterError::Bug {
            run: self.run.clone(),
            what: format!("{key} was said to exist and does not"),
        })?;
        ending(&meta).ok_or_else(|| MasterError::Bug {
            run: self.run.clone(),
            what: format!("{key} is a split without two children"),
        })
    }

    /// Where a shard can be cut in two; `None` when it holds a single chart.
    pub(crate) async fn find_cut(
        &self,
        shard: ShardId,
        extent: Extent,
    ) -> Result<Option<u64>, MasterError> {
        let place = self.plan.find(shard.0).await?;
        let (input, options) = (self.input.clone(), self.options.clone());
        let cut = tokio::task::spawn_blocking(move || {
            let range = (extent.begin, extent.end);
            intake::split_point(input.root(), place.source(), range, &options)
        });
        match cut.await {
            Ok(Ok(cut)) => Ok(cut),
            // What cannot be read cannot be cut either; whoever reads it next says why.
            Ok(Err(_)) => Ok(None),
            Err(_) => Err(MasterError::Bug {
                run: self.run.clone(),
                what: "the search for a cut panicked".to_owned(),
            }),
        }
    }

    /// One row for each chart of the shard, with the reason why it was given up.
    async fn quarantined(
        &self,
        shard: ShardId,
        extent: Extent,
        reason: &str,
        record: u64,
    ) -> Result<bytes::Bytes, MasterError> {
        let place = self.plan.find(shard.0).await?;
        let (this, reason) = (self.clone(), reason.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let mut writer = EndingWriter::new()?;
            let mut charts = 0;
            let range = (extent.begin, extent.end);
            let source = place.source();
            let reader = intake::ShardReader::new(this.input.root(), source, range, &this.options);
            let mut reader = reader;
            while let Ok(Some(chart)) = reader.next_chart() {
                let meta = chart.outcome.as_ref().ok().and_then(|c| c.meta.as_deref());
                writer.quarantined(
                    Chart {
                        chart_id: &chart.id,
                        meta,
                    },
                    &reason,
                )?;
                charts += 1;
            }
            let mut meta = this.meta(shard, EndingKind::Quarantined, record, &reason);
            meta.charts = charts;
            meta.charts_quarantined = charts;
            writer.finish(&meta)
        });
        match written.await {
            Ok(bytes) => Ok(bytes?),
            Err(_) => Err(MasterError::Bug {
                run: self.run.clone(),
                what: "naming the charts of a quarantined shard panicked".to_owned(),
            }),
        }
    }

    fn meta(&self, shard: ShardId, kind: EndingKind, record: u64, reason: &str) -> EndingMeta {
        EndingMeta {
            run: self.run.clone(),
            shard: shard.0,
            kind,
            master_epoch: u64::from(self.master_epoch),
            lease: 0,
            worker: "master".to_owned(),
            charts: 0,
            charts_quarantined: 0,
            findings: 0,
            reason: Some(reason.to_owned()),
            verdict: Some(record),
            children: None,
        }
    }
}

/// What an ending means for the ledger. `None` for a split that does not name two children.
pub(crate) fn ending(meta: &EndingMeta) -> Option<Ending> {
    let counts = Counts {
        charts: meta.charts,
        quarantined: meta.charts_quarantined,
        findings: meta.findings,
    };
    match meta.kind {
        EndingKind::Committed => Some(Ending::Committed(counts)),
        EndingKind::Quarantined => Some(Ending::Quarantined(counts)),
        EndingKind::Split => match meta.children.as_deref() {
            Some([first, second]) => {
                Some(Ending::Split([ShardId(first.shard), ShardId(second.shard)]))
            }
            _ => None,
        },
    }
}
