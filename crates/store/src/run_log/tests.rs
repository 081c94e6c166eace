use std::error::Error;
use std::ops::Range;
use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::{DirectoryStore, Listed};

const AT: &str = "2026-01-02T03:04:05Z";

/// A store that answers wrongly once.
#[derive(Debug)]
struct Odd {
    inner: DirectoryStore,
    fault: Mutex<Option<Fault>>,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Creates, and says that the object was there: a repeated request.
    SaysExists,
    /// Creates, and reports an error: a lost reply.
    SaysError,
    /// Lists only the first object.
    ListsOne,
}

impl Odd {
    fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap()
    }
}

#[async_trait]
impl Store for Odd {
    async fn create(&self, key: &str, bytes: Bytes) -> Result<Created, StoreError> {
        let created = self.inner.create(key, bytes).await?;
        match self.fault() {
            Some(Fault::SaysExists) => Ok(Created::Exists),
            Some(Fault::SaysError) => Err(StoreError::io(
                "create",
                key,
                std::io::Error::from(std::io::ErrorKind::TimedOut),
            )),
            _ => Ok(created),
        }
    }
    async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.inner.read(key).await
    }
    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner.read_range(key, range).await
    }
    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        self.inner.size(key).await
    }
    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.inner.exists(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let mut listed = self.inner.list(prefix).await?;
        if let Some(Fault::ListsOne) = self.fault() {
            listed.truncate(1);
        }
        Ok(listed)
    }
    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_folders(prefix).await
    }
}

struct World {
    _root: tempfile::TempDir,
    store: Arc<Odd>,
    run: RunId,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let inner = DirectoryStore::open(root.path()).unwrap();
        Self {
            _root: root,
            store: Arc::new(Odd {
                inner,
                fault: Mutex::new(None),
            }),
            run: "r1".parse().unwrap(),
        }
    }

    async fn open(&self) -> (RunLog, Vec<Record>) {
        self.try_open().await.unwrap()
    }

    async fn try_open(&self) -> Result<(RunLog, Vec<Record>), LogError> {
        let store: Arc<dyn Store> = self.store.clone();
        RunLog::open(store, self.run.clone()).await
    }

    fn set(&self, fault: Option<Fault>) {
        *self.store.fault.lock().unwrap() = fault;
    }

    /// Puts these bytes where record `n` lies.
    async fn forge(&self, n: u64, bytes: impl Into<Bytes>) {
        let key = layout::record(&self.run, n);
        let created = self.store.create(&key, bytes.into()).await.unwrap();
        assert_eq!(created, Created::New);
    }
}

fn claim(instance: &str) -> Entry {
    Entry::Claim {
        instance: instance.to_owned(),
        boot_id: "boot".to_owned(),
        process: "1".to_owned(),
        endings_found: 0,
    }
}

fn segment() -> Entry {
    Entry::Segment {
        digest: "d".to_owned(),
        first_shard: 0,
        shards: 2,
        charts: 3,
        bytes: 4,
        through: Some("ward 3/secret.txt".to_owned().into()),
    }
}

fn launch(launch: u32, slots: &[u32]) -> Entry {
    Entry::Launch {
        launch,
        role: Role::Worker,
        slots: slots.to_vec(),
        token: format!("t{launch}"),
        parameters: [("type".to_owned(), "large".to_owned())].into(),
    }
}

fn end(launch: u32, slot: Option<u32>, seconds: f64) -> Entry {
    Entry::End {
        launch,
        slot,
        instance: Some("i-1".to_owned()),
        state: "terminated".to_owned(),
        reason: "drained".to_owned(),
        seconds,
        cost: Some(0.25),
    }
}

fn order(order: Order) -> Entry {
    Entry::Order {
        order,
        by: "ada".to_owned(),
    }
}

fn seal() -> Entry {
    Entry::Seal {
        seal: Seal {
            outcome: Outcome::Complete,
            reason: None,
            counts: Counts::default(),
            manifest: Some(Named {
                key: "runs/r1/index/manifest-d.parquet".to_owned(),
                digest: "d".to_owned(),
            }),
            receipt: vec![ReceiptLine {
                instance: None,
                role: Role::Master,
                launch: 1,
                slot: 0,
                state: "terminated".to_owned(),
                reason: "sealed".to_owned(),
                seconds: 1.5,
                cost: None,
            }],
            sealed_at: AT.to_owned(),
        },
    }
}

async fn append(log: &mut RunLog, entries: Vec<Entry>) -> Appended {
    log.append("w", AT, entries).await.unwrap()
}

#[tokio::test]
async fn records_are_numbered_from_one_and_read_back() {
    let world = World::new();
    let (mut log, records) = world.open().await;
    assert_eq!((records.len(), log.next()), (0, 1));
    assert_eq!(
        append(&mut log, vec![claim("a")]).await,
        Appended::Written(1)
    );
    let many = vec![segment(), launch(1, &[0, 1]), Entry::Close {}];
    assert_eq!(append(&mut log, many.clone()).await, Appended::Written(2));
    let (again, records) = world.open().await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].entries, many);
    assert_eq!(
        (records[1].writer.as_str(), records[1].at.as_str()),
        ("w", AT)
    );
    assert_eq!(again.fold(), log.fold());
    assert_eq!(again.next(), 3);
    assert_ne!(records[0].nonce, records[1].nonce);
}

