//! `dayfly assert`: what the text says of spans that another system found.
//!
//! One JSON object a line in, `{"id", "text", "begin", "end"}`, offsets in bytes of UTF-8; one a
//! line out, in the same order.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::AssertArgs;
use crate::commands::explain::decided_by;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::pins;

/// A line in. Other fields are not looked at.
#[derive(Deserialize)]
struct Span {
    #[serde(default)]
    id: Value,
    text: String,
    begin: usize,
    end: usize,
}

/// A line out.
#[derive(Serialize)]
struct Asserted<'a> {
    id: &'a Value,
    assertion: &'static str,
    /// The words of the text that decided it.
    cue: Option<&'a str>,
    section: &'static str,
    /// What decided it: default, section, cue or term.
    rule: &'static str,
}

/// Runs the command.
///
/// # Errors
/// The first line that is not as it must be, by its number: exit 2. Lines before it are answered.
pub(crate) fn run(arguments: &AssertArgs) -> Result<Exit, Failure> {
    let files = &arguments.coder;
    let coder = pins::coder(files.terminology.as_deref(), files.cues.as_deref())?;
    let mut out = Output::new();
    let mut line = Vec::new();
    let mut stdin = std::io::stdin().lock();
    for number in 1_u64.. {
        line.clear();
        if stdin.read_until(b'\n', &mut line)? == 0 || out.is_closed() {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let span = match parse(&line) {
            Ok(span) => span,
            Err(why) => {
                out.flush()?;
                return Err(Failure::usage(format_args!("line {number}: {why}")));
            }
        };
        let answer = coder.assert_span(&span.text, span.begin, span.end);
        let (rule, cue) = decided_by(answer.reason, &span.text);
        let asserted = Asserted {
            id: &span.id,
            assertion: answer.assertion.as_str(),
            cue,
            section: answer.section.as_str(),
            rule,
        };
        output::json(&mut out, &asserted)?;
    }
    out.flush()?;
    Ok(Exit::Complete)
}

/// Why a line is refused never shows what is in it.
fn parse(line: &[u8]) -> Result<Span, &'static str> {
    const SHAPE: &str = "not an object with id, text, begin and end";
    let span: Span = serde_json::from_slice(line).map_err(|_| SHAPE)?;
    if span.begin >= span.end {
        return Err("the span is empty: begin is not below end");
    }
    if span.end > span.text.len() {
        return Err("the span ends behind the text (offsets are bytes of UTF-8)");
    }
    if span.text.get(span.begin..span.end).is_none() {
        return Err("the span cuts a character in two (offsets are bytes of UTF-8)");
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_refused_without_showing_it() {
        let check = |line: &str, part: &str| {
            let why = parse(line.as_bytes()).err().unwrap_or_default();
            assert!(why.contains(part), "{line}: {why}");
        };
        check("no JSON", "not an object");
        check(r#"{"id": 1, "text": "gout"}"#, "not an object");
        check(
            r#"{"id": 1, "text": "gout", "begin": -1, "end": 2}"#,
            "not an object",
        );
        check(
            r#"{"id": 1, "text": "gout", "begin": 2, "end": 2}"#,
            "empty",
        );
        check(
            r#"{"id": 1, "text": "gout", "begin": 0, "end": 9}"#,
            "behind",
        );
        check(r#"{"id": 1, "text": "é", "begin": 0, "end": 1}"#, "in two");
        assert!(parse(r#"{"text": "é", "begin": 0, "end": 2, "x": 1}"#.as_bytes()).is_ok());
    }
}
