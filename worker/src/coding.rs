//! The second stage of a slot: gives one chart after the other to its engine, and makes the
//! rows of a shard into an ending.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use results::{Chart, EndingWriter};

use crate::attempt::Attempt;
use crate::ending::{Counts, Endings, FailureKind, Finished, Outcome};
use crate::engine::{Cancel, ChartEnd, ChartText, Engine, EngineError, Next, Retry};
use crate::engines::Engines;
use crate::error::chain;
use crate::panics;
use crate::reading::{Chunk, Read, ReadEnd};
use crate::slot::{Event, Events};

/// What coding needs beside the charts.
#[derive(Debug)]
pub(crate) struct Coding<'a> {
    pub(crate) engines: &'a Engines,
    pub(crate) endings: &'a Endings,
    pub(crate) cancel: &'a Arc<Cancel>,
    pub(crate) events: &'a Events,
}

/// A shard on its way through the engine.
struct Shard {
    attempt: Arc<Attempt>,
    writer: EndingWriter,
    counts: Counts,
}

/// Why a shard is not coded to its end.
enum Stop {
    /// Its lease is gone.
    Gone,
    /// The attempt failed.
    Failed(FailureKind, String),
    /// The engine works on nothing.
    Broken(String),
}

impl Coding<'_> {
    /// The thread: codes what is read until nothing can come any more.
    pub(crate) fn code_all(
        &self,
        slot: usize,
        chunks: &Receiver<Chunk>,
        used: &Sender<Chunk>,
        finished: &SyncSender<Finished>,
    ) {
        // At once, not with the first chart: nobody waits for it yet.
        let mut engine = match self.engines.make(slot, self.cancel) {
            Ok(engine) => engine,
            Err(why) => return self.events.send(Event::Broken(why)),
        };
        let mut shard = None;
        while let Ok(mut chunk) = chunks.recv() {
            let end = chunk.end.take();
            let coded = self.code_chunk(engine.as_mut(), &mut shard, &chunk, end.is_some());
            let stop = coded.and_then(|()| match (end, &mut shard) {
                (Some(ReadEnd::Whole), at_work) => match at_work.take() {
                    Some(whole) => self.finish(whole, finished),
                    None => Ok(()),
                },
                (Some(ReadEnd::Gone), Some(_)) => Err(Stop::Gone),
                (Some(ReadEnd::Failed(kind, cause)), Some(_)) => Err(Stop::Failed(kind, cause)),
                // More is to come; or the shard was stopped before.
                (None, _) | (_, None) => Ok(()),
            });
            if let (Err(stop), Some(attempt)) = (stop, chunk.attempt.take()) {
                shard = None;
                self.stopped(attempt, stop);
            }
            // Its reader is gone only when this thread is about to end as well.
            let _ = used.send(chunk);
        }
    }

    /// Codes the charts of a chunk. A shard that was stopped before is passed over.
    fn code_chunk(
        &self,
        engine: &mut dyn Engine,
        shard: &mut Option<Shard>,
        chunk: &Chunk,
        whole: bool,
    ) -> Result<(), Stop> {
        if chunk.begins
            && let Some(attempt) = &chunk.attempt
        {
            *shard = Some(self.begin(attempt, chunk.charts_known(whole))?);
        }
        let Some(shard) = shard else { return Ok(()) };
        for read in chunk.charts() {
            if !shard.attempt.is_good() {
                return Err(Stop::Gone);
            }
            self.code(engine, shard, &read)?;
            shard.attempt.count_chart();
        }
        Ok(())
    }

    fn begin(&self, attempt: &Arc<Attempt>, charts: u64) -> Result<Shard, Stop> {
        // In this order: whoever voids the attempt does so first and interrupts then.
        self.cancel.clear();
        if !attempt.start() {
            return Err(Stop::Gone);
        }
        let id = attempt.id();
        log::debug!(shard = id.shard, epoch = id.counter; "started");
        self.events.send(Event::Started { id, charts });
        store::failpoint::hit("worker::started");
        Ok(Shard {
            attempt: attempt.clone(),
            writer: EndingWriter::new().map_err(engine_fault)?,
            counts: Counts::default(),
        })
    }

    /// One chart becomes rows: of findings, or of the reason why there are none.
    fn code(
        &self,
        engine: &mut dyn Engine,
        shard: &mut Shard,
        read: &Read<'_>,
    ) -> Result<(), Stop> {
        let chart = &read.chart;
        shard.counts.charts += 1;
        let quarantined = match read.unreadable {
            Some(reason) => Some(reason.into()),
            None => match self.ask(engine, shard, chart)? {
                Asked::Done(ChartEnd::Coded { .. }) => return Ok(()),
                Asked::Done(ChartEnd::Quarantined) => None,
                Asked::Panicked(reason) => Some(reason),
            },
        };
        shard.counts.charts_quarantined += 1;
        if let Some(reason) = quarantined {
            let row = Chart {
                chart_id: chart.id,
                meta: chart.meta,
            };
            shard
                .writer
                .quarantined(row, &reason)
                .map_err(engine_fault)?;
        }
        Ok(())
    }

    /// Asks the engine until it has an answer, or has panicked too often.
    fn ask(
        &self,
        engine: &mut dyn Engine,
        shard: &mut Shard,
        chart: &ChartText<'_>,
    ) -> Result<Asked, Stop> {
        let mut retry = Retry::default();
        loop {
            let rows = shard.writer.rows();
            let place = match panics::caught(|| engine.code(chart, &mut shard.writer)) {
                Ok(Ok(end)) => return Ok(Asked::Done(end)),
                Ok(Err(EngineError::Cancelled)) => {
                    // Perhaps it was meant for the attempt before this one.
                    self.cancel.clear();
                    if shard.attempt.is_good() {
                        continue;
                    }
                    return Err(Stop::Gone);
                }
                Ok(Err(EngineError::Broken(broken))) => {
                    return Err(Stop::Broken(broken.to_string()));
                }
                Ok(Err(error @ EngineError::Rows(_))) => return Err(engine_fault(error)),
                Err(place) => place,
            };
            let reason = format!("the engine panicked at {place}");
            if shard.writer.rows() != rows {
                // Some rows of the chart are written: they cannot be taken back.
                return Err(Stop::Failed(FailureKind::Engine, reason));
            }
            if retry.failed() == Next::Quarantine {
                return Ok(Asked::Panicked(reason));
            }
        }
    }

    /// All charts are coded: the ending goes to the next stage.
    fn finish(&self, shard: Shard, finished: &SyncSender<Finished>) -> Result<(), Stop> {
        let Shard {
            attempt,
            writer,
            counts,
        } = shard;
        if !attempt.coded() {
            return Err(Stop::Gone);
        }
        let encoded = self.endings.encode(attempt.id(), writer, counts);
        let (bytes, counts) = encoded.map_err(engine_fault)?;
        // The next stage is gone only when the worker ends.
        let _ = finished.send(Finished {
            attempt,
            bytes,
            counts,
        });
        Ok(())
    }

    fn stopped(&self, attempt: Arc<Attempt>, stop: Stop) {
        let outcome = match stop {
            Stop::Gone => Outcome::Dropped,
            Stop::Failed(kind, cause) => Outcome::Failed(kind, cause),
            Stop::Broken(why) => return self.events.send(Event::Broken(why)),
        };
        self.events.send(Event::Ended(vec![(attempt, outcome)]));
    }
}

enum Asked {
    Done(ChartEnd),
    Panicked(String),
}

fn engine_fault(error: impl std::error::Error) -> Stop {
    Stop::Failed(FailureKind::Engine, chain(&error))
}

#[cfg(test)]
mod tests;
