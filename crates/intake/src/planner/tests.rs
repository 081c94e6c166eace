//! Plans of made-up listings, and of one real folder.

use proptest::prelude::*;

use super::*;
use crate::input::{Input, InputError};
use crate::listing::{Skip, Trouble, TroubleKind};

/// Cuts as if a record ended at every multiple of ten.
struct Tens;

impl LineCuts for Tens {
    fn csv_cuts(&mut self, object: &ObjectRef, piece: u64) -> Vec<u64> {
        let step = usize::try_from(piece.next_multiple_of(10)).unwrap();
        (0..object.size).step_by(step).skip(1).collect()
    }
}

fn listed(name: &str, size: u64) -> Listed {
    let kind = ObjectKind::of_name(name.as_bytes()).unwrap();
    let object = ObjectRef {
        path: name.into(),
        size,
        version: "v".to_owned(),
    };
    Listed::Object(ListedObject { object, kind })
}

/// `a+b` for a list of files, `name[begin..end]` for lines, `name[..]` for compressed.
fn in_words(segment: &Segment) -> Vec<String> {
    let name = |object: &ObjectRef| String::from_utf8(object.path.clone()).unwrap();
    let words = segment.shards.iter().map(|shard| match &shard.source {
        ShardSource::Files(files) => {
            assert_eq!(shard.bytes, files.iter().map(|file| file.size).sum::<u64>());
            files.iter().map(name).collect::<Vec<_>>().join("+")
        }
        ShardSource::Lines {
            object,
            format: LineFormat::Jsonl | LineFormat::Csv,
            begin,
            end,
        } => {
            assert_eq!(shard.bytes, end - begin);
            format!("{}[{begin}..{end}]", name(object))
        }
        ShardSource::Lines { object, .. } => format!("{}[..]", name(object)),
    });
    words.collect()
}

const SIZE: ShardSize = ShardSize {
    max_bytes: 100,
    max_charts: 3,
};
const BOUNDS: SegmentBounds = SegmentBounds {
    first_objects: 4,
    max_objects: 6,
    max_shards: 3,
};

/// Plans for one worker and expects these segments.
#[track_caller]
fn check(listing: Vec<Listed>, expected: &[&[&str]]) {
    let planner = Planner::new(listing.into_iter(), Tens, SIZE, BOUNDS, 1, None);
    let segments: Vec<Segment> = planner.collect();
    let words: Vec<Vec<String>> = segments.iter().map(in_words).collect();
    assert_eq!(words, expected);
    let (last, others) = segments.split_last().unwrap();
    assert!(last.last && others.iter().all(|segment| !segment.last));
}

#[test]
fn text_files_are_grouped_by_count_and_by_bytes() {
    let sizes = [10, 10, 10, 10, 60, 60, 500, 10, 10];
    let files = sizes
        .iter()
        .enumerate()
        .map(|(n, &size)| listed(&format!("{n}.txt"), size));
    check(
        files.collect(),
        &[
            &["0.txt+1.txt+2.txt", "3.txt"],
            &["4.txt", "5.txt", "6.txt", "7.txt"],
            &["8.txt"],
        ],
    );
}

#[test]
fn line_files_are_cut_and_compressed_ones_are_not() {
    let files = vec![
        listed("0.txt", 1),
        listed("a.jsonl", 250),
        listed("b.jsonl.gz", 900),
        listed("c.csv", 150),
        listed("d.jsonl", 100),
        listed("e.jsonl", 0),
        listed("f.csv", 0),
    ];
    check(
        files,
        &[
            &[
                "a.jsonl[0..84]",
                "a.jsonl[84..168]",
                "a.jsonl[168..250]",
                "b.jsonl.gz[..]",
                "c.csv[0..80]",
                "c.csv[80..150]",
                "0.txt",
            ],
            &["d.jsonl[0..100]", "e.jsonl[0..0]", "f.csv[0..0]"],
        ],
    );
}

