//! Tokens: the words of a chart with their places, and the classes of bytes that they are cut by.

use crate::cues::CueWord;
use crate::terminology::WordId;

/// A word of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// Byte offsets into the chart.
    pub(crate) begin: usize,
    pub(crate) end: usize,
    /// What the terminology knows of it.
    pub(crate) word: WordId,
    /// What the cue table knows of it.
    pub(crate) cue: CueWord,
    /// Marks between the token before and this one, see [`gap`].
    pub(crate) gap: u8,
    /// How it is written, see [`shape`].
    pub(crate) shape: u8,
}

/// What stands between two tokens.
pub(crate) mod gap {
    pub(crate) const COMMA: u8 = 1;
    pub(crate) const SLASH: u8 = 2;
    pub(crate) const BRACKET: u8 = 4;
    pub(crate) const SEMICOLON: u8 = 8;
    pub(crate) const COLON: u8 = 16;
    pub(crate) const PERIOD: u8 = 32;
    pub(crate) const LINE: u8 = 64;
    pub(crate) const OTHER: u8 = 128;
    /// A term does not reach across these.
    pub(crate) const BREAKS_TERM: u8 = BRACKET | SEMICOLON | COLON | PERIOD | OTHER;
}

/// How a token is written.
pub(crate) mod shape {
    /// No lower-case letter in it, and at least one letter.
    pub(crate) const UPPER: u8 = 1;
    /// Begins with a capital.
    pub(crate) const CAPITAL: u8 = 2;
    /// Digits only.
    pub(crate) const NUMBER: u8 = 4;
    /// One character.
    pub(crate) const SINGLE: u8 = 8;
    /// Four digits that read as a year.
    pub(crate) const YEAR: u8 = 16;
    /// A minus stands before it, as in "-fever"; "(-)" sets [`PLUS`] too, because it cannot be a hyphen.
    pub(crate) const MINUS: u8 = 32;
    /// A question mark stands before it, as in "?cellulitis".
    pub(crate) const ASKED: u8 = 64;
    /// A plus stands before it.
    pub(crate) const PLUS: u8 = 128;
}

/// The mark that stands before a word: plus, minus or question mark, with nothing but space before it.
#[inline]
pub(crate) fn mark_before(before: &[u8]) -> u8 {
    match before {
        [.., b'(', b'-', b')'] | [.., b'(', b'-', b')', b' '] => shape::MINUS | shape::PLUS,
        [.., b' ' | b',' | b';' | b'(', b'-'] => shape::MINUS,
        [.., b'(', b'+', b')'] | [.., b'(', b'+', b')', b' '] | [.., b'+'] => shape::PLUS,
        [b'?'] | [b'?', b' '] | [.., b' ' | b',' | b'(' | b'\n', b'?'] => shape::ASKED,
        [.., b' ' | b'\n', b'?', b' '] => shape::ASKED,
        _ => 0,
    }
}

/// Abbreviations after which a period does not end a sentence.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    const KNOWN: [&str; 24] = [
        "dr", "mr", "mrs", "ms", "prof", "vs", "approx", "dept", "fig", "no", "st", "jr", "sr",
        "e", "g", "i", "etc", "ca", "resp", "temp", "incl", "esp", "al", "sig",
    ];
    word.len() <= 6
        && KNOWN.iter().any(|k| k.eq_ignore_ascii_case(word))
        // "no." is a number only rarely; at a sentence's end it is an answer, so it is an abbreviation only as "No.".
        && word != "no"
}

const OTHER: u8 = gap::OTHER;
const COMMA: u8 = gap::COMMA;
const SLASH: u8 = gap::SLASH;
const BRACKET: u8 = gap::BRACKET;
const SEMI: u8 = gap::SEMICOLON;
/// The classes below 200 are gap marks themselves.
pub(crate) const MARK: u8 = 0xff;
pub(crate) const LETTER: u8 = 200;
pub(crate) const SPACE: u8 = 201;
pub(crate) const NEWLINE: u8 = 202;
pub(crate) const PERIOD: u8 = 203;
pub(crate) const COLON: u8 = 204;
pub(crate) const WIDE: u8 = 205;

/// The class of every byte.
pub(crate) static CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut i = 0;
    while i < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the index stays below 256")]
        let b = i as u8;
        table[i] = match b {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b' ' | b'\t' | b'\r' => SPACE,
            b'\n' => NEWLINE,
            b'.' | b'!' | b'?' => PERIOD,
            b':' => COLON,
            b',' => COMMA,
            b'/' => SLASH,
            b'(' | b')' | b'[' | b']' | b'{' | b'}' => BRACKET,
            b';' => SEMI,
            b'-' | b'\'' | b'"' | b'&' | b'_' => 0,
            0x80..=0xff => WIDE,
            _ => OTHER,
        };
        i += 1;
    }
    table
};
