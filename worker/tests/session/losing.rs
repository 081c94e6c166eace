//! Leases, sessions and masters that are lost.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use proto::v1;
use store::{Created, DirectoryStore, Listed, Store, StoreError};
use tokio::sync::Semaphore;
use tonic::Status;
use worker::{Outcome, Shutdown, WorkerError};

use crate::world::{World, as_store, committed, epoch, released};

pub(crate) async fn a_revoked_attempt_is_interrupted_and_the_next_one_runs() {
    let mut world = World::new().await;
    world.write("a.txt", "stuck");
    world.write("b.txt", "fine");
    let _running = world.run();
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    let leases =
        [1, 2, 3].map(|shard| world.files(shard, &[if shard == 1 { "a.txt" } else { "b.txt" }]));
    session.lease(leases.to_vec()).await;
    session.hear_started(1).await;
    let revoked = [1, 2].map(|shard| v1::Revoke {
        shard,
        epoch: epoch(shard),
    });
    session
        .send(v1::MasterMessage {
            revoked: revoked.to_vec(),
            ..Default::default()
        })
        .await;
    // The first never ends by itself, and neither it nor the second is reported.
    let report = session.report().await;
    assert_eq!((report.shard, committed(&report).charts), (3, 1));
    assert!(world.rows(1).await.is_none());
    assert!(world.rows(2).await.is_none());
}

pub(crate) async fn leases_are_given_back_before_they_can_have_expired() {
    let mut world = World::new().await;
    world.write("a.txt", "stuck");
    world.write("b.txt", "fine");
    let _running = world.run();
    let engine = world.exec();
    let mut welcome = world.welcome(engine);
    (
        welcome.lease_milliseconds,
        welcome.lease_margin_milliseconds,
    ) = (3_000, 1_000);
    let mut session = world.master.session().await;
    session.answers_heartbeats = false;
    session.welcome(welcome).await;
    session
        .lease(vec![world.files(1, &["a.txt"]), world.files(2, &["b.txt"])])
        .await;
    let mut reports = [session.report().await, session.report().await];
    reports.sort_by_key(|report| report.shard);
    assert!(reports.iter().all(released), "{reports:?}");
    assert!(!session.leaving);
    // As soon as the master answers again all is as before, and the engine too. Credit is given
    // only by a worker that is sure of its leases.
    session.credit = 0;
    session.answers_heartbeats = true;
    session.until(|session| session.credit > 0).await;
    session.lease(vec![world.files(3, &["b.txt"])]).await;
    let report = session.report().await;
    assert_eq!((report.shard, committed(&report).charts), (3, 1));
    assert!(world.rows(1).await.is_none());
}

pub(crate) async fn heartbeats_renew_and_tell_progress() {
    let mut world = World::new().await;
    world.write("a.txt", "fine");
    world.write("b.txt", "wait");
    let _running = world.run();
    let engine = world.exec();
    let mut welcome = world.welcome(engine);
    (
        welcome.lease_milliseconds,
        welcome.lease_margin_milliseconds,
    ) = (13_000, 10_000);
    let mut session = world.master.session().await;
    session.welcome(welcome).await;
    session
        .lease(vec![world.files(1, &["a.txt", "b.txt", "a.txt"])])
        .await;
    session.hear_started(1).await;
    // Longer than the three seconds that a lease is good for: 150 heartbeats.
    session
        .until(|session| session.heartbeats.len() > 200)
        .await;
    assert!(!session.has_reports(), "it was given back");
    let last = session.heartbeats.last().unwrap();
    assert_eq!(last.progress.len(), 1);
    assert_eq!(
        (last.progress[0].shard, last.progress[0].epoch),
        (1, epoch(1))
    );
    assert_eq!(last.progress[0].charts, 1);
    world.go();
    assert_eq!(committed(&session.report().await).charts, 3);
}

