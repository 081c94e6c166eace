//! What is left when a write breaks at each point. Run with `--features failpoints`.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use fail::FailScenario;
use store::{Created, DirectoryStore, Store, StoreError};

async fn create(store: &DirectoryStore, bytes: &'static str) -> Result<Created, StoreError> {
    store.create("runs/r/a", Bytes::from(bytes)).await
}

fn temporaries(root: &Path) -> usize {
    fs::read_dir(root.join(".dayfly/tmp"))
        .expect("the store made it")
        .count()
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_and_can_be_tried_again() {
    let scenario = FailScenario::setup();
    let root = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(root.path()).unwrap();
    fail::cfg("store::write", "return").unwrap();
    let error = create(&store, "1").await.unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert!(!store.exists("runs/r/a").await.unwrap());
    assert_eq!(temporaries(root.path()), 0);
    fail::remove("store::write");
    assert_eq!(create(&store, "2").await.unwrap(), Created::New);
    scenario.teardown();
}

#[tokio::test]
async fn a_writer_that_dies_has_written_all_or_nothing() {
    let scenario = FailScenario::setup();
    let root = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(root.path()).unwrap();
    fail::cfg("store::before-link", "panic").unwrap();
    create(&store, "1").await.unwrap_err();
    assert!(!store.exists("runs/r/a").await.unwrap());
    fail::remove("store::before-link");
    for point in ["store::after-link", "store::after-create"] {
        fail::cfg(point, "panic").unwrap();
        create(&store, "2").await.unwrap_err();
        fail::remove(point);
        assert_eq!(store.read("runs/r/a").await.unwrap().unwrap(), "2");
    }
    assert_eq!(create(&store, "3").await.unwrap(), Created::Exists);
    assert_eq!(temporaries(root.path()), 0);
    scenario.teardown();
}
