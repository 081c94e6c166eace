//! From mentions to codes: refinement, combination, 7th characters, and what the code book says of the result.

use crate::finding::{Assertion, CodeRule, Coding, Conflict, Finding, Note};
use crate::mention::Mention;
use crate::reader::{Token, gap};
use crate::terminology::{Code, Terminology, WordId};

/// A mention with the code it was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assigned {
    pub(crate) mention: Mention,
    pub(crate) code: Code,
    pub(crate) rule: CodeRule,
    pub(crate) assertion: Assertion,
    /// Another finding of the sentence already says it.
    pub(crate) dropped: bool,
}

/// How far before and after a mention a word may stand that makes it more specific.
const REFINE_BEFORE: usize = 4;
const REFINE_AFTER: usize = 7;

/// The code of a mention: the term's own, or a more specific one that the words around it choose.
pub(crate) fn refine(
    terminology: &Terminology,
    tokens: &[Token],
    mention: &Mention,
) -> (Code, CodeRule) {
    let base = terminology
        .default_child(mention.entry.code)
        .unwrap_or(mention.entry.code);
    let mut near = [0u32; 16];
    let mut count = 0;
    let mut note = |t: &Token| {
        if t.word.is(WordId::REFINES) && count < near.len() {
            near[count] = t.word.number();
            count += 1;
        }
    };
    let mut i = mention.first;
    for _ in 0..REFINE_BEFORE {
        if i == 0 || tokens[i].gap & (gap::COMMA | gap::BREAKS_TERM) != 0 {
            break;
        }
        i -= 1;
        note(&tokens[i]);
    }
    tokens[mention.first..mention.last]
        .iter()
        .for_each(&mut note);
    for t in tokens[mention.last..].iter().take(REFINE_AFTER) {
        if t.gap & (gap::COMMA | gap::SEMICOLON | gap::COLON | gap::PERIOD) != 0 {
            break;
        }
        note(t);
    }
    if count == 0 {
        return (base, CodeRule::Term);
    }
    let near = &near[..count];
    let mut best = (base, 0, CodeRule::Term);
    let mut consider = |from: Code| {
        for (target, words) in terminology.refinements(from) {
            let needed = words.iter().filter(|w| **w != 0).count();
            if needed > best.1 && words.iter().all(|w| *w == 0 || near.contains(w)) {
                best = (target, needed, CodeRule::Refined);
            }
        }
    };
    consider(base);
    if base != mention.entry.code {
        consider(mention.entry.code);
    }
    (best.0, best.2)
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

/// Fills the 7th character, or takes the "unspecified" child, so that the code is a leaf where the release allows it.
pub(crate) fn complete(terminology: &Terminology, code: Code, rule: CodeRule) -> (Code, CodeRule) {
    let mut code = code;
    let mut filled = rule;
    // The deepest chain is category, three subcategories, 7th character.
    for _ in 0..6 {
        let Some(child) = terminology.default_child(code) else {
            break;
        };
        if terminology.code_text(child).len() == 8 && rule == CodeRule::Term {
            filled = CodeRule::SeventhCharacter;
        }
        code = child;
    }
    (code, filled)
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
        while let Some(holder) = at {
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
