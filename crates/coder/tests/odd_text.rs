//! No text is too odd: nothing panics, offsets are sound, and what was coded before or beside changes nothing.

use coder::{Coder, Coding, Scratch, Terminology};
use proptest::prelude::*;

/// Pieces that charts are made of, and pieces that break programs.
const PIECES: [&str; 40] = [
    "chest pain",
    "no ",
    "denies ",
    "History of ",
    "diabetes",
    "type 2 ",
    " with ",
    "neuropathy",
    "\n",
    "\r\n",
    "\n\n",
    ".",
    ". ",
    ": ",
    ", ",
    "; ",
    "?",
    " ?",
    "-",
    "+",
    "(-) ",
    "/",
    "(",
    ")",
    "PMH:",
    "FAMILY HISTORY\n",
    "1) ",
    "2. ",
    "•",
    "\u{feff}",
    "\u{200b}",
    "é",
    "ß",
    "İ",
    "ﬁ",
    "😷",
    "\u{301}",
    "'s ",
    "’s ",
    "\0",
];

fn chart() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-zA-Z]{1,45}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|p| p.concat())
}

fn coded(text: &str) -> Coding {
    Coder::embedded().code(text, &mut Scratch::default())
}

fn assert_sound(text: &str, coding: &Coding) {
    let terminology = Terminology::embedded();
    for f in &coding.findings {
        for (begin, end) in std::iter::once((f.begin, f.end)).chain(f.also.iter().copied()) {
            let evidence = text
                .get(begin..end)
                .expect("offsets on character boundaries");
            assert!(!evidence.is_empty());
            assert_eq!(evidence.trim(), evidence);
        }
        assert!(terminology.describe(f.code).is_some(), "{} exists", f.code);
        assert!(!f.billable || terminology.is_billable(f.code));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3000 }))]

    #[test]
    fn any_text_is_a_chart(text in chart()) {
        assert_sound(&text, &coded(&text));
    }

    #[test]
    fn any_span_of_any_text_has_an_assertion(text in chart(), a in 0usize..300, b in 0usize..300) {
        let one = Coder::embedded().assert_span(&text, a, b);
        let many = Coder::embedded().assert_spans(&text, &[(b, a), (a, b), (0, usize::MAX)]);
        prop_assert_eq!(one, many[1]);
    }

    #[test]
    fn what_was_coded_before_changes_nothing(texts in prop::collection::vec(chart(), 1..6)) {
        let coder = Coder::embedded();
        let mut scratch = Scratch::default();
        for text in texts.iter().rev().chain(&texts) {
            prop_assert_eq!(coder.code(text, &mut scratch), coded(text));
        }
    }

    #[test]
    fn any_cue_table_is_read_or_refused(table in "([a-z |]{1,9}\t(negated|tail|past|x)\t(forward|opening|none)\t[0-9]{1,3}\n){0,5}", text in chart()) {
        if let Ok(cues) = coder::Cues::built_in_with(&table) {
            assert_sound(&text, &Coder::new(Terminology::embedded(), cues).code(&text, &mut Scratch::default()));
        }
    }
}

#[test]
fn threads_beside_each_other_change_nothing() {
    let texts: Vec<String> = (0..40)
        .map(|i| {
            format!(
                "PMH: gout. Denies chest pain. Diabetes type {}. Left knee pain {i}.",
                i % 3
            )
        })
        .collect();
    let alone: Vec<Coding> = texts.iter().map(|t| coded(t)).collect();
    let coder = Coder::embedded();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut scratch = Scratch::default();
                for (text, expected) in texts.iter().zip(&alone) {
                    assert_eq!(&coder.code(text, &mut scratch), expected);
                }
            });
        }
    });
}

#[test]
fn text_without_any_mark_is_read_to_its_end() {
    let text = "pain and ".repeat(20_000) + "gout";
    let coding = coded(&text);
    assert!(coding.findings.iter().any(|f| f.end == text.len()));
}

#[test]
fn damaged_terminologies_are_refused() {
    assert!(Terminology::from_bytes(Vec::new()).is_err());
    assert!(Terminology::from_bytes(b"DAYFLYT1".to_vec()).is_err());
    assert!(Terminology::from_bytes(vec![0; 4096]).is_err());
}
