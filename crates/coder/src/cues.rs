//! The cue table: phrases that say how a finding is meant, as data that users can read and extend.

use sha2::{Digest, Sha256};

use crate::finding::Assertion;
use crate::terminology::hex;
use crate::token::{Token, gap};
use crate::word::Word;

static BUILT_IN: &str = include_str!("../data/cues.tsv");

/// A table of cues, ready for use.
#[derive(Debug, Clone)]
pub struct Cues {
    cues: Vec<Cue>,
    /// Cues by their first word, the longest first: ranges of `cues`.
    starts: Vec<(u16, u16)>,
    /// Open addressing: upper half of the hash, word number (0 = free).
    words: Vec<(u32, u16)>,
    digest: [u8; 32],
}

/// Why a cue table could not be used. Lines count from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CueError {
    /// A row does not have four columns.
    #[error(
        "line {0} of the cue table: expected phrases, class, direction and scope, separated by tabs"
    )]
    Columns(usize),
    /// A class that does not exist.
    #[error(
        "line {0} of the cue table: the class is none of negated, possible, historical, family, hypothetical, stop, subject, verb, past, tail, informant, pseudo"
    )]
    Class(usize),
    /// A direction that does not exist.
    #[error(
        "line {0} of the cue table: the direction is none of forward, opening, backward, both, none"
    )]
    Direction(usize),
    /// A scope that is not a number of words.
    #[error("line {0} of the cue table: the scope is not a number of words between 0 and 255")]
    Scope(usize),
    /// More phrases or words than the table can hold.
    #[error("line {0} of the cue table: the table is too large")]
    TooLarge(usize),
}

/// One phrase with its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cue {
    words: Vec<u16>,
    pub(crate) effect: Effect,
    pub(crate) forward: bool,
    pub(crate) backward: bool,
    /// It acts forward only where it opens a clause.
    pub(crate) opening: bool,
    /// How many tokens it reaches; `u8::MAX` means to the end of the sentence.
    pub(crate) scope: u8,
}

impl Cue {
    fn reaches(&self) -> bool {
        self.forward || self.backward
    }
}

/// What a cue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Asserts(Assertion),
    Stops(Stop),
    /// A verb in the past tense: it stops as a verb does, and with a year after the finding it makes it historical.
    Past,
    /// A small word after which a cue looks back ("suspected on CT").
    Tail,
    /// The relative beside it speaks of the patient ("mother reports", "brought in by his").
    Informant,
    Nothing,
}

/// Which cues do not reach across a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// None does ("but").
    Any,
    /// Another subject begins ("the patient"): conditions still hold.
    Subject,
    /// Another verb begins ("presents with"): what is said of relatives, and conditions, still hold.
    Verb,
}

impl Stop {
    /// True if a cue for `assertion` ends here.
    pub(crate) fn ends(self, assertion: Assertion) -> bool {
        match self {
            Stop::Any => true,
            Stop::Subject => assertion != Assertion::Hypothetical,
            Stop::Verb => !matches!(assertion, Assertion::Hypothetical | Assertion::Family),
        }
    }
}

/// What the cue table knows of a word: its number, and whether a phrase begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CueWord(u16);

impl CueWord {
    const STARTS: u16 = 0x8000;

    #[inline]
    pub(crate) fn starts(self) -> bool {
        self.0 & Self::STARTS != 0
    }

    fn number(self) -> u16 {
        self.0 & !Self::STARTS
    }
}

/// A cue found in a sentence: tokens `first..last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CueHit {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) effect: Effect,
    pub(crate) forward: bool,
    pub(crate) backward: bool,
    pub(crate) opening: bool,
    pub(crate) scope: u8,
}

impl CueHit {
    /// True for a relative, who may be the one who has it or the one who speaks.
    fn is_relative(&self) -> bool {
        self.effect == Effect::Asserts(Assertion::Family) && self.forward && self.backward
    }
}

impl Cues {
    /// The cues that this program carries.
    pub fn built_in() -> Cues {
        Cues::parse_all(&[BUILT_IN]).expect("the built-in table is tested")
    }

    /// The built-in cues and the rows of `table`; a phrase that stands in both has the meaning of `table`.
    pub fn built_in_with(table: &str) -> Result<Cues, CueError> {
        Cues::parse_all(&[BUILT_IN, table])
    }

