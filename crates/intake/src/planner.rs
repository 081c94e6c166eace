//! Groups what a listing finds into shards, and shards into segments, as it comes: the
//! plan of a million files is never in memory as a whole.

use std::fmt;

use results::plan::{LineFormat, ObjectRef, PlannedShard, ShardSource};

use crate::chart_id::{chart_id_of_path, path_of_chart_id};
use crate::listing::{Listed, ListedObject, ObjectKind};

mod cuts;
mod summary;

pub use cuts::LineCuts;
pub use summary::{KindCount, PlanSummary};

/// How large a shard may grow: whatever limit is reached first ends it. Sized for about a
/// second of work, so that losing one costs little and dispatching them costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardSize {
    /// Bytes as stored.
    pub max_bytes: u64,
    /// Text files in one shard.
    pub max_charts: u64,
}

/// How large a segment may grow. Objects are never divided between segments, and a list of
/// files that was begun is finished, so the number of shards may exceed its bound: by one,
/// or by the pieces of one large line file (at most [`Planner::MAX_PIECES`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentBounds {
    /// Objects in the first segment: small, so that the first lease is granted soon.
    pub first_objects: usize,
    /// Objects in any later segment.
    pub max_objects: usize,
    /// Shards in any segment.
    pub max_shards: usize,
}

/// How far a listing has been planned. Written into the run log as opaque text.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor {
    path: Vec<u8>,
}

/// A batch of shards that is added to the plan by one record.
#[derive(Debug, Clone)]
pub struct Segment {
    /// In about the order of the listing. Empty only if there was nothing to plan.
    pub shards: Vec<PlannedShard>,
    /// Where a later listing goes on; `None` before the first object.
    pub cursor: Option<Cursor>,
    /// Nothing follows.
    pub last: bool,
}

/// Plans an input; an iterator over its segments. At least one is yielded, and exactly the
/// last one says so.
#[derive(Debug)]
pub struct Planner<L, C> {
    listing: L,
    /// Taken from the listing to see whether anything follows.
    ahead: Option<ListedObject>,
    cuts: C,
    size: ShardSize,
    bounds: SegmentBounds,
    workers: u64,
    cursor: Option<Cursor>,
    started: bool,
    done: bool,
    summary: PlanSummary,
}

impl<L: Iterator<Item = Listed>, C: LineCuts> Planner<L, C> {
    /// Pieces that one object is cut into at the most: beyond 64 GiB at the standard size,
    /// pieces grow instead of their number.
    pub const MAX_PIECES: u64 = 16_384;
    /// Shards per worker that a small input is cut into where its charts allow, so that the
    /// last ones end at about the same time.
    pub const SHARDS_PER_WORKER: u64 = 8;
    /// No line file is cut into smaller pieces: opening them would cost more than coding.
    pub const MIN_PIECE_BYTES: u64 = 16 << 10;

    /// Plans what `listing` yields, after `cursor` if it was made to go on there. `workers`
    /// is how many will share the work, for inputs that end within the first segment.
    pub fn new(
        listing: L,
        cuts: C,
        size: ShardSize,
        bounds: SegmentBounds,
        workers: u32,
        cursor: Option<Cursor>,
    ) -> Planner<L, C> {
        Planner {
            listing,
            ahead: None,
            cuts,
            size,
            bounds,
            workers: u64::from(workers.max(1)),
            cursor,
            started: false,
            done: false,
            summary: PlanSummary::default(),
        }
    }

    /// What has been planned so far: all of it, once the last segment is out.
    pub fn summary(&self) -> &PlanSummary {
        &self.summary
    }

    /// Whether the listing is over, with everything but objects counted on the way.
    fn is_over(&mut self) -> bool {
        self.ahead = self.next_object();
        self.ahead.is_none()
    }

    fn next_object(&mut self) -> Option<ListedObject> {
        if let Some(object) = self.ahead.take() {
            return Some(object);
        }
        loop {
            match self.listing.next()? {
                Listed::Object(object) => {
                    self.summary.count_object(&object);
                    return Some(object);
                }
                Listed::Skipped(skip) => self.summary.count_skip(skip),
                Listed::Trouble(trouble) => self.summary.count_trouble(trouble),
            }
        }
    }

    fn first_segment(&mut self) -> Segment {
        let mut objects = Vec::new();
        while objects.len() < self.bounds.first_objects.max(1) && !self.is_over() {
            objects.extend(self.next_object());
        }
        let size = match self.is_over() {
            true => self.size_for_all(&objects),
            false => self.size,
        };
        let mut draft = Draft::new(size);
        for object in objects {
            self.add(&mut draft, object);
        }
        self.finish(draft)
    }

    fn later_segment(&mut self) -> Segment {
        let mut draft = Draft::new(self.size);
        let (max_objects, max_shards) = (self.bounds.max_objects, self.bounds.max_shards);
        while draft.objects < max_objects.max(1) && draft.shards.len() < max_shards.max(1) {
            let Some(object) = self.next_object() else {
                break;
            };
            self.add(&mut draft, object);
        }
        self.finish(draft)
    }

