//! Scores the coder against gold files: `cargo run --release -p coder --bin evaluate -- codes|assertions|spans|notes FILE…`
//!
//! * `codes`: lines `{"id", "text", "codes": […]}`; micro P/R/F1 of all findings, at the code and at its category.
//! * `assertions`: lines `{"id", "text", "begin", "end", "assertion"}`, where `assertion` is a name or a list of names;
//!   P/R/F1 of every assertion with the span given.
//! * `spans`: marked notes, see `marked.rs`; P/R/F1 of every assertion with the span given.
//! * `notes`: marked notes with codes; which marked codes were found, and with which assertion.
//!
//! `--wrong N` shows N errors, by offsets and codes for `codes`, with the text for gold sets.
//! `--predictions` prints `id, code, begin, end, assertion` lines instead of scores.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output of a program"
)]

mod marked;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

use coder::{Assertion, Coder, Scratch};
use marked::Marked;
use serde_json::Value;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut kind = String::new();
    let (mut files, mut wrong, mut predictions) = (Vec::new(), 0, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--wrong" => wrong = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(20),
            "--predictions" => predictions = true,
            _ if kind.is_empty() => kind = argument,
            _ => files.push(argument),
        }
    }
    let (mut rows, mut gold) = (Vec::new(), Vec::new());
    for file in &files {
        let Ok(content) = fs::read_to_string(file) else {
            eprintln!("cannot read {file}");
            return ExitCode::from(2);
        };
        if matches!(kind.as_str(), "spans" | "notes") {
            gold.extend(marked::read(&content));
            continue;
        }
        rows.extend(
            content
                .lines()
                .filter_map(|l| serde_json::from_str::<Value>(l).ok()),
        );
    }
    let coder = Coder::embedded();
    match (kind.as_str(), predictions) {
        ("codes", true) => predict(&coder, &rows),
        ("codes", false) => codes(&coder, &rows, wrong),
        ("assertions", _) => assertions(&coder, &rows, wrong),
        ("spans", _) => spans(&coder, &gold, wrong),
        ("notes", _) => notes(&coder, &gold, wrong),
        _ => {
            eprintln!(
                "usage: evaluate codes|assertions|spans|notes FILE… [--wrong N] [--predictions]"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn text_of(row: &Value) -> &str {
    row.get("text").and_then(Value::as_str).unwrap_or("")
}

fn id_of(row: &Value) -> &str {
    row.get("id").and_then(Value::as_str).unwrap_or("")
}

fn predict(coder: &Coder, rows: &[Value]) {
    let mut scratch = Scratch::default();
    for row in rows {
        for f in coder.code(text_of(row), &mut scratch).findings {
            for (begin, end) in std::iter::once((f.begin, f.end)).chain(f.also) {
                println!(
                    "{}\t{}\t{begin}\t{end}\t{}",
                    id_of(row),
                    f.code,
                    f.assertion.as_str()
                );
            }
        }
    }
}

/// Counts of right, wrong and missed answers.
#[derive(Default, Clone, Copy)]
struct Count {
    right: f64,
    predicted: f64,
    gold: f64,
}

impl Count {
    fn show(self, name: &str) {
        let (p, r) = (
            self.right / self.predicted.max(1.0),
            self.right / self.gold.max(1.0),
        );
        let f1 = 2.0 * p * r / (p + r).max(1e-9);
        println!(
            "{name:14} P {p:.3} R {r:.3} F1 {f1:.3}  (gold {}, found {})",
            self.gold, self.predicted
        );
    }
}

fn codes(coder: &Coder, rows: &[Value], wrong: usize) {
    let mut scratch = Scratch::default();
    let (mut full, mut category) = (Count::default(), Count::default());
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    let mut extra: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in rows {
        let text = text_of(row);
        let gold: BTreeSet<&str> = row
            .get("codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let coding = coder.code(text, &mut scratch);
        let found: BTreeSet<&str> = coding.findings.iter().map(|f| f.code).collect();
        for (count, cut) in [(&mut full, 8), (&mut category, 3)] {
            let g: BTreeSet<&str> = gold.iter().map(|c| &c[..c.len().min(cut)]).collect();
            let p: BTreeSet<&str> = found.iter().map(|c| &c[..c.len().min(cut)]).collect();
            count.right += g.intersection(&p).count() as f64;
            count.predicted += p.len() as f64;
            count.gold += g.len() as f64;
        }
        for code in gold.difference(&found) {
            *missed.entry((*code).to_owned()).or_default() += 1;
        }
        for f in coding.findings.iter().filter(|f| !gold.contains(f.code)) {
            let evidence = text.get(f.begin..f.end).unwrap_or("").to_lowercase();
            *extra.entry((f.code.to_owned(), evidence)).or_default() += 1;
        }
    }
    full.show("code");
    category.show("category");
    let mut missed: Vec<_> = missed.into_iter().map(|(c, n)| (n, c)).collect();
    missed.sort_by(|a, b| b.cmp(a));
    for (n, code) in missed.iter().take(wrong) {
        println!(
            "missed {n:3} {code:8} {}",
            coder.terminology().describe(code).unwrap_or_default()
        );
    }
    let mut extra: Vec<_> = extra.into_iter().map(|(k, n)| (n, k)).collect();
    extra.sort_by(|a, b| b.cmp(a));
    for (n, (code, evidence)) in extra.iter().take(wrong) {
        println!("extra  {n:3} {code:8} {evidence}");
    }
}

fn assertions(coder: &Coder, rows: &[Value], wrong: usize) {
    let mut counts = [Count::default(); 6];
    let mut shown = 0;
    for row in rows {
        let gold: Vec<Assertion> = match row.get("assertion") {
            Some(Value::String(name)) => Assertion::from_name(name).into_iter().collect(),
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .filter_map(Assertion::from_name)
                .collect(),
            _ => Vec::new(),
        };
        let offset = |name: &str| {
            row.get(name)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(0)
        };
        let (begin, end) = (offset("begin"), offset("end"));
        let text = text_of(row);
        let found = coder.assert_span(text, begin, end).assertion;
        for (count, assertion) in counts.iter_mut().zip(Assertion::ALL) {
            count.right += f64::from(gold.contains(&assertion) && found == assertion);
            count.predicted += f64::from(found == assertion);
            count.gold += f64::from(gold.contains(&assertion));
        }
        if !gold.contains(&found) && shown < wrong {
            shown += 1;
            let names: Vec<_> = gold.iter().map(|a| a.as_str()).collect();
            println!(
                "{} {names:?} not {}: {}",
                id_of(row),
                found.as_str(),
                marked(text, begin, end)
            );
        }
    }
    show_all(&counts);
}

/// The text around a span, the span in brackets.
fn marked(text: &str, begin: usize, end: usize) -> String {
    let left = (0..=begin)
        .rev()
        .filter(|i| text.is_char_boundary(*i))
        .nth(110)
        .unwrap_or(0);
    let right = (end..=text.len())
        .filter(|i| text.is_char_boundary(*i))
        .nth(70)
        .unwrap_or(text.len());
    let part = |a: usize, b: usize| text.get(a..b).unwrap_or("").replace('\n', "⏎");
    format!(
        "{}[[{}]]{}",
        part(left, begin),
        part(begin, end),
        part(end, right)
    )
}

/// The assertions of marked spans.
fn spans(coder: &Coder, notes: &[Marked], wrong: usize) {
    let mut counts = [Count::default(); 6];
    let mut shown = 0;
    for (i, note) in notes.iter().enumerate() {
        let asked: Vec<_> = note.spans.iter().map(|s| (s.begin, s.end)).collect();
        for (span, answer) in note
            .spans
            .iter()
            .zip(coder.assert_spans(&note.text, &asked))
        {
            tally(&mut counts, span.assertion, Some(answer.assertion));
            if answer.assertion != span.assertion && shown < wrong {
                shown += 1;
                println!(
                    "note {i}: {} not {}: {}",
                    span.assertion.as_str(),
                    answer.assertion.as_str(),
                    marked(&note.text, span.begin, span.end)
                );
            }
        }
    }
    show_all(&counts);
}

/// The codes of marked spans, wherever the finding's evidence touches the span.
fn notes(coder: &Coder, notes: &[Marked], wrong: usize) {
    let mut scratch = Scratch::default();
    let mut counts = [Count::default(); 6];
    let (mut codes, mut shown) = (Count::default(), 0);
    for (i, note) in notes.iter().enumerate() {
        let coding = coder.code(&note.text, &mut scratch);
        let found: Vec<_> = coding
            .findings
            .iter()
            .flat_map(|f| {
                let all = std::iter::once((f.begin, f.end)).chain(f.also.iter().copied());
                all.map(move |(begin, end)| (begin, end, f.code, f.assertion))
            })
            .collect();
        codes.predicted += found.len() as f64;
        for span in &note.spans {
            let Some(code) = &span.code else { continue };
            codes.gold += 1.0;
            let touching: Vec<_> = found
                .iter()
                .filter(|(begin, end, ..)| *begin < span.end && span.begin < *end)
                .collect();
            let hit = touching.iter().find(|(_, _, c, _)| c == code);
            codes.right += f64::from(hit.is_some());
            tally(&mut counts, span.assertion, hit.map(|(.., a)| *a));
            if hit.is_none_or(|(.., a)| *a != span.assertion) && shown < wrong {
                shown += 1;
                let got: Vec<_> = touching
                    .iter()
                    .map(|(_, _, c, a)| format!("{c} {}", a.as_str()))
                    .collect();
                println!(
                    "note {i}: {code} {} got {got:?}: {}",
                    span.assertion.as_str(),
                    marked(&note.text, span.begin, span.end)
                );
            }
        }
    }
    codes.show("codes");
    show_all(&counts);
}

fn tally(counts: &mut [Count; 6], gold: Assertion, found: Option<Assertion>) {
    for (count, a) in counts.iter_mut().zip(Assertion::ALL) {
        count.right += f64::from(gold == a && found == Some(a));
        count.predicted += f64::from(found == Some(a));
        count.gold += f64::from(gold == a);
    }
}

fn show_all(counts: &[Count; 6]) {
    for (count, assertion) in counts.iter().zip(Assertion::ALL) {
        count.show(assertion.as_str());
    }
}
