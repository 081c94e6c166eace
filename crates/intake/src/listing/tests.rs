//! Real directories with the names and traps that a hospital's share has.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::chart_id::chart_id_of_path;
use crate::input::{Input, InputError};

fn put(root: &Path, path: &[u8]) {
    let path = root.join(OsStr::from_bytes(path));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

/// The walk in words: ids of objects, `-` for skipped files, `!path kind` for troubles.
fn walk(root: &Path, after: Option<&Cursor>) -> Vec<String> {
    let listing = Input::open(root).unwrap().list(after);
    let words = listing.map(|listed| match listed {
        Listed::Object(listed) => chart_id_of_path(&listed.object.path).into_owned(),
        Listed::Skipped(skip) => format!("- {skip:?}"),
        Listed::Trouble(trouble) => {
            format!("! {} {:?}", chart_id_of_path(&trouble.path), trouble.kind)
        }
    });
    words.collect()
}

/// Makes these files and expects this walk, and from each object on the rest of it.
#[track_caller]
fn check(files: &[&[u8]], expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        put(folder.path(), file);
    }
    check_folder(folder.path(), expected);
}

#[track_caller]
fn check_folder(root: &Path, expected: &[&str]) {
    assert_eq!(walk(root, None), expected);
    for (place, id) in expected.iter().enumerate() {
        if !id.starts_with(['-', '!']) {
            let cursor = Cursor::from_text(id).unwrap();
            assert_eq!(
                walk(root, Some(&cursor)),
                &expected[place + 1..],
                "after {id}"
            );
        }
    }
}

#[test]
fn entries_come_in_the_order_of_their_bytes_and_depth_first() {
    check(
        &[
            b"b.txt",
            b"a/z.txt",
            b"a/b/c.txt",
            b"a.txt",
            b"B.TXT",
            b"a-1.txt",
            b"c/d/e/f.csv",
        ],
        &[
            "B.TXT",
            "a/b/c.txt",
            "a/z.txt",
            "a-1.txt",
            "a.txt",
            "b.txt",
            "c/d/e/f.csv",
        ],
    );
}

#[test]
fn odd_names_are_charts_like_any_other() {
    let long = [vec![b'n'; 251], b".txt".to_vec()].concat();
    let long_id = String::from_utf8(long.clone()).unwrap();
    check(
        &[
            b"a b.txt",
            b"a\nb.txt",
            b"a..b.txt",
            b"x/..y..txt.txt",
            b"w\xff.txt",
            &long,
        ],
        &[
            "a\nb.txt",
            "a b.txt",
            "a..b.txt",
            &long_id,
            "w\\xff.txt",
            "- Hidden",
        ],
    );
}

#[test]
fn only_chart_files_are_objects() {
    check(
        &[
            b"1.jsonl",
            b"2.jsonl.gz",
            b"3.jsonl.zst",
            b"4.csv",
            b"5.json",
            b".6.txt",
            b"txt",
            b"7.txt.gz",
        ],
        &[
            "- Hidden",
            "1.jsonl",
            "2.jsonl.gz",
            "3.jsonl.zst",
            "4.csv",
            "- OtherKind",
            "- OtherKind",
            "- OtherKind",
        ],
    );
}

#[test]
fn a_hidden_directory_is_not_entered() {
    check(&[b".git/a.txt", b"b.txt"], &["- Hidden", "b.txt"]);
}

#[test]
fn symlinks_are_followed_and_loops_reported() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, b"ward/a.txt");
    symlink(root, root.join("ward/up")).unwrap();
    symlink("itself.txt", root.join("itself.txt")).unwrap();
    symlink("nowhere", root.join("gone.txt")).unwrap();
    symlink("ward/a.txt", root.join("link.txt")).unwrap();
    symlink("ward", root.join("again")).unwrap();
    check_folder(
        root,
        &[
            "again/a.txt",
            "! again/up Loop",
            "! gone.txt Vanished",
            "! itself.txt Loop",
            "link.txt",
            "ward/a.txt",
            "! ward/up Loop",
        ],
    );
}

#[test]
fn a_pipe_is_skipped_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), b"a.txt");
    let pipe = folder.path().join("p.txt");
    let mode = rustix::fs::Mode::from(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(walk(folder.path(), None), ["a.txt", "- Special"]);
}

#[test]
fn a_walk_goes_on_where_the_tree_has_changed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    for file in [&b"a/1.txt"[..], b"c/3.txt", b"c/4.txt", b"d.txt"] {
        put(folder.path(), file);
    }
    let after = |id: &str| walk(folder.path(), Some(&Cursor::from_text(id).unwrap()));
    // The object of the cursor is gone, its directory is gone, or it was no directory.
    assert_eq!(after("c/35.txt"), ["c/4.txt", "d.txt"]);
    assert_eq!(after("b/2.txt"), ["c/3.txt", "c/4.txt", "d.txt"]);
    assert_eq!(after("d.txt/x/y.txt"), ["d.txt"]);
    assert_eq!(after("c/z.txt"), ["d.txt"]);
    assert_eq!(after("c"), ["c/3.txt", "c/4.txt", "d.txt"]);
    assert_eq!(after("z"), [""; 0]);
}

#[test]
fn a_directory_that_goes_while_it_is_walked_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    for file in [&b"a.txt"[..], b"b/1.txt", b"c.txt"] {
        put(folder.path(), file);
    }
    let mut listing = Input::open(folder.path()).unwrap().list(None);
    assert!(matches!(listing.next(), Some(Listed::Object(_))));
    fs::remove_dir_all(folder.path().join("b")).unwrap();
    let kinds: Vec<_> = listing
        .map(|listed| match listed {
            Listed::Trouble(trouble) => Some(trouble.kind),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [Some(TroubleKind::Vanished), None]);
}

#[test]
fn a_single_file_is_an_input() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), b"a.txt");
    put(folder.path(), b"b.txt");
    check_folder(&folder.path().join("b.txt"), &["b.txt"]);
    assert_eq!(
        Input::open(&folder.path().join("b.txt")).unwrap().root(),
        folder.path()
    );
}

#[test]
fn what_is_no_input_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), b"note.pdf");
    let open = |name: &str| Input::open(&folder.path().join(name)).unwrap_err();
    assert!(matches!(open("none"), InputError::Missing { .. }));
    assert!(open("none").to_string().contains("none"));
    assert!(matches!(open("note.pdf"), InputError::NotCharts { .. }));
    assert!(matches!(open("note.pdf/x"), InputError::Unreadable { .. }));
}

#[test]
fn debugging_shows_no_name() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), b"sub/miller.txt");
    let mut listing = Input::open(folder.path()).unwrap().list(None);
    let object = listing.next();
    let trouble = Trouble {
        path: b"miller".to_vec(),
        kind: TroubleKind::Loop,
    };
    let cursor = Cursor::from_text("miller.txt");
    let printed = format!("{listing:?} {object:?} {trouble:?} {cursor:?}");
    assert!(!printed.contains("miller"), "{printed}");
}
