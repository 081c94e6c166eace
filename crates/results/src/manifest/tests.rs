use proptest::prelude::*;

use super::*;

fn any_line() -> impl Strategy<Value = ManifestLine> {
    let kind = prop::sample::select(vec![
        EndingKind::Committed,
        EndingKind::Split,
        EndingKind::Quarantined,
    ]);
    let number = || 0..=i64::MAX as u64;
    (
        (any::<u32>(), kind, number(), number(), "[0-9a-f]{64}"),
        (number(), number(), number(), number()),
    )
        .prop_map(
            |(
                (shard, kind, master_epoch, lease, sha256),
                (bytes, charts, quarantined, findings),
            )| {
                ManifestLine {
                    shard,
                    kind,
                    master_epoch,
                    lease,
                    sha256,
                    bytes,
                    charts,
                    charts_quarantined: quarantined,
                    findings,
                }
            },
        )
}

proptest! {
    #[test]
    fn the_same_endings_make_the_same_file(lines in prop::collection::vec(any_line(), 0..30)) {
        let mut sorted = lines;
        sorted.sort_by_key(|l| l.shard);
        sorted.dedup_by_key(|l| l.shard);
        let reversed: Vec<_> = sorted.iter().rev().cloned().collect();
        let (bytes, digest) = encode_manifest(&sorted).unwrap();
        prop_assert_eq!(encode_manifest(&reversed).unwrap(), (bytes.clone(), digest.clone()));
        prop_assert_eq!(decode_manifest(&digest, bytes.clone()).unwrap(), sorted);
        let error = decode_manifest("0000", bytes).unwrap_err();
        prop_assert!(error.to_string().contains("0000"));
    }

    #[test]
    fn damage_that_was_named_does_not_panic(
        lines in prop::collection::vec(any_line(), 0..4),
        at in any::<prop::sample::Index>(),
    ) {
        let mut sorted = lines;
        sorted.sort_by_key(|l| l.shard);
        sorted.dedup_by_key(|l| l.shard);
        let mut bytes = encode_manifest(&sorted).unwrap().0.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 0x10;
        let _ = decode_manifest(&digest(&bytes), bytes.into());
    }

    #[test]
    fn two_endings_of_one_shard_are_refused(line in any_line()) {
        prop_assert!(encode_manifest(&[line.clone(), line]).is_err());
    }
}
