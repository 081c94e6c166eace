//! Charts to code: what an input holds, how it is planned as shards, and how the charts of
//! one shard are read.
//!
//! ```text
//! Input::open ─► Input::list ─► Planner ─► Segment { shards, cursor }      (master)
//!                                ShardSource + extent ─► ShardReader ─► ChartRead   (worker, `dayfly code`)
//! ```
//!
//! Everything here is synchronous, has no clock, and decides nothing about leases. A chart
//! that cannot be read is never an error of this crate: it is a [`ChartRead`] whose outcome
//! is an [`Unreadable`], so that it gets its row and the rest of the run goes on.
//!
//! **Extents.** Every [`ShardSource`](results::plan::ShardSource) has an extent
//! `(begin, end)`, half open, and every chart in it has a position in the same unit:
//!
//! | source | unit | a chart is in the extent when |
//! |---|---|---|
//! | `Files` | index into the list | its index is |
//! | `Lines`, JSON lines or CSV | byte of the file | its line (record) begins there |
//! | `Lines`, compressed | line of the decompressed text, from 0 | its line is |
//!
//! So `(position, position + 1)` is the extent of one chart, and cutting an extent anywhere
//! (CSV: at a record boundary, see [`split_point`]) never loses or doubles a chart.

mod chart_id;
mod csv;
mod encoding;
mod extent;
mod input;
mod jsonl;
mod line_chart;
mod lines;
mod listing;
mod names;
mod options;
mod pinned;
mod planner;
mod reading;
mod records;
mod unreadable;

pub use chart_id::{chart_id_of_path, path_of_chart_id};
pub use csv::CsvColumns;
pub use extent::{ALL_LINES, extent_of, split_point};
pub use input::{Input, InputError};
pub use listing::{Listed, ListedObject, Listing, ObjectKind, Skip, Trouble, TroubleKind};
pub use options::{OptionsError, ReadOptions};
pub use planner::{
    Cursor, KindCount, LineCuts, PlanSummary, Planner, Segment, SegmentBounds, ShardSize,
};
pub use reading::{Chart, ChartRead, ReadError, ShardReader, read_text};
pub use unreadable::Unreadable;