pub(crate) async fn a_cut_session_is_opened_again_and_old_leases_are_forgotten() {
    let mut world = World::new().await;
    world.write("a.txt", "stuck");
    world.write("b.txt", "fine");
    let running = world.run();
    let engine = world.exec();
    let mut session = world.begin(engine.clone()).await;
    session
        .lease(vec![world.files(1, &["a.txt"]), world.files(2, &["b.txt"])])
        .await;
    session.hear_started(1).await;
    session.refuse(Status::unavailable("cut")).await;
    drop(session);

    let mut session = world.begin(engine).await;
    session.until(|session| session.credit > 0).await;
    let mut again = world.files(2, &["b.txt"]);
    again.epoch = Some(v1::Epoch {
        master: 3,
        counter: 99,
    });
    session.lease(vec![again.clone()]).await;
    let report = session.report().await;
    assert_eq!((report.shard, report.epoch), (2, again.epoch));
    committed(&report);
    session.drain(v1::DrainMode::Finish).await;
    assert!(
        session.goodbye().await.is_empty(),
        "nothing of the first session"
    );
    assert_eq!(running.ended().await.unwrap(), Outcome::Left);
    assert!(world.rows(1).await.is_none());
}

pub(crate) async fn what_was_created_during_a_cut_is_told_afterwards() {
    let mut world = World::new().await;
    world.write("a.txt", "Gout.");
    let store = std::sync::Arc::new(Slow {
        inner: world.store(),
        entered: Semaphore::new(0),
        go: Semaphore::new(0),
    });
    let mut config = world.config();
    config.store = as_store(Shared(store.clone()));
    let _running = world.run_with(config);
    let engine = world.icd10();
    let session = world.begin(engine.clone()).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    // Only read on when the ending is about to be created.
    store.entered.acquire().await.unwrap().forget();
    drop(session);
    let mut session = world.begin(engine).await;
    session.until(|session| session.credit > 0).await;
    store.go.add_permits(1);
    let report = session.report().await;
    assert_eq!((report.shard, report.epoch), (1, epoch(1)));
    assert_eq!(committed(&report).charts, 1);
}

pub(crate) async fn a_refusal_ends_the_worker() {
    let mut world = World::new().await;
    let mut config = world.config();
    config.master.token = identity::EnrolmentToken::generate().unwrap();
    let error = world.run_with(config).ended().await.unwrap_err();
    assert!(matches!(error, WorkerError::Enroll { .. }), "{error:?}");

    let other = World::new().await;
    let mut config = world.config();
    config.master.pin = other.master.pin;
    let error = world.run_with(config).ended().await.unwrap_err();
    assert!(matches!(error, WorkerError::Refused { .. }), "{error:?}");

    let running = world.run();
    let session = world.master.session().await;
    session
        .refuse(Status::failed_precondition("another version"))
        .await;
    let error = running.ended().await.unwrap_err();
    assert!(matches!(error, WorkerError::Refused { .. }), "{error:?}");
    world.master.no_session().await;
}

pub(crate) async fn the_end_of_the_pipe_ends_the_worker() {
    let mut world = World::new().await;
    world.write("a.txt", "stuck");
    let running = world.run();
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    session.hear_started(1).await;
    running.shutdown.send(Shutdown::MasterGone).await.unwrap();
    assert_eq!(running.ended().await.unwrap(), Outcome::MasterGone);
    while session.hear().await {}
    assert!(!session.leaving, "there is nobody to take leave of");
}

/// A directory that creates an object when it is told to.
#[derive(Debug)]
struct Slow {
    inner: DirectoryStore,
    entered: Semaphore,
    go: Semaphore,
}

#[derive(Debug)]
struct Shared(std::sync::Arc<Slow>);

#[async_trait]
impl Store for Shared {
    async fn create(&self, key: &str, bytes: Bytes) -> Result<Created, StoreError> {
        self.0.entered.add_permits(1);
        self.0.go.acquire().await.unwrap().forget();
        self.0.inner.create(key, bytes).await
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.0.inner.read(key).await
    }

    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.0.inner.read_range(key, range).await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        self.0.inner.size(key).await
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.0.inner.exists(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        self.0.inner.list(prefix).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.0.inner.list_folders(prefix).await
    }
}
