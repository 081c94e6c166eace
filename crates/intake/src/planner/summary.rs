//! What a plan amounts to, for `--dry-run`, progress and the exit code.

use std::path::Path;

use results::plan::LineFormat;

use crate::input::InputError;
use crate::listing::{ListedObject, ObjectKind, Skip, Trouble};

/// Counts of a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanSummary {
    /// `.txt` files: as many charts.
    pub text: KindCount,
    /// `.jsonl` files.
    pub jsonl: KindCount,
    /// `.jsonl.gz` files; bytes as stored.
    pub jsonl_gz: KindCount,
    /// `.jsonl.zst` files; bytes as stored.
    pub jsonl_zst: KindCount,
    /// `.csv` files.
    pub csv: KindCount,
    /// Shards planned.
    pub shards: u64,
    /// Segments planned.
    pub segments: u64,
    /// Hidden files and directories passed by.
    pub hidden: u64,
    /// Files of other kinds passed by, and sockets, pipes, devices.
    pub other: u64,
    /// Places that could not be listed. Charts below them are not reached, so a run with
    /// any is not complete.
    pub troubles: u64,
    /// The first few of those places.
    pub first_troubles: Vec<Trouble>,
}

/// Objects of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindCount {
    /// How many.
    pub objects: u64,
    /// Their bytes as stored.
    pub bytes: u64,
}

impl PlanSummary {
    /// How many troubles are kept to be shown.
    pub const TROUBLES_KEPT: usize = 20;

    /// All objects with charts.
    pub fn objects(&self) -> u64 {
        self.kinds().iter().map(|(_, count)| count.objects).sum()
    }

    /// All their bytes.
    pub fn bytes(&self) -> u64 {
        self.kinds().iter().map(|(_, count)| count.bytes).sum()
    }

    /// Each kind by its file name ending, for display.
    pub fn kinds(&self) -> [(&'static str, KindCount); 5] {
        [
            (".txt", self.text),
            (".jsonl", self.jsonl),
            (".jsonl.gz", self.jsonl_gz),
            (".jsonl.zst", self.jsonl_zst),
            (".csv", self.csv),
        ]
    }

    /// Refuses a plan of nothing, once its last segment is out.
    ///
    /// # Errors
    /// [`InputError::Empty`], naming `input` as the user typed it.
    pub fn require_charts(&self, input: &Path) -> Result<(), InputError> {
        if self.objects() > 0 {
            return Ok(());
        }
        let skipped = self.hidden + self.other;
        Err(InputError::Empty {
            path: input.to_owned(),
            skipped,
        })
    }

    pub(super) fn count_object(&mut self, listed: &ListedObject) {
        let count = match listed.kind {
            ObjectKind::Text => &mut self.text,
            ObjectKind::Lines(LineFormat::Jsonl) => &mut self.jsonl,
            ObjectKind::Lines(LineFormat::JsonlGz) => &mut self.jsonl_gz,
            ObjectKind::Lines(LineFormat::JsonlZst) => &mut self.jsonl_zst,
            ObjectKind::Lines(LineFormat::Csv) => &mut self.csv,
        };
        count.objects += 1;
        count.bytes += listed.object.size;
    }

    pub(super) fn count_skip(&mut self, skip: Skip) {
        match skip {
            Skip::Hidden => self.hidden += 1,
            Skip::OtherKind | Skip::Special => self.other += 1,
        }
    }

    pub(super) fn count_trouble(&mut self, trouble: Trouble) {
        self.troubles += 1;
        if self.first_troubles.len() < Self::TROUBLES_KEPT {
            self.first_troubles.push(trouble);
        }
    }
}
