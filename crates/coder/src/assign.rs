//! From mentions to codes: refinement, combination, 7th characters, and what the code book says of the result.

use crate::cues::{CueHit, Effect};
use crate::finding::{Assertion, CodeRule, Coding, Conflict, Finding, Note};
use crate::mention::Mention;
use crate::terminology::{Code, Terminology, WordId};
use crate::token::{Token, gap};

/// A mention with the code it was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assigned {
    pub(crate) mention: Mention,
    pub(crate) code: Code,
    pub(crate) rule: CodeRule,
    /// The tokens that chose a more specific code than the term's own.
    pub(crate) needed: Needed,
    pub(crate) assertion: Assertion,
    /// Another finding of the sentence already says it.
    pub(crate) dropped: bool,
}

/// How far before and after a mention a word may stand that makes it more specific.
const REFINE_BEFORE: usize = 4;
const REFINE_AFTER: usize = 7;

/// The code of a mention: the term's own, or a more specific one that the words around it choose. Gives the tokens
/// that were needed for the choice as well.
pub(crate) fn refine(
    terminology: &Terminology,
    tokens: &[Token],
    hits: &[CueHit],
    mention: &Mention,
) -> (Code, CodeRule, Needed) {
    let named = unfilled(terminology, mention.entry.code);
    let base = terminology.default_child(named).unwrap_or(named);
    let mut near = Near::default();
    let mut i = mention.first;
    for _ in 0..REFINE_BEFORE {
        if i == 0 || tokens[i].gap & (gap::COMMA | gap::BREAKS_TERM) != 0 {
            break;
        }
        i -= 1;
        near.note(tokens, i);
    }
    for i in mention.first..mention.last {
        near.note(tokens, i);
    }
    let end = tokens.len().min(mention.last + REFINE_AFTER);
    for (i, t) in tokens.iter().enumerate().take(end).skip(mention.last) {
        // "Recurrent, moderate" goes on; another condition after a comma does not.
        let goes_on = t.gap & gap::COMMA == 0 || t.word.is(WordId::MODIFIER);
        if !goes_on || t.gap & (gap::SEMICOLON | gap::COLON | gap::PERIOD) != 0 {
            break;
        }
        // "Without esophagitis" must not choose the code with it.
        if t.cue.starts() && denies(hits, i) {
            break;
        }
        near.note(tokens, i);
    }
    if near.count == 0 {
        return (base, CodeRule::Term, Needed::default());
    }
    let mut best = (base, CodeRule::Term, Needed::default());
    let mut most = 0;
    let mut consider = |from: Code| {
        for (target, words) in terminology.refinements(from) {
            let wanted = words.iter().filter(|w| **w != 0).count();
            if wanted > most
                && let Some(needed) = near.all_of(words)
            {
                most = wanted;
                best = (target, CodeRule::Refined, needed);
            }
        }
    };
    consider(base);
    if base != named {
        consider(named);
    }
    best
}

/// The code without its 7th character: a side is chosen first, and the character filled in after that.
fn unfilled(terminology: &Terminology, code: Code) -> Code {
    if terminology.code_text(code).len() == 8 {
        terminology.parent(code).unwrap_or(code)
    } else {
        code
    }
}

/// Tokens that chose a more specific code: place plus one, 0 for none.
pub(crate) type Needed = [usize; 3];

/// The words around a mention that may choose a more specific code, with their places.
#[derive(Default)]
struct Near {
    words: [(u32, usize); 16],
    count: usize,
}

impl Near {
    fn note(&mut self, tokens: &[Token], i: usize) {
        if tokens[i].word.is(WordId::REFINES)
            && let Some(slot) = self.words.get_mut(self.count)
        {
            *slot = (tokens[i].word.number(), i);
            self.count += 1;
        }
    }

    /// The places of all `words` but the zeros. None if one of them is missing.
    fn all_of(&self, words: [u32; 3]) -> Option<Needed> {
        let mut needed = Needed::default();
        for (place, word) in needed.iter_mut().zip(words).filter(|(_, w)| *w != 0) {
            let found = self.words[..self.count].iter().find(|(w, _)| *w == word)?;
            *place = found.1 + 1;
        }
        Some(needed)
    }
}

/// True if a cue that negates what follows begins at token `at`.
fn denies(hits: &[CueHit], at: usize) -> bool {
    hits.iter()
        .any(|h| h.first == at && h.forward && h.effect == Effect::Asserts(Assertion::Negated))
}

/// Drops mentions that only made another one more specific: "GERD with esophagitis" is one condition.
pub(crate) fn absorb(tokens: &[Token], assigned: &mut [Assigned]) {
    for i in 0..assigned.len() {
        let (needed, assertion) = (assigned[i].needed, assigned[i].assertion);
        if needed == Needed::default() {
            continue;
        }
        for (j, other) in assigned.iter_mut().enumerate() {
            let span = other.mention.first..other.mention.last;
            let used = |k: usize| needed.contains(&(k + 1)) || tokens[k].word.is(WordId::STOP);
            if j != i && other.assertion == assertion && span.clone().all(used) {
                other.dropped = true;
            }
        }
    }
}