#[test]
fn an_input_that_ends_at_once_is_cut_for_its_workers() {
    let plan = |names: u64, workers| {
        let files: Vec<_> = (0..names)
            .map(|n| listed(&format!("{n}.txt"), 2_000))
            .collect();
        let planner = Planner::new(
            files.into_iter(),
            Tens,
            ShardSize::default(),
            SegmentBounds::default(),
            workers,
            None,
        );
        planner
            .map(|segment| segment.shards.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(plan(1_000, 2), [16]);
    assert_eq!(plan(10, 2), [10]);
    assert_eq!(plan(1, 2), [1]);
    // Beyond the first segment nobody knows how much there is: shards of full size.
    assert_eq!(plan(10_000, 2), [8, 12]);

    let one = vec![listed("a.jsonl", 1_600_000), listed("b.txt", 2_000)];
    let bounds = SegmentBounds::default();
    let mut planner = Planner::new(one.into_iter(), Tens, ShardSize::default(), bounds, 2, None);
    assert_eq!(planner.next().unwrap().shards.len(), 16 + 1);
}

#[test]
fn an_enormous_file_is_cut_into_larger_pieces_not_more() {
    let files = vec![listed("a.jsonl", 1 << 50), listed("b.csv", 100)];
    let mut planner = Planner::new(
        files.into_iter(),
        Tens,
        SIZE,
        SegmentBounds::default(),
        1,
        None,
    );
    assert_eq!(planner.next().unwrap().shards.len(), 16_384 + 1);
}

#[test]
fn an_empty_input_is_a_plan_that_is_refused() {
    let listing = vec![
        Listed::Skipped(Skip::Hidden),
        Listed::Skipped(Skip::OtherKind),
    ];
    let mut planner = Planner::new(listing.into_iter(), Tens, SIZE, BOUNDS, 1, None);
    let segment = planner.next().unwrap();
    assert!(segment.last && segment.shards.is_empty() && segment.cursor.is_none());
    assert!(planner.next().is_none());
    let refused = planner.summary().require_charts(std::path::Path::new("in"));
    assert!(matches!(refused, Err(InputError::Empty { skipped: 2, .. })));
}

#[test]
fn the_summary_counts_what_there_was() {
    let trouble = |n: usize| Trouble {
        path: vec![b'd'; n],
        kind: TroubleKind::Denied,
    };
    let mut listing: Vec<_> = (0..30).map(|n| Listed::Trouble(trouble(n))).collect();
    listing.extend([
        Listed::Skipped(Skip::Special),
        listed("a.txt", 5),
        listed("b.csv", 250),
    ]);
    let mut planner = Planner::new(listing.into_iter(), Tens, SIZE, BOUNDS, 1, None);
    assert_eq!(planner.by_ref().count(), 1);
    let summary = planner.summary();
    assert_eq!(
        (summary.objects(), summary.bytes(), summary.shards),
        (2, 255, 4)
    );
    assert_eq!(
        summary.csv,
        KindCount {
            objects: 1,
            bytes: 250
        }
    );
    assert_eq!(
        (
            summary.other,
            summary.troubles,
            summary.first_troubles.len()
        ),
        (1, 30, 20)
    );
    assert!(summary.require_charts(std::path::Path::new("in")).is_ok());
}

#[test]
fn a_plan_of_a_real_folder_goes_on_after_its_cursor() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..40 {
        let path = folder.path().join(format!("w{}", n % 7));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join(format!("{n}.txt")), "x").unwrap();
    }
    let records: String = (0..50).map(|n| format!("{n},\"a\nb\"\n")).collect();
    std::fs::write(folder.path().join("z.csv"), format!("id,text\n{records}")).unwrap();
    let input = Input::open(folder.path()).unwrap();
    let plan = |cursor: Option<Cursor>| {
        let listing = input.list(cursor.as_ref());
        Planner::new(listing, &input, SIZE, BOUNDS, 1, cursor).collect::<Vec<Segment>>()
    };
    let whole = plan(None);
    let objects = |segments: &[Segment]| -> Vec<ObjectRef> {
        let mut objects = Vec::new();
        for shard in segments.iter().flat_map(|segment| &segment.shards) {
            match &shard.source {
                ShardSource::Files(files) => objects.extend(files.clone()),
                ShardSource::Lines { object, .. } => objects.push(object.clone()),
            }
        }
        // Lists of files stand behind the line files that they were begun before.
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        objects
    };
    assert!(
        whole.len() > 4 && objects(&whole).len() > 44,
        "the CSV file is cut"
    );
    for (place, segment) in whole.iter().enumerate() {
        let text = segment.cursor.as_ref().unwrap().to_text();
        let rest = plan(Cursor::from_text(&text));
        assert_eq!(objects(&rest), objects(&whole[place + 1..]));
        assert_eq!(rest.last().unwrap().cursor, whole.last().unwrap().cursor);
    }
}

proptest! {
    #[test]
    fn every_byte_of_every_object_is_planned_once(
        files in prop::collection::vec((0_usize..4, 0_u64..2_000), 0..40)
    ) {
        let ends = ["txt", "jsonl", "csv", "jsonl.zst"];
        let names: Vec<(String, u64)> = files.iter().enumerate()
            .map(|(n, &(kind, size))| (format!("{n:03}.{}", ends[kind]), size))
            .collect();
        let listing: Vec<_> = names.iter().map(|(name, size)| listed(name, *size)).collect();
        let mut seen: Vec<(Vec<u8>, u64, u64)> = Vec::new();
        for segment in Planner::new(listing.into_iter(), Tens, SIZE, BOUNDS, 2, None) {
            for shard in segment.shards {
                match shard.source {
                    ShardSource::Files(list) => {
                        prop_assert!(!list.is_empty() && list.len() <= 3);
                        prop_assert!(list.len() == 1 || shard.bytes <= SIZE.max_bytes);
                        seen.extend(list.into_iter().map(|file| (file.path, 0, file.size)));
                    }
                    ShardSource::Lines { object, format, begin, end } => {
                        let end = if format == LineFormat::JsonlZst { object.size } else { end };
                        seen.push((object.path, begin, end));
                    }
                }
            }
        }
        seen.sort();
        for (name, size) in names {
            let mut at = 0;
            for (_, begin, end) in seen.iter().filter(|(path, ..)| path == name.as_bytes()) {
                prop_assert_eq!(*begin, at);
                at = *end;
            }
            prop_assert_eq!(at, size);
        }
    }
}
