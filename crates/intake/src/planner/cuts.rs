//! Where to cut the line files that can only be cut after a look inside.

use std::path::Path;

use results::plan::ObjectRef;

use crate::csv::record_cuts;
use crate::input::Input;
use crate::pinned::PinnedFile;

/// Finds record boundaries. The planner itself touches no file.
pub trait LineCuts {
    /// Ascending offsets, each the begin of a record and not of the first, that cut the
    /// CSV file into pieces of about `piece` bytes. None for a file that cannot be read:
    /// whoever gets it as one shard will say why.
    fn csv_cuts(&mut self, object: &ObjectRef, piece: u64) -> Vec<u64>;
}

impl LineCuts for &Input {
    fn csv_cuts(&mut self, object: &ObjectRef, piece: u64) -> Vec<u64> {
        csv_cuts_on_disk(self.root(), object, piece)
    }
}

fn csv_cuts_on_disk(root: &Path, object: &ObjectRef, piece: u64) -> Vec<u64> {
    let Ok(file) = PinnedFile::open(root, object) else {
        return Vec::new();
    };
    record_cuts(file, piece).unwrap_or_default()
}
