//! Finding mentions: the longest terms of the terminology in the tokens of a sentence.

use crate::section::Section;
use crate::terminology::{Entry, SenseWords, Terminology, WordId, entry_flag};
use crate::token::{Token, gap, shape};

/// A term found in tokens `first..last` of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) entry: Entry,
}

/// How many small words and modifiers a match may step over between two words of a term.
const LONGEST_SKIP: usize = 4;

/// Flags of a sense rule, as the synonym table names them.
pub(crate) mod sense_flag {
    /// Written in capitals.
    pub(crate) const UPPER: u32 = 1;
    /// Not in an examination or result section.
    pub(crate) const NOT_EXAM: u32 = 2;
    /// Only in an assessment, problem list, history or complaint section.
    pub(crate) const DIAGNOSIS: u32 = 4;
}

/// Finds the mentions of a sentence from left to right, without overlap.
pub(crate) fn find(
    terminology: &Terminology,
    tokens: &[Token],
    section: Section,
    mentions: &mut Vec<Mention>,
) {
    mentions.clear();
    let mut at = 0;
    while at < tokens.len() {
        at = match longest(terminology, tokens, section, at) {
            Some(found) => {
                let mention = with_site(terminology, tokens, section, found);
                mentions.push(mention);
                mention.last
            }
            None => at + 1,
        };
    }
}

/// The longest term that begins at token `at` and whose sense fits.
#[inline]
fn longest(
    terminology: &Terminology,
    tokens: &[Token],
    section: Section,
    at: usize,
) -> Option<Mention> {
    let token = &tokens[at];
    if !token.word.is(WordId::STARTS) {
        return None;
    }
    let mut node = terminology.root(token.word);
    let mut best = None;
    let mut last = at + 1;
    let mut skipped = 0;
    let mut commas = 0;
    loop {
        if skipped == 0
            && let Some(entry) = terminology.entry(node)
            && (entry.rule == 0 || sense_fits(terminology, &entry, tokens, at..last, section))
        {
            best = Some(Mention {
                first: at,
                last,
                entry,
            });
        }
        let Some(next) = tokens.get(last) else { break };
        if next.gap & gap::BREAKS_TERM != 0 || next.word.number() == 0 {
            break;
        }
        commas += u8::from(next.gap & gap::COMMA != 0);
        if commas > 1 {
            break;
        }
        let child = terminology.child(node, next.word);
        if child != 0 {
            node = child;
            skipped = 0;
        } else if next.word.is(WordId::STOP | WordId::MODIFIER)
            && skipped < LONGEST_SKIP
            && next.gap & gap::COMMA == 0
        {
            skipped += 1;
        } else {
            break;
        }
        last += 1;
    }
    best
}

/// "Squamous cell carcinoma of the lung": a growth named without its site gives way to a longer term with one.
fn with_site(
    terminology: &Terminology,
    tokens: &[Token],
    section: Section,
    found: Mention,
) -> Mention {
    if found.entry.flags & entry_flag::HEAD == 0 {
        return found;
    }
    (found.first + 1..found.last)
        .filter_map(|i| longest(terminology, tokens, section, i))
        .find(|m| m.last > found.last && m.entry.flags & entry_flag::HEAD == 0)
        .map_or(found, |m| Mention {
            first: found.first,
            ..m
        })
}

/// True if an ambiguous term means its code here.
#[cold]
fn sense_fits(
    terminology: &Terminology,
    entry: &Entry,
    tokens: &[Token],
    span: std::ops::Range<usize>,
    section: Section,
) -> bool {
    let (flags, near, unless) = terminology.rule(entry.rule);
    let has = |words: SenseWords| {
        tokens
            .iter()
            .enumerate()
            .any(|(i, t)| !span.contains(&i) && words.contains(t.word))
    };
    let upper = || {
        let written = tokens[span.clone()]
            .iter()
            .all(|t| t.shape & (shape::UPPER | shape::NUMBER) != 0);
        // In a sentence all in capitals, capitals say nothing; the words around must.
        written
            && (span.len() == tokens.len()
                || tokens
                    .iter()
                    .any(|t| t.shape & (shape::UPPER | shape::NUMBER) == 0))
    };
    let exam = matches!(
        section,
        Section::Examination | Section::Results | Section::Medications
    );
    let diagnosis = matches!(
        section,
        Section::Assessment
            | Section::Problems
            | Section::PastHistory
            | Section::Complaint
            | Section::FamilyHistory
    );
    (flags & sense_flag::UPPER == 0 || upper())
        && (flags & sense_flag::NOT_EXAM == 0 || !exam)
        && (flags & sense_flag::DIAGNOSIS == 0 || diagnosis || has(near))
        && (near.is_empty() || flags & sense_flag::DIAGNOSIS != 0 || has(near))
        && (unless.is_empty() || !has(unless))
}