    /// The rows of `table` alone.
    pub fn parse(table: &str) -> Result<Cues, CueError> {
        Cues::parse_all(&[table])
    }

    /// The built-in table as text, to read or to copy from.
    pub fn built_in_table() -> &'static str {
        BUILT_IN
    }

    /// SHA-256 over the tables that these cues come from, in hexadecimal.
    pub fn digest(&self) -> String {
        hex(&self.digest)
    }

    fn parse_all(tables: &[&str]) -> Result<Cues, CueError> {
        let mut builder = Builder {
            words: vec![(0, 0); 4096],
            count: 0,
            rows: Vec::new(),
        };
        let mut digest = Sha256::new();
        for table in tables {
            digest.update(table.as_bytes());
            for (i, line) in table.lines().enumerate() {
                if !line.starts_with('#') && !line.trim().is_empty() {
                    builder.row(line, i + 1)?;
                }
            }
        }
        builder.finish(digest.finalize().into())
    }

    /// The number of a folded word.
    #[inline]
    pub(crate) fn word(&self, hash: u64) -> CueWord {
        match self.words[find_slot(&self.words, hash)].1 {
            0 => CueWord(0),
            n if self.starts[usize::from(n)].0 < self.starts[usize::from(n)].1 => {
                CueWord(n | CueWord::STARTS)
            }
            n => CueWord(n),
        }
    }

    /// Finds the cues of a sentence: at every word the longest, unless an earlier one holds all of it.
    pub(crate) fn find(&self, tokens: &[Token], hits: &mut Vec<CueHit>) {
        hits.clear();
        let mut covered = 0;
        for at in 0..tokens.len() {
            if tokens[at].cue.starts() {
                for hit in self.longest(tokens, at).filter(|h| h.last > covered) {
                    hits.push(hit);
                }
                covered = hits.last().map_or(covered, |h| covered.max(h.last));
            }
        }
        if hits.iter().any(|h| h.effect == Effect::Informant) {
            drop_informants(hits);
        }
    }

    /// The longest phrase that begins at token `at`. There may be two of the same words: the same phrase may act
    /// forward with one meaning and backward with another.
    pub(crate) fn longest<'a>(
        &'a self,
        tokens: &'a [Token],
        at: usize,
    ) -> impl Iterator<Item = CueHit> + use<'a> {
        let (begin, end) = self.starts[usize::from(tokens[at].cue.number())];
        let candidates = &self.cues[usize::from(begin)..usize::from(end)];
        let longest = candidates.iter().find(|c| matches(&c.words, &tokens[at..]));
        let same = candidates
            .iter()
            .filter(move |c| longest.is_some_and(|l| l.words == c.words));
        same.map(move |c| CueHit {
            first: at,
            last: at + c.words.len(),
            effect: c.effect,
            forward: c.forward,
            backward: c.backward,
            opening: c.opening,
            scope: c.scope,
        })
    }
}

/// Removes relatives who only speak, or who only brought the patient.
fn drop_informants(hits: &mut Vec<CueHit>) {
    let mut i = 0;
    while i < hits.len() {
        let relative = hits[i];
        let speaks = relative.is_relative()
            && hits.iter().any(|h| {
                h.effect == Effect::Informant
                    && (h.backward && h.first >= relative.last && h.first <= relative.last + 1
                        || h.forward && h.last <= relative.first && h.last + 2 >= relative.first)
            });
        if speaks {
            hits.remove(i);
        } else {
            i += 1;
        }
    }
}

fn matches(words: &[u16], tokens: &[Token]) -> bool {
    tokens.len() >= words.len()
        && words.iter().zip(tokens).all(|(w, t)| t.cue.number() == *w)
        && tokens[1..words.len()]
            .iter()
            .all(|t| t.gap & (gap::COMMA | gap::SEMICOLON | gap::COLON | gap::BRACKET) == 0)
}

/// The slot of a hash: its own, or the free one where it would go.
#[inline]
fn find_slot(words: &[(u32, u16)], hash: u64) -> usize {
    let check = (hash >> 32) as u32;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only the low bits choose the slot"
    )]
    let mut slot = hash as usize & (words.len() - 1);
    while words[slot].1 != 0 && words[slot].0 != check {
        slot = (slot + 1) & (words.len() - 1);
    }
    slot
}