    fn add(&mut self, draft: &mut Draft, listed: ListedObject) {
        self.cursor = Some(Cursor {
            path: listed.object.path.clone(),
        });
        draft.objects += 1;
        match listed.kind {
            ObjectKind::Text => draft.add_file(listed.object),
            ObjectKind::Lines(format) => {
                let cuts = self.cuts_of(&listed.object, format, draft.size.max_bytes);
                draft.add_pieces(&listed, &cuts);
            }
        }
    }

    /// Offsets at which to cut a line file: ascending, inside of it.
    fn cuts_of(&mut self, object: &ObjectRef, format: LineFormat, max_bytes: u64) -> Vec<u64> {
        let pieces = object.size.div_ceil(max_bytes.max(1)).min(Self::MAX_PIECES);
        if pieces < 2 {
            return Vec::new();
        }
        match format {
            LineFormat::JsonlGz | LineFormat::JsonlZst => Vec::new(),
            LineFormat::Jsonl => {
                let piece = object.size.div_ceil(pieces);
                (1..pieces)
                    .map(|n| n * piece)
                    .filter(|&cut| cut < object.size)
                    .collect()
            }
            LineFormat::Csv => self.cuts.csv_cuts(object, object.size.div_ceil(pieces)),
        }
    }

    /// The shard size for an input that is known to the end.
    fn size_for_all(&self, objects: &[ListedObject]) -> ShardSize {
        let shards = self.workers * Self::SHARDS_PER_WORKER;
        let (mut bytes, mut files, mut file_bytes) = (0, 0, 0);
        for listed in objects {
            bytes += listed.object.size;
            if listed.kind == ObjectKind::Text {
                files += 1;
                file_bytes += listed.object.size;
            }
        }
        // One file more than its share, or equal files would make one shard too many.
        let share = bytes.div_ceil(shards) + file_bytes / files.max(1);
        let floor = Self::MIN_PIECE_BYTES.min(self.size.max_bytes);
        ShardSize {
            max_bytes: share.clamp(floor, self.size.max_bytes),
            max_charts: files.div_ceil(shards).clamp(1, self.size.max_charts.max(1)),
        }
    }

    fn finish(&mut self, mut draft: Draft) -> Segment {
        let last = self.is_over();
        draft.close_files();
        self.summary.shards += draft.shards.len() as u64;
        self.summary.segments += 1;
        self.done = last;
        Segment {
            shards: draft.shards,
            cursor: self.cursor.clone(),
            last,
        }
    }
}

impl<L: Iterator<Item = Listed>, C: LineCuts> Iterator for Planner<L, C> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        if self.done {
            return None;
        }
        if self.started {
            return Some(self.later_segment());
        }
        self.started = true;
        Some(self.first_segment())
    }
}

/// A segment in the making.
struct Draft {
    size: ShardSize,
    shards: Vec<PlannedShard>,
    objects: usize,
    files: Vec<ObjectRef>,
    file_bytes: u64,
}

impl Draft {
    fn new(size: ShardSize) -> Draft {
        Draft {
            size,
            shards: Vec::new(),
            objects: 0,
            files: Vec::new(),
            file_bytes: 0,
        }
    }

    fn add_file(&mut self, object: ObjectRef) {
        if !self.files.is_empty() && self.file_bytes + object.size > self.size.max_bytes {
            self.close_files();
        }
        self.file_bytes += object.size;
        self.files.push(object);
        if self.files.len() as u64 >= self.size.max_charts {
            self.close_files();
        }
    }

    fn close_files(&mut self) {
        if !self.files.is_empty() {
            let source = ShardSource::Files(std::mem::take(&mut self.files));
            self.shards.push(PlannedShard {
                source,
                bytes: self.file_bytes,
            });
            self.file_bytes = 0;
        }
    }

    fn add_pieces(&mut self, listed: &ListedObject, cuts: &[u64]) {
        let whole = listed.source();
        let (ShardSource::Lines { object, format, .. }, false) = (&whole, cuts.is_empty()) else {
            self.shards.push(PlannedShard {
                source: whole,
                bytes: listed.object.size,
            });
            return;
        };
        let mut begin = 0;
        for &end in cuts.iter().chain([&object.size]) {
            let (object, format) = (object.clone(), *format);
            let source = ShardSource::Lines {
                object,
                format,
                begin,
                end,
            };
            self.shards.push(PlannedShard {
                source,
                bytes: end - begin,
            });
            begin = end;
        }
    }
}

impl Cursor {
    /// Reads what [`Cursor::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Cursor> {
        path_of_chart_id(text).map(|path| Cursor { path })
    }

    /// Opaque text for the run log. It holds a chart's path: not for logs.
    pub fn to_text(&self) -> String {
        chart_id_of_path(&self.path).into_owned()
    }

    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }
}

/// Shows no path: it is the id of a chart.
impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cursor").finish_non_exhaustive()
    }
}

impl Default for ShardSize {
    fn default() -> Self {
        ShardSize {
            max_bytes: 4 << 20,
            max_charts: 512,
        }
    }
}

impl Default for SegmentBounds {
    fn default() -> Self {
        SegmentBounds {
            first_objects: 4_096,
            max_objects: 65_536,
            max_shards: 4_096,
        }
    }
}

#[cfg(test)]
mod tests;
