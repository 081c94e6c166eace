//! However a line file is cut, its pieces together are the file.

use proptest::prelude::*;

use super::*;
use crate::csv::record_cuts;

/// Reads the file in the pieces that `cuts` make and expects what one reading gives.
fn check_pieces(put: &Put, cuts: &[u64]) -> Result<(), TestCaseError> {
    let options = ReadOptions::default().with_max_chart_bytes(60);
    let (begin, end) = extent_of(&put.source);
    let whole = put.read((begin, end), &options);
    let mut cuts = cuts.to_vec();
    cuts.extend([begin, end]);
    cuts.sort_unstable();
    let pieces = cuts
        .windows(2)
        .map(|pair| put.read((pair[0], pair[1]), &options));
    prop_assert_eq!(pieces.collect::<Vec<_>>().concat(), whole);
    Ok(())
}

fn pieces_of_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{\"id\":1,\"text\":\"a\"}",
        "{\"id\":\"é\",\"text\":\"b\\nc\",\"meta\":2}",
        "\n",
        "\n",
        "\r\n",
        "x",
        " ",
        "{",
        "a line that is longer than the limit of sixty bytes, by far",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn pieces_of_csv() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "1,a",
        "2,\"b\nc\"",
        "\"3\",\"d \"\"e\"\"\"",
        "\n",
        "\n",
        "\r\n",
        "\"",
        ",",
        "x",
        "4,\"text that is longer than the limit of sixty\n bytes, by far\n\"",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| format!("id,text\n{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn json_lines_may_be_cut_at_any_byte(
        content in pieces_of_json(), cuts in prop::collection::vec(0.0..1.0, 0..5)
    ) {
        let put = put("a.jsonl", content.as_bytes());
        let at = |share: &f64| place(content.len(), *share);
        check_pieces(&put, &cuts.iter().map(at).collect::<Vec<_>>())?;
    }

    #[test]
    fn compressed_lines_may_be_cut_at_any_line(
        content in pieces_of_json(), cuts in prop::collection::vec(0_u64..30, 0..5)
    ) {
        check_pieces(&put("a.jsonl.gz", &gz(content.as_bytes())), &cuts)?;
    }

    #[test]
    fn csv_may_be_cut_where_the_cutter_says(content in pieces_of_csv(), piece in 1_u64..80) {
        let cuts = record_cuts(content.as_bytes(), piece).unwrap();
        check_pieces(&put("a.csv", content.as_bytes()), &cuts)?;
    }

    #[test]
    fn splitting_to_the_end_loses_and_doubles_nothing(
        json in pieces_of_json(), csv in pieces_of_csv()
    ) {
        let options = ReadOptions::default().with_max_chart_bytes(60);
        for (name, content) in [
            ("a.jsonl", json.clone().into_bytes()),
            ("a.jsonl.zst", zst(json.as_bytes())),
            ("a.csv", csv.into_bytes()),
        ] {
            let put = put(name, &content);
            let extent = extent_of(&put.source);
            prop_assert_eq!(put.read_split(extent, &options), put.read(extent, &options));
        }
    }

    #[test]
    fn a_position_is_the_extent_of_its_chart(content in pieces_of_json()) {
        let options = ReadOptions::default().with_max_chart_bytes(60);
        for (name, content) in [
            ("a.jsonl", content.clone().into_bytes()),
            ("a.jsonl.gz", gz(content.as_bytes())),
        ] {
            let put = put(name, &content);
            let extent = extent_of(&put.source);
            let reader = ShardReader::new(put.folder.path(), &put.source, extent, &options);
            for (position, words) in in_words(reader) {
                prop_assert_eq!(put.read((position, position + 1), &options), [words]);
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a few hundred bytes"
)]
fn place(length: usize, share: f64) -> u64 {
    (length as f64 * share) as u64
}
