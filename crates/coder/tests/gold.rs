//! The coder's quality on the hand-written gold notes must not fall below what it was. The notes are few and were
//! at hand while the rules were written, so the floors guard against loss; they do not tell the quality on other notes.

#[path = "../src/bin/evaluate/marked.rs"]
mod marked;

use coder::{Assertion, Coder, Scratch};

static ASSERTIONS: &str = include_str!("../test_data/assertions.txt");
static CODES: &str = include_str!("../test_data/codes.txt");

#[test]
fn assertions_of_given_spans_stay_good() {
    let coder = Coder::embedded();
    let mut pairs = Vec::new();
    for note in marked::read(ASSERTIONS) {
        let asked: Vec<_> = note.spans.iter().map(|s| (s.begin, s.end)).collect();
        let answers = coder.assert_spans(&note.text, &asked);
        pairs.extend(
            note.spans
                .iter()
                .zip(answers)
                .map(|(s, a)| (s.assertion, a.assertion)),
        );
    }
    assert!(
        pairs.len() > 400,
        "the gold notes were read: {}",
        pairs.len()
    );
    for assertion in Assertion::ALL {
        let count = |f: &dyn Fn(&(Assertion, Assertion)) -> bool| {
            pairs.iter().filter(|p| f(p)).count() as f64
        };
        let right = count(&|p| p.0 == assertion && p.1 == assertion);
        let f1 = 2.0 * right / (count(&|p| p.0 == assertion) + count(&|p| p.1 == assertion));
        assert!(f1 >= 0.97, "{}: F1 {f1:.3}", assertion.as_str());
    }
}

#[test]
fn codes_of_the_gold_notes_stay_found() {
    let coder = Coder::embedded();
    let mut scratch = Scratch::default();
    let (mut gold, mut right, mut found) = (0.0, 0.0, 0.0);
    for note in marked::read(CODES) {
        let coding = coder.code(&note.text, &mut scratch);
        found += coding
            .findings
            .iter()
            .map(|f| 1.0 + f.also.len() as f64)
            .sum::<f64>();
        for span in &note.spans {
            gold += 1.0;
            let hit = coding.findings.iter().any(|f| {
                let places = || std::iter::once((f.begin, f.end)).chain(f.also.iter().copied());
                Some(f.code) == span.code.as_deref()
                    && f.assertion == span.assertion
                    && places().any(|(begin, end)| begin < span.end && span.begin < end)
            });
            right += f64::from(hit);
        }
    }
    let (precision, recall) = (right / found, right / gold);
    assert!(recall >= 0.95, "recall {recall:.3}");
    assert!(precision >= 0.9, "precision {precision:.3}");
}