#[tokio::test]
async fn the_loser_gets_the_winners_and_decides_afresh() {
    let world = World::new();
    let (mut a, _) = world.open().await;
    let (mut b, _) = world.open().await;
    assert_eq!(append(&mut a, vec![claim("a")]).await, Appended::Written(1));
    assert_eq!(append(&mut a, vec![segment()]).await, Appended::Written(2));
    assert!(b.overtaken().await.unwrap());
    assert!(!a.overtaken().await.unwrap());
    let Appended::Lost(records) = append(&mut b, vec![claim("b")]).await else {
        panic!("b had not read what a wrote");
    };
    let numbers: Vec<u64> = records.iter().map(|r| r.n).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(b.fold().claim.as_ref().unwrap().instance, "a");
    assert_eq!(append(&mut b, vec![claim("b")]).await, Appended::Written(3));
    let seen = a.catch_up().await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(a.fold().claim.as_ref().unwrap().epoch, 3);
    assert_eq!(a.catch_up().await.unwrap(), []);
}

#[tokio::test]
async fn an_own_record_whose_reply_was_lost_is_recognised() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    world.set(Some(Fault::SaysExists));
    assert_eq!(
        append(&mut log, vec![claim("a")]).await,
        Appended::Written(1)
    );
    world.set(Some(Fault::SaysError));
    log.append("w", AT, vec![segment()]).await.unwrap_err();
    world.set(None);
    // It was written after all: it comes back, once, and the decision is made afresh.
    let Appended::Lost(records) = append(&mut log, vec![segment()]).await else {
        panic!("record 2 exists");
    };
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].entries, [segment()]);
    assert_eq!(log.next(), 3);
}

#[tokio::test]
async fn a_listing_that_misses_records_hides_none() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    for _ in 0..40 {
        let _ = append(&mut log, vec![segment()]).await;
    }
    world.set(Some(Fault::ListsOne));
    let (again, records) = world.open().await;
    assert_eq!((records.len(), again.next()), (40, 41));
}

#[tokio::test]
async fn nothing_follows_a_seal_and_no_segment_a_close() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    let refused = |e: LogError| match e {
        LogError::Refused { source, .. } => source,
        other => panic!("{other}"),
    };
    let _ = append(&mut log, vec![Entry::Close {}]).await;
    let e = log.append("w", AT, vec![segment()]).await.unwrap_err();
    assert_eq!(refused(e), Refused::SegmentAfterClose);
    let e = log.append("w", AT, vec![seal(), claim("a")]).await;
    assert_eq!(refused(e.unwrap_err()), Refused::AfterSeal);
    assert_eq!(
        append(&mut log, vec![claim("a"), seal()]).await,
        Appended::Written(2)
    );
    assert_eq!(log.fold().sealed, Some(Outcome::Complete));
    let e = log.append("w", AT, vec![claim("b")]).await.unwrap_err();
    assert_eq!(refused(e), Refused::AfterSeal);
    let e = log.append("w", AT, vec![]).await.unwrap_err();
    assert_eq!(refused(e), Refused::NoEntries);
    assert!(
        !world
            .store
            .exists(&layout::record(&world.run, 3))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn numbers_that_json_cannot_hold_are_refused() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    for seconds in [f64::NAN, f64::INFINITY] {
        let entries = vec![end(1, None, seconds)];
        assert!(log.append("w", AT, entries).await.is_err());
    }
    assert!(!log.overtaken().await.unwrap());
}

#[tokio::test]
async fn the_fold_holds_what_is_open() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    let _ = append(
        &mut log,
        vec![launch(1, &[0, 1]), launch(2, &[2]), launch(3, &[])],
    )
    .await;
    let _ = append(&mut log, vec![end(1, Some(0), 1.0), end(2, Some(2), 1.0)]).await;
    let open: Vec<_> = log
        .fold()
        .launches
        .iter()
        .map(|l| (l.n, l.launch, l.slots.clone()))
        .collect();
    assert_eq!(open, [(1, 1, vec![1]), (1, 3, vec![])]);
    let _ = append(&mut log, vec![end(3, None, 0.0), end(1, Some(1), 2.0)]).await;
    assert_eq!(log.fold().launches, []);
    let orders = [
        Order::Pause,
        Order::Scale { workers: 3 },
        Order::Drain,
        Order::Resume,
    ];
    let _ = append(&mut log, orders.map(order).to_vec()).await;
    let expected = Orders {
        drain: true,
        abort: false,
        pause: false,
        workers: Some(3),
    };
    assert_eq!(log.fold().orders, expected);
    assert_eq!(world.open().await.0.fold(), log.fold());
}