struct Builder {
    words: Vec<(u32, u16)>,
    count: u16,
    rows: Vec<Cue>,
}

impl Builder {
    fn row(&mut self, line: &str, number: usize) -> Result<(), CueError> {
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [phrases, class, direction, scope] = columns[..] else {
            return Err(CueError::Columns(number));
        };
        let effect = match class {
            "stop" => Effect::Stops(Stop::Any),
            "subject" => Effect::Stops(Stop::Subject),
            "verb" => Effect::Stops(Stop::Verb),
            "past" => Effect::Past,
            "tail" => Effect::Tail,
            "informant" => Effect::Informant,
            "pseudo" => Effect::Nothing,
            name => Effect::Asserts(Assertion::from_name(name).ok_or(CueError::Class(number))?),
        };
        let (forward, backward) = match direction {
            "forward" | "opening" => (true, false),
            "backward" => (false, true),
            "both" => (true, true),
            "none" => (false, false),
            _ => return Err(CueError::Direction(number)),
        };
        let opening = columns[2] == "opening";
        let scope = match scope.parse::<u8>().map_err(|_| CueError::Scope(number))? {
            0 => u8::MAX,
            n => n,
        };
        for phrase in phrases.split('|') {
            let words = self.phrase(phrase, number)?;
            if words.is_empty() {
                continue;
            }
            self.rows.push(Cue {
                words,
                effect,
                forward,
                backward,
                opening,
                scope,
            });
        }
        Ok(())
    }

    /// Numbers the words of a phrase, cut as the reader cuts a chart.
    fn phrase(&mut self, phrase: &str, line: usize) -> Result<Vec<u16>, CueError> {
        let mut numbers = Vec::new();
        for raw in phrase
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|w| !w.is_empty())
        {
            let raw = raw.strip_suffix("'s").unwrap_or(raw);
            for part in raw.split('\'').filter(|w| !w.is_empty()) {
                let word = Word::fold(part).ok_or(CueError::TooLarge(line))?;
                let hash = word.hash();
                let slot = find_slot(&self.words, hash);
                if self.words[slot].1 == 0 {
                    if usize::from(self.count) + 1 > self.words.len() / 2 {
                        return Err(CueError::TooLarge(line));
                    }
                    self.count += 1;
                    let check = (hash >> 32) as u32;
                    self.words[slot] = (check, self.count);
                }
                numbers.push(self.words[slot].1);
            }
        }
        Ok(numbers)
    }

    fn finish(mut self, digest: [u8; 32]) -> Result<Cues, CueError> {
        self.rows.sort_by(|a, b| {
            let longest_first = || b.words.len().cmp(&a.words.len());
            a.words[0]
                .cmp(&b.words[0])
                .then_with(longest_first)
                .then_with(|| a.words.cmp(&b.words))
        });
        // A later row replaces an earlier one of the same phrase, unless they look in opposite directions.
        let speaks = |c: &Cue| c.effect == Effect::Informant;
        let clash = |a: &Cue, b: &Cue| {
            a.words == b.words
                && speaks(a) == speaks(b)
                && ((a.forward && b.forward)
                    || (a.backward && b.backward)
                    || !(a.reaches() || b.reaches()))
        };
        let mut kept: Vec<Cue> = Vec::with_capacity(self.rows.len());
        for cue in self.rows {
            while kept.last().is_some_and(|last| clash(last, &cue)) {
                kept.pop();
            }
            kept.push(cue);
        }
        let rows = kept;
        let mut starts = vec![(0, 0); usize::from(self.count) + 1];
        for (i, cue) in rows.iter().enumerate() {
            let i = u16::try_from(i).map_err(|_| CueError::TooLarge(0))?;
            let range: &mut (u16, u16) = &mut starts[usize::from(cue.words[0])];
            if range.0 == range.1 {
                *range = (i, i);
            }
            range.1 = i + 1;
        }
        Ok(Cues {
            cues: rows,
            starts,
            words: self.words,
            digest,
        })
    }
}
