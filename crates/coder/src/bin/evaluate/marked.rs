//! Gold notes as marked text: `[n:chest pain=R07.9]` is the span "chest pain", negated, with its code.
//!
//! The letters are p present, n negated, u possible, h historical, f family, y hypothetical; the code may be left out.
//! Lines that begin with `%` are comments, a line `---` ends a note.

use coder::Assertion;

/// A note without its marks, and what the marks say.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    /// The text as a chart would hold it.
    pub(crate) text: String,
    /// The marked spans in text order.
    pub(crate) spans: Vec<Span>,
}

/// A marked span: UTF-8 byte offsets into the text.
#[derive(Debug)]
pub(crate) struct Span {
    /// Where it begins.
    pub(crate) begin: usize,
    /// Just after its end.
    pub(crate) end: usize,
    /// What the note says of it.
    pub(crate) assertion: Assertion,
    /// Its code, where the note gives one.
    pub(crate) code: Option<String>,
}

/// Reads all notes of a file. A mark that cannot be read stays in the text.
pub(crate) fn read(content: &str) -> Vec<Marked> {
    let lines: Vec<&str> = content.lines().filter(|l| !l.starts_with("% ")).collect();
    lines
        .split(|l| *l == "---")
        .map(|note| unmark(&note.join("\n")))
        .filter(|note| !note.text.trim().is_empty())
        .collect()
}

/// Takes the marks out of one text.
pub(crate) fn unmark(marked: &str) -> Marked {
    let mut note = Marked::default();
    let mut rest = marked;
    while let Some(open) = rest.find('[') {
        note.text.push_str(&rest[..open]);
        rest = &rest[open..];
        match mark(rest) {
            Some((assertion, words, code, len)) => {
                let begin = note.text.len();
                note.text.push_str(words);
                note.spans.push(Span {
                    begin,
                    end: note.text.len(),
                    assertion,
                    code: code.map(str::to_owned),
                });
                rest = &rest[len..];
            }
            None => {
                note.text.push('[');
                rest = &rest[1..];
            }
        }
    }
    note.text.push_str(rest);
    note
}

/// The mark that `text` begins with: assertion, words, code, and its length.
fn mark(text: &str) -> Option<(Assertion, &str, Option<&str>, usize)> {
    let close = text.find(']')?;
    let (letter, inner) = text[1..close].split_once(':')?;
    let assertion = match letter {
        "p" => Assertion::Present,
        "n" => Assertion::Negated,
        "u" => Assertion::Possible,
        "h" => Assertion::Historical,
        "f" => Assertion::Family,
        "y" => Assertion::Hypothetical,
        _ => return None,
    };
    let (words, code) = match inner.split_once('=') {
        Some((words, code)) => (words, Some(code)),
        None => (inner, None),
    };
    Some((assertion, words, code, close + 1))
}
