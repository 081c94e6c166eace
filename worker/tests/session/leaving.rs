//! Workers that leave, of their own accord or not.

use proto::v1;
use worker::{Outcome, Shutdown};

use crate::world::{World, committed, released};

pub(crate) async fn a_drain_that_finishes_ends_what_began() {
    let mut world = World::new().await;
    world.write("a.txt", "wait");
    world.write("b.txt", "next");
    let running = world.run();
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    session
        .lease(vec![world.files(1, &["a.txt"]), world.files(2, &["b.txt"])])
        .await;
    assert_eq!(session.hear_started(1).await.charts, 1);
    session.drain(v1::DrainMode::Finish).await;
    let report = session.report().await;
    assert_eq!(report.shard, 2);
    assert!(released(&report));
    // In flight when the drain was sent.
    session.lease(vec![world.files(3, &["b.txt"])]).await;
    let report = session.report().await;
    assert_eq!(report.shard, 3);
    assert!(released(&report));
    assert!(!session.leaving, "it still holds one");
    world.go();
    let report = session.report().await;
    assert_eq!((report.shard, committed(&report).charts), (1, 1));
    assert!(session.goodbye().await.is_empty());
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
    assert!(world.rows(2).await.is_none());
}

pub(crate) async fn a_drain_that_releases_ends_now() {
    let mut world = World::new().await;
    world.write("a.txt", "stuck");
    world.write("b.txt", "next");
    let running = world.run();
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    session
        .lease(vec![world.files(1, &["a.txt"]), world.files(2, &["b.txt"])])
        .await;
    session.hear_started(1).await;
    // A stronger wish replaces a weaker one.
    session.drain(v1::DrainMode::Finish).await;
    assert_eq!(session.report().await.shard, 2);
    session.drain(v1::DrainMode::Release).await;
    let reports = session.goodbye().await;
    assert_eq!(reports.len(), 1);
    assert!(reports[0].shard == 1 && released(&reports[0]));
    // This includes that its engine, which would stay for ever, is gone.
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
    assert!(world.rows(1).await.is_none());
}

pub(crate) async fn a_worker_that_is_told_to_end_finishes_and_leaves() {
    let mut world = World::new().await;
    world.write("a.txt", "wait");
    let running = world.run();
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    session
        .lease(vec![world.files(1, &["a.txt"]), world.files(2, &["a.txt"])])
        .await;
    session.hear_started(1).await;
    running.shutdown.send(Shutdown::Leave).await.unwrap();
    assert!(released(&session.report().await));
    world.go();
    assert_eq!(session.report().await.shard, 1);
    session.goodbye().await;
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
}

pub(crate) async fn a_broken_engine_is_told_and_everything_given_back() {
    let mut world = World::new().await;
    world.write("a.txt", "Gout.");
    let running = world.run();
    let engine = world.exec_of(&["/nonexistent/coder"]);
    let mut session = world.begin(engine).await;
    session
        .lease(vec![world.files(1, &["a.txt"]), world.files(2, &["a.txt"])])
        .await;
    session.until(|session| session.leaving).await;
    assert!(
        session.broken.starts_with("coder does not start"),
        "{}",
        session.broken
    );
    let mut shards: Vec<_> = session.reports();
    shards.sort_by_key(|report| report.shard);
    assert_eq!(shards.len(), 2);
    assert!(shards.iter().all(released));
    session.goodbye().await;
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
}
