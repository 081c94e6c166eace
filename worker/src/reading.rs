//! The first stage of a slot: reads charts ahead of the engine, in chunks.
//!
//! It has a thread of its own, so that no engine waits for a disk or for decompression. What
//! it holds is bounded in bytes, not in shards: a large shard is never in memory as a whole.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use intake::{ReadOptions, ShardReader};
use proto::v1;

use crate::attempt::Attempt;
use crate::convert;
use crate::ending::FailureKind;
use crate::engine::ChartText;
use crate::error::chain;
use crate::panics;
use crate::slot::{Event, Events, Inbox};

/// Bytes of charts that make a chunk full.
const CHUNK_BYTES: usize = 256 * 1024;

/// Chunks that may wait for the engine.
pub(crate) const CHUNKS_AHEAD: usize = 4;

/// A used chunk with more room than this was made for one huge chart: its room is given back.
const KEPT_ROOM: usize = 4 * CHUNK_BYTES;

/// Charts of one shard, one after the other in one buffer.
#[derive(Default)]
pub(crate) struct Chunk {
    /// Which attempt they are for; `None` only in a chunk that waits to be used again.
    pub(crate) attempt: Option<Arc<Attempt>>,
    /// The first chunk of its shard.
    pub(crate) begins: bool,
    /// The last one of its shard, and how reading ended.
    pub(crate) end: Option<ReadEnd>,
    buffer: String,
    charts: Vec<Place>,
}

/// How the reading of a shard ended.
#[derive(Debug)]
pub(crate) enum ReadEnd {
    /// All its charts are in the chunks.
    Whole,
    /// The lease was gone: charts may be missing.
    Gone,
    /// It cannot be read, or not to its end.
    Failed(FailureKind, String),
}

/// Where in the buffer a chart is.
struct Place {
    begin: usize,
    id_ends: usize,
    text_ends: usize,
    meta_ends: Option<usize>,
    unreadable: Option<Cow<'static, str>>,
}

/// A chart of a chunk.
pub(crate) struct Read<'a> {
    pub(crate) chart: ChartText<'a>,
    /// Why there is no text.
    pub(crate) unreadable: Option<&'a str>,
}

/// What reading needs beside the leases.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) input_root: &'a Path,
    pub(crate) options: &'a ReadOptions,
    pub(crate) events: &'a Events,
}

impl Reading<'_> {
    /// The thread: reads the shards of the leases that come until none can come any more.
    pub(crate) fn read_all(
        &self,
        slot: usize,
        inbox: &Inbox,
        chunks: &SyncSender<Chunk>,
        used: &Receiver<Chunk>,
    ) {
        loop {
            self.events.send(Event::Wants { slot, leases: 1 });
            let Ok(leases) = inbox.recv() else { return };
            for (attempt, lease) in leases {
                let mut out = Out {
                    attempt,
                    chunks,
                    used,
                    chunk: Chunk::default(),
                };
                out.begin(true);
                let end = panics::caught(|| self.read(lease, &mut out)).unwrap_or_else(|place| {
                    ReadEnd::Failed(FailureKind::Engine, format!("reading panicked at {place}"))
                });
                if out.pass_on(Some(end)).is_err() {
                    return;
                }
            }
        }
    }

    fn read(&self, lease: v1::Lease, out: &mut Out<'_>) -> ReadEnd {
        let (source, extent) = match convert::source(lease) {
            Ok(read) => read,
            Err(error) => return ReadEnd::Failed(FailureKind::Environment, chain(&error)),
        };
        let mut reader = ShardReader::new(self.input_root, &source, extent, self.options);
        while out.attempt.is_good() {
            match reader.next_chart() {
                Ok(Some(chart)) => out.push(&chart),
                Ok(None) => return ReadEnd::Whole,
                Err(error) => return ReadEnd::Failed(FailureKind::Environment, chain(&error)),
            }
            if out.chunk.buffer.len() >= CHUNK_BYTES {
                if out.pass_on(None).is_err() {
                    return ReadEnd::Gone;
                }
                out.begin(false);
            }
        }
        ReadEnd::Gone
    }
}

/// Where charts go.
struct Out<'a> {
    attempt: Arc<Attempt>,
    chunks: &'a SyncSender<Chunk>,
    used: &'a Receiver<Chunk>,
    chunk: Chunk,
}

/// The engine's thread is gone.
struct NobodyCodes;

impl Out<'_> {
    fn begin(&mut self, begins: bool) {
        let mut chunk = self.used.try_recv().unwrap_or_default();
        chunk.clear();
        chunk.attempt = Some(self.attempt.clone());
        chunk.begins = begins;
        self.chunk = chunk;
    }

    fn push(&mut self, read: &intake::ChartRead<'_>) {
        let Chunk { buffer, charts, .. } = &mut self.chunk;
        let begin = buffer.len();
        buffer.push_str(&read.id);
        let id_ends = buffer.len();
        let mut place = Place {
            begin,
            id_ends,
            text_ends: id_ends,
            meta_ends: None,
            unreadable: None,
        };
        match &read.outcome {
            Ok(chart) => {
                buffer.push_str(&chart.text);
                place.text_ends = buffer.len();
                if let Some(meta) = &chart.meta {
                    buffer.push_str(meta);
                    place.meta_ends = Some(buffer.len());
                }
            }
            Err(reason) => place.unreadable = Some(reason.as_reason()),
        }
        charts.push(place);
    }

    fn pass_on(&mut self, end: Option<ReadEnd>) -> Result<(), NobodyCodes> {
        self.chunk.end = end;
        let full = std::mem::take(&mut self.chunk);
        self.chunks.send(full).map_err(|_| NobodyCodes)
    }
}

impl Chunk {
    pub(crate) fn charts(&self) -> impl Iterator<Item = Read<'_>> {
        self.charts.iter().map(|place| Read {
            chart: ChartText {
                id: &self.buffer[place.begin..place.id_ends],
                text: &self.buffer[place.id_ends..place.text_ends],
                meta: place
                    .meta_ends
                    .map(|ends| &self.buffer[place.text_ends..ends]),
            },
            unreadable: place.unreadable.as_deref(),
        })
    }

    /// How many charts the shard holds: exactly, if this is all of it, or at least this many.
    /// Another chunk means another chart.
    pub(crate) fn charts_known(&self, all: bool) -> u64 {
        self.charts.len() as u64 + u64::from(!all)
    }

    fn clear(&mut self) {
        self.attempt = None;
        self.end = None;
        self.charts.clear();
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_ROOM);
    }
}
