//! Reading a chart: sections, sentences and word tokens, one sentence at a time.
//!
//! A sentence is what cues act in, so list items and lines count as sentences of their own, and a line that was
//! wrapped does not end one. Memory stays small however long the chart is.

use crate::cues::{CueWord, Cues};
use crate::section::Section;
use crate::terminology::{Terminology, WordId};
use crate::token::{
    CLASS, COLON, LETTER, MARK, NEWLINE, PERIOD, SPACE, Token, WIDE, gap, is_abbreviation,
    mark_before, shape,
};
use crate::word::Word;

/// What the reader knows of a sentence beside its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sentence {
    /// The section it stands in.
    pub(crate) section: Section,
    /// It began with a bullet, a number or on a line of its own.
    pub(crate) item: bool,
    /// It ended in a colon at the end of a line: what follows is its list.
    pub(crate) opens_list: bool,
    /// It ended in a question mark.
    pub(crate) asks: bool,
    /// It is the first after an empty line or a heading.
    pub(crate) fresh: bool,
}

/// A sentence longer than this is cut: text without any mark must not make cues reach without end.
const LONGEST_SENTENCE: usize = 250;

/// Reads one chart from its beginning.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    terminology: &'a Terminology,
    cues: &'a Cues,
    at: usize,
    line_begin: usize,
    section: Section,
    fresh: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, terminology: &'a Terminology, cues: &'a Cues) -> Reader<'a> {
        Reader {
            text,
            terminology,
            cues,
            at: 0,
            line_begin: 0,
            section: Section::None,
            fresh: true,
        }
    }

    /// Reads the next sentence into `tokens`. None at the end of the chart.
    pub(crate) fn next_sentence(&mut self, tokens: &mut Vec<Token>) -> Option<Sentence> {
        tokens.clear();
        let bytes = self.text.as_bytes();
        let mut gap = 0u8;
        let mut sentence = Sentence {
            section: self.section,
            fresh: self.fresh,
            ..Sentence::default()
        };
        // Offset of the first token that stands on the present line.
        let mut line_token = 0;
        let mut item = self.at == 0 || bytes.get(self.at.wrapping_sub(1)) == Some(&b'\n');
        while let Some(&b) = bytes.get(self.at) {
            let class = CLASS[usize::from(b)];
            if class == LETTER || (class == WIDE && self.wide_is_letter()) {
                let token = self.word(gap);
                gap = 0;
                tokens.push(token);
                if tokens.len() >= LONGEST_SENTENCE {
                    break;
                }
                continue;
            }
            match class {
                SPACE => self.at += 1,
                NEWLINE => {
                    let line_len = self.at - self.line_begin;
                    if tokens.len() > line_token
                        && line_token == 0
                        && self.is_heading_line(tokens, bytes)
                    {
                        sentence = self.open_section(tokens);
                        self.skip_newlines(bytes);
                        (gap, item) = (0, true);
                        continue;
                    }
                    let empty_line = self.skip_newlines(bytes) > 1;
                    if tokens.is_empty() {
                        sentence.fresh |= empty_line;
                        (gap, item) = (0, true);
                        continue;
                    }
                    if empty_line || !self.is_wrapped(bytes, line_len) {
                        sentence.opens_list = gap & gap::COLON != 0;
                        self.fresh = empty_line;
                        sentence.item = item;
                        return Some(sentence);
                    }
                    line_token = tokens.len();
                    gap |= gap::LINE;
                }
                PERIOD => {
                    let after = bytes.get(self.at + 1).copied().unwrap_or(b'\n');
                    self.at += 1;
                    if !tokens.is_empty() && self.ends_sentence(tokens, bytes, after) {
                        sentence.asks = b == b'?';
                        sentence.item = item;
                        self.fresh = false;
                        return Some(sentence);
                    }
                    gap |= gap::PERIOD;
                }
                COLON => {
                    self.at += 1;
                    match self.heading_before_colon(tokens, line_token) {
                        Some((0, section)) => {
                            self.section = section;
                            sentence = self.open_section(tokens);
                            (gap, item) = (0, true);
                        }
                        Some((first, _)) => {
                            // A heading within a line: the sentence ends before it, and it is read again.
                            self.at = tokens[first].begin;
                            tokens.truncate(first);
                            sentence.item = item;
                            self.fresh = true;
                            return Some(sentence);
                        }
                        None => gap |= gap::COLON,
                    }
                }
                WIDE => {
                    self.at += self.text[self.at..]
                        .chars()
                        .next()
                        .map_or(1, char::len_utf8);
                    gap |= gap::OTHER;
                }
                other => {
                    gap |= other & MARK;
                    self.at += 1;
                }
            }
        }
        self.fresh = false;
        sentence.item = item;
        (!tokens.is_empty()).then_some(sentence)
    }

    /// Reads the word at the present offset, which holds a letter or digit.
    #[inline]
    fn word(&mut self, gap: u8) -> Token {
        let bytes = self.text.as_bytes();
        let begin = self.at;
        let (mut upper, mut digits) = (true, true);
        while let Some(&b) = bytes.get(self.at) {
            let class = CLASS[usize::from(b)];
            if class == LETTER {
                upper &= !b.is_ascii_lowercase();
                digits &= b.is_ascii_digit();
                self.at += 1;
            } else if class == WIDE && self.wide_is_letter() {
                let c = self.text[self.at..].chars().next().unwrap_or(' ');
                (upper, digits) = (upper && !c.is_lowercase(), false);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        let end = self.at;
        self.skip_genitive(bytes);
        let (word, cue) = match Word::fold(&self.text[begin..end]) {
            Some(folded) => {
                let hash = folded.hash();
                (self.terminology.word(hash), self.cues.word(hash))
            }
            None => (WordId::default(), CueWord::default()),
        };
        let mut shape = mark_before(&bytes[..begin]);
        if digits {
            shape |= shape::NUMBER;
            if end - begin == 4 && matches!(&bytes[begin..begin + 2], b"19" | b"20") {
                shape |= shape::YEAR;
            }
        } else {
            if upper {
                shape |= shape::UPPER;
            }
            if bytes[begin].is_ascii_uppercase() || !bytes[begin].is_ascii() {
                shape |= shape::CAPITAL;
            }
        }
        if end - begin == 1 {
            shape |= shape::SINGLE;
        }
        Token {
            begin,
            end,
            word,
            cue,
            gap,
            shape,
        }
    }

    /// Steps over "'s", which changes neither terms nor cues.
    fn skip_genitive(&mut self, bytes: &[u8]) {
        let rest = &bytes[self.at..];
        let mark = if rest.first() == Some(&b'\'') {
            1
        } else if rest.starts_with("’".as_bytes()) {
            3
        } else {
            return;
        };
        let ends = rest
            .get(mark + 1)
            .is_none_or(|b| CLASS[usize::from(*b)] != LETTER);
        if rest
            .get(mark)
            .is_some_and(|b| b.eq_ignore_ascii_case(&b's'))
            && ends
        {
            self.at += mark + 1;
        } else if mark == 1 && ends && rest.get(1).is_none_or(|b| *b == b' ') {
            self.at += 1;
        }
    }

    fn wide_is_letter(&self) -> bool {
        self.text[self.at..]
            .chars()
            .next()
            .is_some_and(char::is_alphanumeric)
    }

    /// Steps over line ends and the space around them, and says how many lines ended.
    fn skip_newlines(&mut self, bytes: &[u8]) -> usize {
        let mut lines = 0;
        let mut ahead = self.at;
        while let Some(&b) = bytes.get(ahead) {
            if b == b'\n' {
                lines += 1;
                self.at = ahead + 1;
            } else if !matches!(b, b' ' | b'\t' | b'\r') {
                break;
            }
            ahead += 1;
        }
        self.line_begin = self.at;
        lines
    }

    /// True if the line that just ended, `line_len` bytes long, goes on in the next.
    fn is_wrapped(&self, bytes: &[u8], line_len: usize) -> bool {
        let next = bytes[self.at..]
            .iter()
            .copied()
            .find(|b| !matches!(b, b' ' | b'\t'));
        let Some(next) = next else { return false };
        let last = bytes[..self.at]
            .iter()
            .rev()
            .copied()
            .find(|b| !b.is_ascii_whitespace());
        if matches!(last, Some(b':' | b'.' | b';' | b'!' | b'?')) || line_len < 45 {
            return false;
        }
        next.is_ascii_lowercase() || (line_len >= 60 && next.is_ascii_alphanumeric())
    }

    /// True if the period, exclamation or question mark before the present offset ends the sentence.
    fn ends_sentence(&self, tokens: &[Token], bytes: &[u8], after: u8) -> bool {
        let Some(last) = tokens.last() else {
            return false;
        };
        let space = after.is_ascii_whitespace() || matches!(after, b'"' | b')' | b']');
        if last.end + 1 != self.at && !space {
            return false;
        }
        if !space {
            // "fever.Patient": a forgotten space.
            let before = bytes[last.end - 1];
            return before.is_ascii_lowercase()
                && last.end - last.begin > 2
                && after.is_ascii_uppercase()
                && bytes.get(self.at + 1).is_some_and(u8::is_ascii_lowercase);
        }
        if bytes[self.at - 1] != b'.' {
            // "Fever ? pneumonia" asks about what follows.
            let asks = bytes[self.at - 1] == b'?' && last.end + 1 != self.at;
            return !(asks
                && bytes
                    .get(self.at + 1)
                    .is_some_and(u8::is_ascii_alphanumeric));
        }
        let word = &self.text[last.begin..last.end];
        let listed = last.shape & shape::NUMBER != 0 && tokens.len() == 1;
        let initial = last.shape & shape::SINGLE != 0
            && last.shape & shape::NUMBER == 0
            && last.gap & (gap::PERIOD | gap::SLASH) == 0
            && last.shape & shape::UPPER != 0;
        !listed && !initial && !is_abbreviation(word)
    }

    /// True if all tokens so far are a heading that stands on a line of its own. Sets the section.
    fn is_heading_line(&mut self, tokens: &[Token], bytes: &[u8]) -> bool {
        if tokens.len() > 7 {
            return false;
        }
        let last = bytes[..self.at]
            .iter()
            .rev()
            .copied()
            .find(|b| !b.is_ascii_whitespace());
        if matches!(last, Some(b'.' | b',' | b';')) {
            return false;
        }
        let heading = self.heading_words(tokens);
        if let Some(section) = Section::of_heading(&heading) {
            // A lone word such as "History" may be a heading only if it looks like one.
            if !begins_with_capital(tokens) {
                return false;
            }
            self.section = section;
            return true;
        }
        let upper = tokens
            .iter()
            .all(|t| t.shape & (shape::UPPER | shape::NUMBER) != 0);
        if upper && tokens.len() >= 2 && last == Some(b':') && !Section::is_part(&heading) {
            self.section = Section::Other;
            return true;
        }
        false
    }

    /// Where the heading that ends at a colon begins among `tokens`, and what it opens.
    fn heading_before_colon(
        &self,
        tokens: &[Token],
        line_token: usize,
    ) -> Option<(usize, Section)> {
        if line_token == 0 && tokens.len() <= 7 && !tokens.is_empty() {
            let heading = self.heading_words(tokens);
            if let (Some(section), true) =
                (Section::of_heading(&heading), begins_with_capital(tokens))
            {
                // "- Patient education: we discussed …" is an item of the plan, not the end of it.
                let item = section == Section::Instructions
                    && matches!(self.section, Section::Assessment | Section::Plan)
                    && !self.rest_of_line_is_empty();
                if item {
                    return None;
                }
                return Some((0, section));
            }
            let upper = tokens
                .iter()
                .all(|t| t.shape & (shape::UPPER | shape::NUMBER) != 0);
            let long = tokens.iter().map(|t| t.end - t.begin).sum::<usize>() > 5;
            if upper && long && !Section::is_part(&heading) && tokens.iter().all(|t| t.gap == 0) {
                return Some((0, Section::Other));
            }
        }
        // "… lungs clear. ASSESSMENT: …" or, without the period, capitals within a line.
        let first = tokens
            .iter()
            .rposition(|t| t.shape & shape::UPPER == 0)
            .map_or(0, |i| i + 1)
            .max(tokens.len().saturating_sub(7));
        (first..tokens.len())
            .filter(|&i| i > 0 && tokens[i].end - tokens[i].begin > 1)
            .find_map(|i| Some((i, Section::of_heading(&self.heading_words(&tokens[i..]))?)))
    }

    fn rest_of_line_is_empty(&self) -> bool {
        let rest = self.text.as_bytes()[self.at..].iter();
        rest.take_while(|b| **b != b'\n')
            .all(u8::is_ascii_whitespace)
    }

    fn heading_words(&self, tokens: &[Token]) -> String {
        let mut heading = String::new();
        for t in tokens.iter().filter(|t| t.shape & shape::NUMBER == 0) {
            if !heading.is_empty() {
                heading.push(' ');
            }
            heading.push_str(&self.text[t.begin..t.end].to_ascii_lowercase());
        }
        heading
    }

    fn open_section(&mut self, tokens: &mut Vec<Token>) -> Sentence {
        tokens.clear();
        Sentence {
            section: self.section,
            fresh: true,
            ..Sentence::default()
        }
    }
}

/// True if the first word after any number of a list begins with a capital.
fn begins_with_capital(tokens: &[Token]) -> bool {
    let word = tokens.iter().find(|t| t.shape & shape::NUMBER == 0);
    word.is_some_and(|t| t.shape & (shape::CAPITAL | shape::UPPER) != 0)
}