/// Replaces pairs of the sentence by the code for both, where the code book has one.
pub(crate) fn combine(terminology: &Terminology, assigned: &mut [Assigned]) {
    if assigned.len() < 2 {
        return;
    }
    let within = |code: Code, range: (Code, Code)| code >= range.0 && code < range.1;
    for c in terminology.combinations() {
        let Some(first) = assigned
            .iter()
            .position(|a| !a.dropped && within(a.code, c.first))
        else {
            continue;
        };
        let assertion = assigned[first].assertion;
        let second = assigned
            .iter()
            .position(|a| !a.dropped && a.assertion == assertion && within(a.code, c.second));
        if let Some(second) = second.filter(|s| *s != first) {
            assigned[first].code = c.both;
            assigned[first].rule = CodeRule::Combined;
            assigned[second].dropped = !c.keeps_second;
        }
    }
}

/// Which encounter a sentence speaks of, for the 7th character of injuries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encounter {
    Initial,
    Subsequent,
    Sequela,
}

/// The words by which a sentence names its encounter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EncounterWords {
    subsequent: [WordId; 4],
    sequela: [WordId; 2],
}

impl EncounterWords {
    pub(crate) fn new(terminology: &Terminology) -> EncounterWords {
        EncounterWords {
            subsequent: ["subsequent", "healing", "aftercare", "healed"]
                .map(|w| terminology.word_of(w)),
            sequela: ["sequela", "sequelae"].map(|w| terminology.word_of(w)),
        }
    }

    /// What the words of a sentence say.
    pub(crate) fn of(&self, tokens: &[Token]) -> Encounter {
        let says = |words: &[WordId]| {
            let same = |t: &Token, w: &WordId| w.number() != 0 && t.word.number() == w.number();
            tokens.iter().any(|t| words.iter().any(|w| same(t, w)))
        };
        if says(&self.sequela) {
            Encounter::Sequela
        } else if says(&self.subsequent) {
            Encounter::Subsequent
        } else {
            Encounter::Initial
        }
    }
}

/// True for an operation that the chart does not place in the past: the organ's absence is coded once it is gone, not
/// while its removal is planned, done or discussed.
pub(crate) fn is_operation_of_now(
    terminology: &Terminology,
    tokens: &[Token],
    a: &Assigned,
) -> bool {
    let absence = ["Z89", "Z90"]
        .iter()
        .any(|c| terminology.code_text(a.code).starts_with(c));
    absence && a.assertion == Assertion::Present && {
        let span = &tokens[a.mention.first..a.mention.last];
        span.iter().any(|t| {
            let word = terminology.word_text(t.word);
            word.ends_with("ectomy") || word == "amputation"
        })
    }
}

/// Fills the 7th character, or takes the "unspecified" child, so that the code is a leaf where the release allows it.
pub(crate) fn complete(
    terminology: &Terminology,
    code: Code,
    rule: CodeRule,
    encounter: impl Fn() -> Encounter,
) -> (Code, CodeRule) {
    let mut code = code;
    let mut filled = rule;
    // The deepest chain is category, three subcategories, 7th character.
    for _ in 0..6 {
        let Some(child) = terminology.default_child(code) else {
            break;
        };
        code = child;
        let text = terminology.code_text(code);
        if text.len() == 8 {
            if rule == CodeRule::Term {
                filled = CodeRule::SeventhCharacter;
            }
            let last = match encounter() {
                Encounter::Initial => break,
                Encounter::Subsequent => 'D',
                Encounter::Sequela => 'S',
            };
            code = terminology
                .find_code(&format!("{}{last}", &text[..7]))
                .filter(|_| text.ends_with('A'))
                .unwrap_or(code);
            break;
        }
    }
    (code, filled)
}

/// Drops growths of unspecified site where the chart names the site of one: "the tumor" is that one.
pub(crate) fn prefer_sites(findings: &mut Vec<Finding>) {
    let unspecified = |f: &Finding| matches!(f.code, "C80.1" | "D49.9" | "C79.9");
    if !findings.iter().any(unspecified) {
        return;
    }
    let named =
        |f: &Finding| f.code.as_bytes() < b"D5" && f.code.as_bytes() >= b"C" && !unspecified(f);
    let named: Vec<Assertion> = findings
        .iter()
        .filter(|f| named(f))
        .map(|f| f.assertion)
        .collect();
    findings.retain(|f| !(unspecified(f) && named.contains(&f.assertion)));
}

/// Adds what the code book says about the present findings of a chart.
pub(crate) fn diagnose(terminology: &Terminology, coding: &mut Coding, codes: &mut Vec<Code>) {
    codes.clear();
    let billable = coding.findings.iter().filter(|f: &&Finding| f.billable);
    codes.extend(billable.filter_map(|f| terminology.find_code(f.code)));
    codes.sort_unstable();
    codes.dedup();
    for &code in codes.iter() {
        let mut at = Some(code);
        // No code has more ancestors than characters; a damaged file might say otherwise.
        for _ in 0..8 {
            let Some(holder) = at else { break };
            for (low, high) in terminology.excludes(holder) {
                let begin = codes.partition_point(|c| *c < low);
                let end = codes.partition_point(|c| *c < high);
                for &other in &codes[begin..end.max(begin)] {
                    let conflict = Conflict {
                        code: terminology.code_text(code),
                        excluded: terminology.code_text(other),
                    };
                    if other != code && !coding.conflicts.contains(&conflict) {
                        coding.conflicts.push(conflict);
                    }
                }
            }
            for (kind, text) in terminology.notes(holder) {
                coding.notes.push(Note {
                    code: terminology.code_text(code),
                    kind,
                    text,
                });
            }
            at = terminology.parent(holder);
        }
    }
}
