//! Findings for people: each in its sentence, and with `--explain` how the coder came to it.

use std::io::{self, Write};

use coder::{Assertion, AssertionReason, Coder, Coding, Finding};
use serde::Serialize;

use crate::output::Output;

/// How much of a sentence is shown on each side of the evidence, in bytes.
const AROUND: usize = 100;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Prints for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct People {
    /// On a terminal that shows it.
    pub(crate) colour: bool,
    /// With the chain from text to code.
    pub(crate) explain: bool,
}

/// The chain from text to code and assertion.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Why<'a> {
    /// The words of the terminology that matched.
    pub(crate) term: String,
    /// The table that the term comes from.
    pub(crate) source: &'static str,
    /// What the term itself stands for.
    pub(crate) term_code: &'static str,
    /// The rule that chose the final code.
    pub(crate) rule: &'static str,
    /// What decided the assertion: default, section, cue or term.
    pub(crate) decided_by: &'static str,
    /// The cue's words in the chart.
    pub(crate) cue: Option<&'a str>,
}

impl<'a> Why<'a> {
    /// Why the coder found this in `text`.
    #[must_use]
    pub(crate) fn of(coder: &Coder, text: &'a str, finding: &Finding) -> Why<'a> {
        let evidence = text.get(finding.begin..finding.end).unwrap_or_default();
        let (decided_by, cue) = decided_by(finding.why.assertion, text);
        Why {
            term: coder.term(evidence),
            source: finding.why.source.as_str(),
            term_code: finding.why.term_code,
            rule: finding.why.rule.as_str(),
            decided_by,
            cue,
        }
    }
}

/// What decided an assertion, and the words of the cue if it was one.
#[must_use]
pub(crate) fn decided_by(reason: AssertionReason, text: &str) -> (&'static str, Option<&str>) {
    match reason {
        AssertionReason::Default => ("default", None),
        AssertionReason::Section => ("section", None),
        AssertionReason::Cue { begin, end } => ("cue", text.get(begin..end)),
        AssertionReason::Term => ("term", None),
    }
}

impl People {
    /// A chart that could not be read.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn quarantined(self, out: &mut Output, id: &str, reason: &str) -> io::Result<()> {
        writeln!(
            out,
            "{}\n  quarantined: {reason}\n",
            self.bold(&visible(id))
        )
    }

    /// A chart and what was found in it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn coded(
        self,
        out: &mut Output,
        coder: &Coder,
        id: &str,
        text: &str,
        coding: &Coding,
    ) -> io::Result<()> {
        writeln!(out, "{}", self.bold(&visible(id)))?;
        if coding.findings.is_empty() {
            writeln!(out, "  nothing found")?;
        }
        for finding in &coding.findings {
            self.finding(out, text, finding)?;
            if self.explain {
                explain(out, &Why::of(coder, text, finding), finding)?;
            }
        }
        for conflict in &coding.conflicts {
            let (code, excluded) = (conflict.code, conflict.excluded);
            writeln!(out, "  conflict: {code} excludes {excluded} (Excludes1)")?;
        }
        if self.explain {
            for note in &coding.notes {
                writeln!(
                    out,
                    "  note: {}: {}: {}",
                    note.code,
                    note.kind.as_str(),
                    note.text
                )?;
            }
        }
        writeln!(out)
    }

    fn finding(self, out: &mut Output, text: &str, finding: &Finding) -> io::Result<()> {
        let word = finding.assertion.as_str();
        let (colour, plain) = match self.colour {
            true => (colour_of(finding.assertion), PLAIN),
            false => ("", ""),
        };
        let code = finding.code;
        writeln!(
            out,
            "  {colour}{code:<9}{word:<13}{plain}{}",
            finding.description
        )?;
        let (before, evidence, after) = in_sentence(text, finding.begin, finding.end);
        let (open, close) = match self.colour {
            true => (format!("{colour}{BOLD}"), PLAIN),
            // Readable without colour, too.
            false => ("[".to_owned(), "]"),
        };
        let dim = if self.colour { DIM } else { "" };
        writeln!(
            out,
            "           {dim}{before}{plain}{open}{evidence}{close}{dim}{after}{plain}"
        )
    }

    fn bold(self, text: &str) -> String {
        match self.colour {
            true => format!("{BOLD}{text}{PLAIN}"),
            false => text.to_owned(),
        }
    }
}

