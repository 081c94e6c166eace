use std::collections::BTreeSet;
use std::error::Error;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

fn store() -> (tempfile::TempDir, DirectoryStore) {
    let root = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(root.path()).unwrap();
    (root, store)
}

async fn create(store: &DirectoryStore, key: &str, bytes: &'static str) -> Created {
    store.create(key, Bytes::from(bytes)).await.unwrap()
}

#[tokio::test]
async fn an_object_is_created_once_and_read_whole_or_in_part() {
    let (_root, store) = store();
    let key = "runs/r/shards/s00000001.parquet";
    assert_eq!(store.read(key).await.unwrap(), None);
    assert_eq!(store.size(key).await.unwrap(), None);
    assert!(!store.exists(key).await.unwrap());
    assert_eq!(create(&store, key, "0123456789").await, Created::New);
    assert_eq!(create(&store, key, "other").await, Created::Exists);
    assert_eq!(store.read(key).await.unwrap().unwrap(), "0123456789");
    assert_eq!(store.size(key).await.unwrap(), Some(10));
    assert!(store.exists(key).await.unwrap());
    assert_eq!(store.read_range(key, 2..5).await.unwrap(), "234");
    assert_eq!(store.read_range(key, 10..10).await.unwrap(), "");
    // A folder is not an object.
    assert!(!store.exists("runs/r").await.unwrap());
}

#[tokio::test]
async fn a_range_that_is_not_there_is_an_error() {
    let (_root, store) = store();
    create(&store, "a", "0123").await;
    for (begin, end) in [(0, 5), (5, 6), (3, 2), (0, u64::MAX)] {
        let error = store.read_range("a", begin..end).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Range { size: 4, .. }),
            "{error}"
        );
    }
    let error = store.read_range("b", 0..1).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn what_is_not_a_key_is_refused() {
    let (_root, store) = store();
    let long = "x".repeat(256);
    for key in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        "a/.b",
        ".dayfly/tmp/a",
        "a b",
        "a\nb",
        "a\0b",
        "é",
        "a\\b",
        &long,
    ] {
        let error = store.create(key, Bytes::new()).await.unwrap_err();
        assert!(matches!(error, StoreError::Key { .. }), "{key:?}: {error}");
        assert!(store.read(key).await.is_err(), "{key:?}");
        assert!(store.exists(key).await.is_err(), "{key:?}");
    }
    for prefix in ["/", "../", "a//", "a/../", ".dayfly/", "a/.b"] {
        assert!(store.list(prefix).await.is_err(), "{prefix:?}");
        assert!(store.list_folders(prefix).await.is_err(), "{prefix:?}");
    }
    assert!(store.list_folders("a").await.is_err());
}

#[tokio::test]
async fn a_listing_shows_objects_and_nothing_else() {
    let (root, store) = store();
    create(&store, "runs/b/spec.json", "12").await;
    create(&store, "runs/a/log/0000000001.json", "1").await;
    let runs = root.path().join("runs");
    fs::write(runs.join("a/.DS_Store"), b"foreign").unwrap();
    fs::write(runs.join("a/with space"), b"foreign").unwrap();
    symlink("nowhere", runs.join("a/dangling")).unwrap();
    symlink("..", runs.join("a/loop")).unwrap();
    let listed = store.list("").await.unwrap();
    let keys: Vec<_> = listed.iter().map(|l| (l.key.as_str(), l.size)).collect();
    assert_eq!(
        keys,
        [("runs/a/log/0000000001.json", 1), ("runs/b/spec.json", 2)]
    );
    assert_eq!(store.list_folders("runs/").await.unwrap(), ["a", "b"]);
    assert_eq!(store.list_folders("").await.unwrap(), ["runs"]);
    assert_eq!(store.list_folders("none/").await.unwrap(), [""; 0]);
    assert_eq!(store.list("none/").await.unwrap(), []);
}

#[tokio::test]
async fn of_many_writers_one_wins() {
    let (_root, store) = store();
    let writers: Vec<_> = (0..16)
        .map(|me| {
            let store = store.clone();
            tokio::spawn(async move {
                let bytes = Bytes::from(format!("writer {me}"));
                let created = store.create("runs/r/seal.json", bytes.clone()).await;
                (bytes, created.unwrap())
            })
        })
        .collect();
    let mut won = Vec::new();
    for writer in writers {
        let (bytes, created) = writer.await.unwrap();
        if created == Created::New {
            won.push(bytes);
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(store.read("runs/r/seal.json").await.unwrap(), won.pop());
}

#[tokio::test]
async fn a_folder_that_was_taken_away_is_an_error_and_then_made_again() {
    let (root, store) = store();
    create(&store, "runs/r/a", "1").await;
    fs::remove_dir_all(root.path().join("runs")).unwrap();
    assert!(store.create("runs/r/b", Bytes::new()).await.is_err());
    let again = DirectoryStore::open(root.path()).unwrap();
    assert_eq!(create(&again, "runs/r/b", "1").await, Created::New);
}

#[test]
fn a_folder_that_cannot_hold_results_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    for bad in [file.clone(), file.join("below"), "/proc/dayfly".into()] {
        let error = DirectoryStore::open(&bad).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&bad.display().to_string()), "{text}");
        assert!(error.source().is_some(), "{text}");
    }
}

#[tokio::test]
async fn a_store_opened_to_read_touches_nothing() {
    let root = tempfile::tempdir().unwrap();
    assert!(DirectoryStore::open_to_read(&root.path().join("none")).is_err());
    let reader = DirectoryStore::open_to_read(root.path()).unwrap();
    let error = reader.create("a", Bytes::new()).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert_eq!(reader.list("").await.unwrap(), []);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn missing_folders_above_the_root_are_made() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("a/b/c");
    assert_eq!(DirectoryStore::open(&root).unwrap().root(), root);
    assert!(root.join(TEMPORARIES).is_dir());
}

#[test]
fn no_space_is_told_apart() {
    let full = io::Error::from_raw_os_error(28); // ENOSPC
    assert!(StoreError::io("create", "a", full).is_disk_full());
    let quota = io::Error::from_raw_os_error(122); // EDQUOT
    assert!(StoreError::io("create", "a", quota).is_disk_full());
    let other = io::Error::from_raw_os_error(13); // EACCES
    assert!(!StoreError::io("create", "a", other).is_disk_full());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_listing_is_the_sorted_keys_with_the_prefix(
        keys in prop::collection::btree_set("[ab]{1,2}/[ab-]{1,2}/[ab.]{0,1}[ab]", 0..12),
        prefix in "([ab]{0,2}|[ab]{1,2}/[ab-]{0,2}|[ab]{1,2}/[ab]{1,2}/[ab]{0,2})",
    ) {
        let keys: BTreeSet<String> =
            keys.into_iter().filter(|k| check_key(k).is_ok()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_root, store) = store();
            for key in &keys {
                store.create(key, Bytes::from(key.clone())).await.unwrap();
            }
            let listed = store.list(&prefix).await.unwrap();
            let expected: Vec<Listed> = keys
                .iter()
                .filter(|k| k.starts_with(&prefix))
                .map(|k| Listed { key: k.clone(), size: k.len() as u64 })
                .collect();
            assert_eq!(listed, expected);
        });
    }
}