#[tokio::test]
async fn a_record_that_is_not_one_is_named() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    let _ = append(&mut log, vec![claim("a")]).await;
    let (_, records) = world.open().await;
    let good = Record {
        n: 2,
        ..records[0].clone()
    };
    let json = |r: &Record| serde_json::to_string(r).unwrap();
    let right = {
        let mut r = good.clone();
        r.fold.claim.as_mut().unwrap().epoch = 2;
        r
    };
    let cases = [
        ("empty", String::new()),
        ("partial", json(&right)[..40].to_owned()),
        ("two", json(&right) + "{}"),
        (
            "another number",
            json(&Record {
                n: 3,
                ..right.clone()
            }),
        ),
        ("another fold", json(&good)),
        ("unknown field", json(&right).replacen('{', "{\"x\":1,", 1)),
        (
            "unknown in entry",
            json(&right).replacen("\"entry\"", "\"x\":1,\"entry\"", 1),
        ),
        (
            "unknown entry",
            json(&right).replacen("\"claim\"", "\"clam\"", 1),
        ),
        (
            "no entries",
            json(&Record {
                entries: vec![],
                ..right.clone()
            }),
        ),
    ];
    for (what, bytes) in cases {
        let forged = World::new();
        forged.forge(1, json(&records[0])).await;
        forged.forge(2, bytes).await;
        let error = forged.try_open().await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("runs/r1/log/0000000002.json"),
            "{what}: {text}"
        );
    }
    // The one that is right, so that the others are refused for what they are.
    world.forge(2, json(&right)).await;
    world.open().await;
}

#[tokio::test]
async fn a_gap_is_an_error_that_names_it() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    let _ = append(&mut log, vec![claim("a")]).await;
    world.forge(3, "{}").await;
    let error = world.try_open().await.unwrap_err();
    assert!(matches!(error, LogError::Gap { .. }), "{error}");
    assert!(error.to_string().contains("0000000002"), "{error}");
}

#[tokio::test]
async fn unknown_fields_are_refused_at_every_depth() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    let verdict = Entry::Verdict {
        shard: 1,
        verdict: Verdict::Split {
            children: vec![Child {
                shard: 2,
                begin: 0,
                end: 1,
            }],
            charges: 1,
            cause: "engine died".to_owned(),
        },
    };
    let entries = vec![
        claim("a"),
        segment(),
        verdict,
        launch(1, &[0]),
        end(2, None, 0.5),
        order(Order::Scale { workers: 2 }),
        Entry::Close {},
        seal(),
    ];
    let _ = append(&mut log, entries).await;
    let (_, records) = world.open().await;
    let json = serde_json::to_string(&records[0]).unwrap();
    serde_json::from_str::<Record>(&json).unwrap();
    // Every object in it, except the launch's free parameters, takes no stranger.
    let free = json.find("\"parameters\":{").unwrap() + "\"parameters\":".len();
    for (at, _) in json.match_indices('{').filter(|(at, _)| *at != free) {
        let comma = if json[at + 1..].starts_with('}') {
            ""
        } else {
            ","
        };
        let with = format!("{}\"zz\":1{comma}{}", &json[..=at], &json[at + 1..]);
        assert!(serde_json::from_str::<Record>(&with).is_err(), "{with}");
    }
}

#[test]
fn a_cursor_is_not_shown() {
    let entry = segment();
    assert!(!format!("{entry:?}").contains("secret"));
    assert!(serde_json::to_string(&entry).unwrap().contains("secret"));
}

#[tokio::test]
async fn errors_name_the_run_and_never_repeat_their_source() {
    let world = World::new();
    let (mut log, _) = world.open().await;
    world.set(Some(Fault::SaysError));
    let error = log.append("w", AT, vec![claim("a")]).await.unwrap_err();
    assert!(error.to_string().contains("r1"));
    let source = error.source().unwrap().to_string();
    assert!(!error.to_string().contains(&source));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Writers that each see only part of the log, in any order of turns: the log is
    /// gapless, and everybody's decision is in it exactly once.
    #[test]
    fn any_interleaving_ends_gapless(turns in prop::collection::vec((0..4_usize, any::<bool>()), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let mut logs = Vec::new();
            for _ in 0..4 {
                logs.push(world.open().await.0);
            }
            let mut written = Vec::new();
            for (turn, (who, insists)) in turns.iter().enumerate() {
                let me = format!("{who}-{turn}");
                loop {
                    match append(&mut logs[*who], vec![claim(&me)]).await {
                        Appended::Written(n) => {
                            written.push((n, me));
                            break;
                        }
                        Appended::Lost(records) => assert!(!records.is_empty()),
                    }
                    if !insists {
                        break;
                    }
                }
            }
            let (_, records) = world.open().await;
            let found: Vec<(u64, String)> = records
                .iter()
                .map(|r| match &r.entries[..] {
                    [Entry::Claim { instance, .. }] => (r.n, instance.clone()),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(found, written);
        });
    }
}