fn explain(out: &mut Output, why: &Why<'_>, finding: &Finding) -> io::Result<()> {
    let mut line = |name: &str, value: String| writeln!(out, "             {name:<10}{value}");
    line("term", format!("\"{}\" ({})", why.term, why.source))?;
    match why.term_code == finding.code {
        true => line("rule", why.rule.to_owned())?,
        false => line(
            "rule",
            format!("{}: {} to {}", why.rule, why.term_code, finding.code),
        )?,
    }
    let section = match finding.section.as_str() {
        "" => "none",
        name => name,
    };
    line("section", section.to_owned())?;
    let decided = match (why.decided_by, why.cue) {
        ("cue", Some(cue)) => format!("by the cue \"{}\"", visible(cue)),
        ("section", _) => "by the section".to_owned(),
        ("term", _) => "by the term itself".to_owned(),
        _ => "nothing speaks against present".to_owned(),
    };
    line(
        "assertion",
        format!("{}: {decided}", finding.assertion.as_str()),
    )?;
    let first = (finding.begin, finding.end);
    let spans = std::iter::once(&first).chain(&finding.also);
    let spans: Vec<String> = spans.map(|(begin, end)| format!("{begin}-{end}")).collect();
    line("bytes", spans.join(", "))?;
    let billable = if finding.billable { "yes" } else { "no" };
    line("billable", billable.to_owned())
}

fn colour_of(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "\x1b[32m",
        Assertion::Negated => "\x1b[31m",
        Assertion::Possible => "\x1b[33m",
        Assertion::Historical => "\x1b[34m",
        Assertion::Family => "\x1b[35m",
        Assertion::Hypothetical => "\x1b[36m",
    }
}

/// The evidence with what stands around it in its sentence or line.
fn in_sentence(text: &str, begin: usize, end: usize) -> (String, String, String) {
    let (before, rest) = text.split_at_checked(begin).unwrap_or((text, ""));
    let (evidence, after) = rest
        .split_at_checked(end.saturating_sub(begin))
        .unwrap_or((rest, ""));
    let from = before
        .rfind(['\n', '\r'])
        .map(|at| at + 1)
        .max(before.rfind(". ").map(|at| at + 2))
        .unwrap_or(0);
    let mut from = from.max(before.len().saturating_sub(AROUND));
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let line = after.find(['\n', '\r']).unwrap_or(after.len());
    let sentence = after.find(". ").map_or(after.len(), |at| at + 1);
    let mut to = line.min(sentence).min(AROUND);
    while !after.is_char_boundary(to) {
        to -= 1;
    }
    (
        visible(before[from..].trim_start()),
        visible(evidence),
        visible(after[..to].trim_end()),
    )
}

/// Text of a chart, or its id, on a terminal: control characters do nothing there.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, evidence: &str, expected: &str) {
        let begin = text.find(evidence).unwrap();
        let (before, found, after) = in_sentence(text, begin, begin + evidence.len());
        assert_eq!(format!("{before}[{found}]{after}"), expected);
    }

    #[test]
    fn evidence_is_shown_in_its_sentence() {
        check(
            "No pain. Has gout today. Well.",
            "gout",
            "Has [gout] today.",
        );
        check("HPI:\n  gout\nPlan", "gout", "[gout]");
        check("gout", "gout", "[gout]");
        check(
            "has type 2\ndiabetes, mild",
            "type 2\ndiabetes",
            "has [type 2 diabetes], mild",
        );
        let long = format!("{}gout{}", "é".repeat(200), "é".repeat(200));
        check(&long, "gout", &format!("{0}[gout]{0}", "é".repeat(50)));
    }

    #[test]
    fn a_chart_cannot_steer_the_terminal() {
        check(
            "a \x1b[2Jgout\x07 b",
            "gout",
            "a \u{fffd}[2J[gout]\u{fffd} b",
        );
    }
}
