//! Against the `csv` crate as the reference, on any bytes.

use proptest::prelude::*;

use super::*;

/// The records by our machine, fed in blocks of `block` bytes.
fn ours(content: &[u8], block: usize) -> Vec<Vec<Vec<u8>>> {
    let mut state = CsvState::FieldStart;
    let (mut records, mut begin, mut at) = (Vec::new(), 0, 0);
    while at < content.len() {
        let until = (at + block).min(content.len());
        match state.record_end(&content[at..until]) {
            Some(length) => {
                at += length;
                records.push(&content[begin..at]);
                begin = at;
            }
            None => at = until,
        }
    }
    records.push(&content[begin..]);
    let stripped = records.iter().map(|record| {
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        record.strip_suffix(b"\r").unwrap_or(record)
    });
    stripped
        .filter(|record| !record.is_empty())
        .map(|record| match fields(record) {
            Ok(fields) => fields.into_iter().map(Cow::into_owned).collect(),
            Err(reason) => vec![reason.as_reason().into_owned().into_bytes()],
        })
        .collect()
}

fn reference(content: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(content);
    let records = reader.byte_records().map(|record| {
        record
            .unwrap()
            .iter()
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    });
    records.collect()
}

#[track_caller]
fn check(content: &str, expected: &[&[&str]]) {
    for block in [1, 2, 3, 1000] {
        let records = ours(content.as_bytes(), block);
        let records: Vec<Vec<_>> = records
            .iter()
            .map(|record| {
                record
                    .iter()
                    .map(|field| String::from_utf8_lossy(field))
                    .collect()
            })
            .collect();
        assert_eq!(records, expected, "{content:?} in blocks of {block}");
    }
}

#[test]
fn records_and_fields() {
    check("a,b\n1,2\n", &[&["a", "b"], &["1", "2"]]);
    check("a,b\r\n1,2", &[&["a", "b"], &["1", "2"]]);
    check("1,\"x\ny\"\n2,z\n", &[&["1", "x\ny"], &["2", "z"]]);
    check("\"say \"\"no\"\"\",\"\"\"\"\n", &[&["say \"no\"", "\""]]);
    check("a,,\n,\n", &[&["a", "", ""], &["", ""]]);
    check("5\" tall,b\"c\"\n", &[&["5\" tall", "b\"c\""]]);
    check("\"a\"b,\"c\" \"d\"\n", &[&["ab", "c \"d\""]]);
    check("\n\r\na\n\n", &[&["a"]]);
    check("\"\"\n", &[&[""]]);
    check("a,\"open\nb", &[&["CSV file ends inside a quoted field"]]);
}

proptest! {
    #[test]
    fn any_content_reads_as_the_csv_crate_reads_it(
        // Without a bare carriage return, which that crate takes for a line end.
        pieces in prop::collection::vec(
            prop::sample::select(vec!["a", "é", "\"", "\"\"", ",", "\n", "\r\n", " "]), 0..40),
        block in 1_usize..9,
    ) {
        let content = pieces.concat();
        let ours = ours(content.as_bytes(), block);
        let unclosed = ours.last().is_some_and(|last| last == &[b"CSV file ends inside a quoted field".to_vec()]);
        let expected = reference(content.as_bytes());
        // An unclosed quote is a finished field to that crate, and a refusal to us.
        let compared = if unclosed { ours.len() - 1 } else { expected.len().max(ours.len()) };
        prop_assert_eq!(&ours[..compared.min(ours.len())], &expected[..compared.min(expected.len())]);
    }

    #[test]
    fn cuts_are_begins_of_records(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["ab", "\"", ",", "\n"]), 0..60),
        piece in 1_u64..30,
    ) {
        let content = pieces.concat().into_bytes();
        let cuts = record_cuts(&content[..], piece).unwrap();
        let mut last = 0;
        for cut in cuts {
            prop_assert!(cut - last >= piece && cut < content.len() as u64);
            last = cut;
            let place = usize::try_from(cut).unwrap();
            let joined = [ours(&content[..place], 7), ours(&content[place..], 7)].concat();
            prop_assert_eq!(joined, ours(&content, 7));
        }
    }
}
