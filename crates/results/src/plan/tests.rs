use proptest::prelude::*;

use super::*;

fn any_object() -> impl Strategy<Value = ObjectRef> {
    let path = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        "ward[0-3]/[a-c]{1,8}\\.txt".prop_map(String::into_bytes),
    ];
    let size = prop_oneof![0..5000_u64, 0..=i64::MAX as u64];
    (path, size, "[0-9]{0,19}|\\PC{0,8}").prop_map(|(path, size, version)| ObjectRef {
        path,
        size,
        version,
    })
}

fn any_shard() -> impl Strategy<Value = PlannedShard> {
    let format = prop::sample::select(vec![
        LineFormat::Jsonl,
        LineFormat::JsonlGz,
        LineFormat::JsonlZst,
        LineFormat::Csv,
    ]);
    let lines = (any_object(), format, 0..1000_u64, 1000..=i64::MAX as u64).prop_map(
        |(object, format, begin, end)| ShardSource::Lines {
            object,
            format,
            begin,
            end,
        },
    );
    let files = prop::collection::vec(any_object(), 1..6).prop_map(ShardSource::Files);
    (prop_oneof![lines, files], 0..=i64::MAX as u64)
        .prop_map(|(source, bytes)| PlannedShard { source, bytes })
}

proptest! {
    #[test]
    fn what_is_planned_is_read(shards in prop::collection::vec(any_shard(), 0..20)) {
        let (bytes, digest) = encode_segment(&shards).unwrap();
        prop_assert!(decode_segment(&digest, bytes.clone()).unwrap() == shards);
        // The same shards make the same file: a repeated segment is the same object.
        prop_assert_eq!(encode_segment(&shards).unwrap(), (bytes, digest));
    }

    #[test]
    fn other_bytes_are_refused(
        shards in prop::collection::vec(any_shard(), 0..4),
        at in any::<prop::sample::Index>(),
    ) {
        let (bytes, named) = encode_segment(&shards).unwrap();
        let mut bytes = bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1;
        let error = decode_segment(&named, bytes.clone().into()).unwrap_err();
        prop_assert!(error.to_string().contains(&named));
        // Nor does damage that was there before it was named make it panic.
        let _ = decode_segment(&digest(&bytes), bytes.into());
    }
}

#[test]
fn what_cannot_be_a_shard_is_refused() {
    let object = ObjectRef {
        path: b"a".to_vec(),
        size: 1,
        version: String::new(),
    };
    let shard = |source| [PlannedShard { source, bytes: 1 }];
    let lines = |begin, end| ShardSource::Lines {
        object: object.clone(),
        format: LineFormat::Csv,
        begin,
        end,
    };
    assert!(encode_segment(&shard(lines(0, 1))).is_ok());
    assert!(encode_segment(&shard(lines(2, 1))).is_err());
    assert!(encode_segment(&shard(lines(0, u64::MAX))).is_err());
    assert!(encode_segment(&shard(ShardSource::Files(vec![]))).is_err());
}

#[test]
fn small_files_cost_a_few_bytes_each() {
    let shards = small_files(64, 1024);
    let (bytes, digest) = encode_segment(&shards).unwrap();
    assert!(bytes.len() < 16 * 65_536, "{} bytes", bytes.len());
    assert!(decode_segment(&digest, bytes).unwrap() == shards);
}

fn small_files(shards: u64, each: u64) -> Vec<PlannedShard> {
    let object = |n: u64| ObjectRef {
        path: format!("2026/ward-{:02}/chart-{n:07}.txt", n / 4096).into_bytes(),
        size: 1500 + n * 7919 % 3000,
        version: format!("{}", 1_760_000_000_000_000_000 + n * 104_729_003),
    };
    (0..shards)
        .map(|shard| PlannedShard {
            source: ShardSource::Files((0..each).map(|i| object(shard * each + i)).collect()),
            bytes: 3000 * each,
        })
        .collect()
}

#[test]
fn no_path_is_shown() {
    let object = ObjectRef {
        path: b"secret.txt".to_vec(),
        size: 1,
        version: "v".to_owned(),
    };
    let shard = PlannedShard {
        source: ShardSource::Files(vec![object]),
        bytes: 1,
    };
    let shown = format!("{shard:?}");
    // Neither as text nor as a list of numbers.
    assert!(
        !shown.contains("secret") && !shown.contains("115"),
        "{shown}"
    );
}
