use proptest::prelude::*;
use store::run_log::Child;

use super::*;
use crate::{Row, read_ending_meta, read_rows};

fn meta(charts: u64, findings: u64) -> EndingMeta {
    EndingMeta {
        run: "r1".parse().unwrap(),
        shard: 7,
        kind: EndingKind::Committed,
        master_epoch: 3,
        lease: 9,
        worker: "w1".to_owned(),
        charts,
        charts_quarantined: 0,
        findings,
        reason: None,
        verdict: None,
        children: None,
    }
}

/// Writes rows as a worker would, and the metadata that counts them.
fn ending(rows: &[Row]) -> (Bytes, EndingMeta) {
    let mut writer = EndingWriter::new().unwrap();
    for row in rows {
        append(&mut writer, row).unwrap();
    }
    let meta = meta(rows.len() as u64, writer.findings());
    (writer.finish(&meta).unwrap(), meta)
}

fn append(writer: &mut EndingWriter, row: &Row) -> Result<(), ResultsError> {
    let also: Vec<(u64, u64)> = row
        .also
        .as_deref()
        .map(|json| serde_json::from_str(json).unwrap())
        .unwrap_or_default();
    let chart = Chart {
        chart_id: &row.chart_id,
        meta: row.meta.as_deref(),
    };
    let finding = Finding {
        code: row.code.as_deref(),
        description: row.description.as_deref(),
        assertion: row.assertion,
        billable: row.billable,
        evidence: row.evidence.as_deref(),
        span: row.begin.zip(row.end),
        section: row.section.as_deref(),
        engine: row.engine.as_deref(),
        terminology: row.terminology.as_deref(),
        answer: row.answer.as_deref(),
        also: &also,
    };
    match row.status {
        Status::Coded => writer.coded(chart, Some(&finding)),
        Status::Quarantined => writer.quarantined(chart, row.reason.as_deref().unwrap_or("")),
    }
}

fn rows(bytes: Bytes) -> Vec<Row> {
    read_rows("key", bytes)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn quarantined(chart_id: String, meta: Option<String>, reason: String) -> Row {
    Row {
        status: Status::Quarantined,
        reason: Some(reason),
        meta,
        ..row(chart_id)
    }
}

fn row(chart_id: String) -> Row {
    Row {
        chart_id,
        status: Status::Coded,
        reason: None,
        code: None,
        description: None,
        assertion: None,
        billable: None,
        evidence: None,
        begin: None,
        end: None,
        section: None,
        engine: None,
        terminology: None,
        answer: None,
        meta: None,
        also: None,
    }
}

/// Asks for equality without showing either side: rows show nothing of themselves.
fn same(found: &[Row], expected: &[Row]) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let json = |row| serde_json::to_string(row).unwrap();
        assert_eq!(json(found), json(expected), "row {i}");
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let text = || prop::option::of("\\PC{0,12}|[\\x00-\\x1f]{0,4}|(E11\\.9|I10)");
    let span = prop::option::of(
        (0..i64::MAX as u64, 0..1000_u64)
            .prop_map(|(begin, n)| (begin, begin.saturating_add(n).min(i64::MAX as u64))),
    );
    let coded = (
        (".*", text(), text(), text(), text()),
        (text(), text(), text(), text()),
        (
            span,
            prop::option::of(any::<bool>()),
            prop::option::of(0..6_usize),
        ),
        prop::collection::vec((0..50_u64, 50..99_u64), 0..3),
    )
        .prop_map(
            |(
                (id, code, description, evidence, section),
                (engine, terminology, answer, meta),
                (span, billable, assertion),
                also,
            )| Row {
                code,
                description,
                evidence,
                section,
                engine,
                terminology,
                answer,
                meta,
                billable,
                assertion: assertion.map(|i| Assertion::ALL[i]),
                begin: span.map(|s| s.0),
                end: span.map(|s| s.1),
                also: (!also.is_empty()).then(|| serde_json::to_string(&also).unwrap()),
                ..row(id)
            },
        );
    let refused = (".*", text(), ".*").prop_map(|(id, meta, reason)| quarantined(id, meta, reason));
    prop_oneof![4 => coded, 1 => refused]
}

proptest! {
    #[test]
    fn what_is_written_is_read(expected in prop::collection::vec(any_row(), 0..40)) {
        let (bytes, meta) = ending(&expected);
        prop_assert_eq!(read_ending_meta("key", &bytes).unwrap(), meta);
        same(&rows(bytes), &expected);
    }

    #[test]
    fn damage_is_an_error_that_names_the_key(
        rows in prop::collection::vec(any_row(), 0..6),
        at in any::<prop::sample::Index>(),
        with in 1..=255_u8,
        to in any::<prop::sample::Index>(),
    ) {
        let (bytes, _) = ending(&rows);
        let mut changed = bytes.to_vec();
        changed[at.index(bytes.len())] ^= with;
        let cut = bytes.slice(..to.index(bytes.len()));
        for bad in [Bytes::from(changed), cut] {
            let error = read_rows("the-key", bad.clone()).unwrap_err();
            prop_assert!(error.to_string().contains("the-key"));
            // The footer alone has no checksum: it may still be whole. It never panics.
            let _ = read_ending_meta("the-key", &bad);
        }
    }
}

#[test]
fn odd_texts_come_back_as_they_were() {
    let texts = [
        "".to_owned(),
        "\n\r\n\t".to_owned(),
        "a\0b".to_owned(),
        "👩🏽‍⚕️ é\u{202e}\u{feff}".to_owned(),
        "x".repeat(1 << 20),
        "\"quoted\", [1,2]".to_owned(),
    ];
    let expected: Vec<Row> = texts
        .iter()
        .map(|text| Row {
            code: Some(text.clone()),
            evidence: Some(text.clone()),
            answer: Some(text.clone()),
            meta: Some(text.clone()),
            ..row(text.clone())
        })
        .chain(
            texts
                .iter()
                .map(|t| quarantined(t.clone(), None, t.clone())),
        )
        .collect();
    same(&rows(ending(&expected).0), &expected);
}

#[test]
fn many_rows_are_several_groups_in_order() {
    let count = usize::try_from(GROUP_ROWS).unwrap() * 2 + 1;
    let expected: Vec<Row> = (0..count).map(|i| row(format!("c{i}"))).collect();
    same(&rows(ending(&expected).0), &expected);
}

#[test]
fn large_rows_are_encoded_as_they_come() {
    let mut writer = EndingWriter::new().unwrap();
    let large = Row {
        answer: Some("y".repeat(GROUP_BYTES / 4)),
        ..row("c".to_owned())
    };
    for _ in 0..9 {
        append(&mut writer, &large).unwrap();
        assert!(writer.columns.bytes() < GROUP_BYTES);
    }
    let meta = meta(9, 0);
    assert_eq!(rows(writer.finish(&meta).unwrap()).len(), 9);
}

#[test]
fn impossible_positions_are_refused_and_change_nothing() {
    let mut writer = EndingWriter::new().unwrap();
    let chart = Chart {
        chart_id: "secret",
        meta: None,
    };
    writer.coded(chart, None).unwrap();
    let bad = [(5, 4), (0, u64::MAX), (u64::MAX, u64::MAX)];
    for span in bad {
        let at = Finding {
            code: Some("I10"),
            span: Some(span),
            ..Finding::default()
        };
        let also = Finding {
            code: Some("I10"),
            also: &[(0, 1), span],
            ..Finding::default()
        };
        for finding in [at, also] {
            let error = writer.coded(chart, Some(&finding)).unwrap_err();
            assert!(matches!(error, ResultsError::Position { row: 1 }));
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }
    assert_eq!((writer.rows(), writer.findings()), (1, 0));
    let bytes = writer.finish(&meta(1, 0)).unwrap();
    same(&rows(bytes), &[row("secret".to_owned())]);
}

#[test]
fn metadata_that_contradicts_the_rows_is_refused() {
    let written = || {
        let mut writer = EndingWriter::new().unwrap();
        append(
            &mut writer,
            &Row {
                code: Some("I10".into()),
                ..row("a".into())
            },
        )
        .unwrap();
        writer
    };
    written().finish(&meta(1, 1)).unwrap();
    let split = EndingMeta {
        kind: EndingKind::Split,
        children: Some(Vec::new()),
        ..meta(0, 0)
    };
    let refused = [
        meta(1, 0),
        meta(2, 1),
        EndingMeta {
            charts_quarantined: 2,
            ..meta(1, 1)
        },
        EndingMeta {
            findings: 1,
            ..split.clone()
        },
    ];
    for meta in refused {
        let error = written().finish(&meta).unwrap_err();
        assert!(
            matches!(error, ResultsError::Contradiction { .. }),
            "{meta:?}"
        );
    }
    let empty = || EndingWriter::new().unwrap();
    empty().finish(&split).unwrap();
    let childless = EndingMeta {
        children: None,
        ..split
    };
    assert!(empty().finish(&childless).is_err());
}

#[test]
fn a_verdicts_ending_has_no_findings_and_says_which() {
    let split = EndingMeta {
        kind: EndingKind::Split,
        reason: Some("engine died".to_owned()),
        verdict: Some(12),
        children: Some(vec![
            Child {
                shard: 8,
                begin: 0,
                end: 4,
            },
            Child {
                shard: 9,
                begin: 4,
                end: 8,
            },
        ]),
        ..meta(0, 0)
    };
    let bytes = EndingWriter::new().unwrap().finish(&split).unwrap();
    assert_eq!(read_ending_meta("key", &bytes).unwrap(), split);
    same(&rows(bytes), &[]);
}

#[test]
fn what_is_not_an_ending_is_refused() {
    let (plan, _) = crate::plan::encode_segment(&[]).unwrap();
    for bytes in [
        plan,
        Bytes::new(),
        Bytes::from("PAR1"),
        Bytes::from(vec![0; 64]),
    ] {
        let error = read_ending_meta("the-key", &bytes).unwrap_err();
        assert!(error.to_string().contains("the-key"), "{error}");
        assert!(read_rows("the-key", bytes).is_err());
    }
    let huge = [&[255, 255, 255, 127][..], b"PAR1"].concat();
    assert!(read_ending_meta("the-key", &huge).is_err());
}

#[test]
fn nothing_of_a_chart_is_shown() {
    let row = Row {
        code: Some("secret".to_owned()),
        evidence: Some("secret".to_owned()),
        ..row("secret".to_owned())
    };
    let chart = Chart {
        chart_id: "secret",
        meta: Some("secret"),
    };
    let finding = Finding {
        evidence: Some("secret"),
        ..Finding::default()
    };
    let (bytes, _) = ending(std::slice::from_ref(&row));
    let mut writer = EndingWriter::new().unwrap();
    append(&mut writer, &row).unwrap();
    let rows = read_rows("key", bytes).unwrap();
    let shown = format!("{row:?} {chart:?} {finding:?} {writer:?} {rows:?}");
    assert!(!shown.contains("secret"), "{shown}");
}
