//! Assertion: how a finding is meant, from the cues of its sentence and from its section.

use std::ops::Range;

use crate::cues::{CueHit, Cues, Effect, Stop};
use crate::finding::{Assertion, AssertionReason};
use crate::reader::{Reader, Sentence};
use crate::section::Section;
use crate::terminology::Terminology;
use crate::token::{Token, gap, shape};

/// What one sentence says about the findings in it.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) cues: &'a Cues,
    pub(crate) tokens: &'a [Token],
    pub(crate) hits: &'a [CueHit],
    pub(crate) sentence: Sentence,
    /// What the line that opened this list says of its items.
    pub(crate) list: Option<Listed>,
}

/// An assertion that holds for the items of a list, with the offsets of its cue.
pub(crate) type Listed = (Assertion, Range<usize>);

/// The strongest last: of several assertions that reach a finding, the strongest holds.
fn strength(assertion: Assertion) -> u8 {
    match assertion {
        Assertion::Present => 0,
        Assertion::Historical => 1,
        Assertion::Possible => 2,
        Assertion::Hypothetical => 3,
        Assertion::Family => 4,
        Assertion::Negated => 5,
    }
}

/// Marks that end a clause.
const CLAUSE: u8 =
    gap::COMMA | gap::BRACKET | gap::SEMICOLON | gap::COLON | gap::PERIOD | gap::LINE | gap::OTHER;

/// How many words lie between a cue and a mention.
fn distance(hit: &CueHit, mention: &Range<usize>) -> usize {
    if hit.last <= mention.start {
        mention.start - hit.last
    } else {
        hit.first.saturating_sub(mention.end)
    }
}

/// True if the first of two cues prevails. "Possible history of gout", "history of possible gout": of these two, the
/// nearer one; else the stronger one.
fn beats(new: (Assertion, usize), old: (Assertion, usize)) -> bool {
    let weak = |a: Assertion| matches!(a, Assertion::Possible | Assertion::Historical);
    if weak(new.0) && weak(old.0) && new.0 != old.0 {
        new.1 < old.1
    } else {
        strength(new.0) > strength(old.0)
    }
}

impl Context<'_> {
    /// The assertion of the finding in tokens `mention`, and what decided it.
    pub(crate) fn assertion(&self, mention: Range<usize>) -> (Assertion, AssertionReason) {
        let mut best = (Assertion::Present, usize::MAX, AssertionReason::Default);
        let mut consider = |hit: &CueHit| {
            if let Effect::Asserts(assertion) = hit.effect {
                let away = distance(hit, &mention);
                if beats((assertion, away), (best.0, best.1))
                    && self.reaches(hit, assertion, &mention)
                {
                    best = (assertion, away, self.reason(hit));
                }
            }
        };
        for hit in self.hits {
            if hit.first < mention.start && hit.last > mention.start {
                // The phrase runs into the finding ("no acute" before "acute distress"): what is left of it counts.
                let before = &self.tokens[..mention.start];
                self.cues
                    .longest(before, hit.first)
                    .for_each(|h| consider(&h));
            } else {
                consider(hit);
            }
        }
        let (mut assertion, mut reason) = (best.0, best.2);
        let mut also = |other: Assertion, why: AssertionReason| {
            if strength(other) > strength(assertion) {
                (assertion, reason) = (other, why);
            }
        };
        if let Some((other, cue)) = &self.list {
            let (begin, end) = (cue.start, cue.end);
            also(*other, AssertionReason::Cue { begin, end });
        }
        if let Some((other, at)) = self.marked(&mention) {
            let (begin, end) = (self.tokens[at].begin, self.tokens[at].end);
            also(other, AssertionReason::Cue { begin, end });
        }
        also(
            section_prior(self.sentence.section),
            AssertionReason::Section,
        );
        (assertion, reason)
    }

    fn reason(&self, hit: &CueHit) -> AssertionReason {
        AssertionReason::Cue {
            begin: self.tokens[hit.first].begin,
            end: self.tokens[hit.last - 1].end,
        }
    }

    /// What marks and years say of a mention: "-fever", "?PE", "had an MI in 2008". And the token that says it.
    fn marked(&self, mention: &Range<usize>) -> Option<(Assertion, usize)> {
        let first = self.tokens.get(mention.start)?;
        if first.shape & shape::MINUS != 0 {
            // A dash alone may be a bullet or a hyphen; among others, or with a plus, it is a minus.
            let plus = self.tokens.iter().any(|t| t.shape & shape::PLUS != 0);
            let minus = self
                .tokens
                .iter()
                .filter(|t| t.shape & shape::MINUS != 0)
                .count();
            return (plus || minus > 1).then_some((Assertion::Negated, mention.start));
        }
        if first.shape & shape::ASKED != 0 {
            return Some((Assertion::Possible, mention.start));
        }
        if self.sentence.asks {
            return Some((Assertion::Possible, self.tokens.len() - 1));
        }
        let ahead = &self.tokens[mention.end..self.tokens.len().min(mention.end + 4)];
        let year = ahead.iter().position(|t| t.shape & shape::YEAR != 0)? + mention.end;
        // "In 2008", "in March 2019".
        let dated = |h: &&CueHit| h.effect == Effect::Tail && h.first >= mention.end;
        let tail = self
            .hits
            .iter()
            .find(dated)
            .filter(|h| h.last + 1 >= year)?;
        let before = self.hits.iter().rfind(|h| h.last <= mention.start);
        let past = before.is_some_and(|h| h.effect == Effect::Past);
        // "Hepatitis in 1999." says no more than that.
        let opens = mention.start == 0 || first.gap & CLAUSE != 0;
        let ends = self
            .tokens
            .get(year + 1)
            .is_none_or(|t| t.gap & CLAUSE != 0);
        let bare = opens && ends && tail.first == mention.end;
        (past || bare).then_some((Assertion::Historical, year))
    }

    /// True if the cue has the mention in its scope and nothing stands between that ends it.
    fn reaches(&self, hit: &CueHit, assertion: Assertion, mention: &Range<usize>) -> bool {
        let scope = usize::from(hit.scope);
        let far = |distance: usize| scope != usize::from(u8::MAX) && distance > scope;
        if hit.forward && hit.last <= mention.start {
            !far(mention.start - hit.last)
                && (!hit.opening || hit.first == 0 || self.tokens[hit.first].gap & CLAUSE != 0)
                && !self.is_stopped(hit, assertion, hit.last..mention.start, true)
        } else if hit.backward && mention.end <= hit.first {
            !far(hit.first - mention.end)
                && self.looks_back(hit)
                && !self.is_stopped(hit, assertion, mention.end..hit.first, false)
        } else {
            false
        }
    }

    /// True if nothing of the clause follows the cue.
    fn closes(&self, hit: &CueHit) -> bool {
        self.tokens
            .get(hit.last)
            .is_none_or(|t| t.gap & CLAUSE != 0)
    }

    /// A phrase that may act in both directions with different meanings looks back only at the end of its clause, or
    /// before a small word: "pneumonia likely", "pneumonia suspected on CT", but not "hypoxia likely due to pneumonia".
    fn looks_back(&self, hit: &CueHit) -> bool {
        let same = |h: &&CueHit| h.first == hit.first && h.last == hit.last;
        let twin = self
            .hits
            .iter()
            .filter(same)
            .any(|h| h.forward && !h.opening && h != hit);
        let tail = |h: &CueHit| h.effect == Effect::Tail && h.first == hit.last;
        !twin || hit.forward || self.closes(hit) || self.hits.iter().any(tail)
    }

    /// True if something in the tokens `between` a cue and a mention ends the cue's scope.
    fn is_stopped(
        &self,
        hit: &CueHit,
        assertion: Assertion,
        between: Range<usize>,
        forward: bool,
    ) -> bool {
        // The gap before the first token of the later one counts as well.
        let gaps = &self.tokens[between.start..=between.end.min(self.tokens.len() - 1)];
        let has = |mark: u8| gaps.iter().any(|t| t.gap & mark != 0);
        if has(gap::SEMICOLON) && assertion != Assertion::Hypothetical {
            return true;
        }
        let numbers = &self.tokens[between.start..between.end.max(between.start)];
        if numbers
            .iter()
            .zip(&gaps[1.min(gaps.len())..])
            .any(|(t, next)| starts_item(t, next))
        {
            return true;
        }
        // "Obstruction, resolved." is said of the obstruction; "chest pain, negative troponin" is not.
        let closes = hit.first == between.start && self.closes(hit);
        if !forward && !closes {
            let mark = match assertion {
                Assertion::Negated => gap::COMMA | gap::BRACKET | gap::COLON,
                // "Prior stroke, and cancer in his brother": what has its own cue is the patient's.
                Assertion::Family if self.has_cue_before(hit) => gap::COMMA,
                _ => gap::COLON,
            };
            if has(mark) {
                return true;
            }
        }
        self.hits.iter().any(|other| {
            let inside = other.first >= between.start && other.last <= between.end;
            if !inside || other == hit {
                return false;
            }
            match other.effect {
                Effect::Stops(stop) => stop.ends(assertion),
                Effect::Past => Stop::Verb.ends(assertion),
                Effect::Asserts(next) => {
                    // "no fever, history of asthma": a new statement ends the one before it.
                    let begins = self.tokens[other.first].gap & gap::COMMA != 0;
                    forward
                        && other.forward
                        && begins
                        && next != assertion
                        && ends_at_next(assertion, next)
                }
                Effect::Tail | Effect::Informant | Effect::Nothing => false,
            }
        })
    }

    fn has_cue_before(&self, hit: &CueHit) -> bool {
        self.hits.iter().any(|h| {
            h.last <= hit.first
                && h.forward
                && matches!(h.effect, Effect::Asserts(a) if a != Assertion::Family)
        })
    }

    /// What this sentence says of the list that it opens.
    pub(crate) fn listed(&self) -> Option<Listed> {
        let end = self.tokens.len();
        let open = self.hits.iter().filter_map(|hit| match hit.effect {
            Effect::Asserts(a) if hit.forward && !self.is_stopped(hit, a, hit.last..end, true) => {
                Some((
                    a,
                    self.tokens[hit.first].begin..self.tokens[hit.last - 1].end,
                ))
            }
            _ => None,
        });
        open.max_by_key(|(a, _)| strength(*a))
    }
}

/// True for the number of a list within a line, as in "1) gastritis 2) hernia".
fn starts_item(token: &Token, next: &Token) -> bool {
    token.shape & shape::NUMBER != 0 && next.gap & (gap::BRACKET | gap::PERIOD) != 0
}

/// True if a statement of the kind `next` after a comma ends the scope of a cue for `assertion`.
fn ends_at_next(assertion: Assertion, next: Assertion) -> bool {
    match assertion {
        Assertion::Negated => next != Assertion::Family,
        Assertion::Possible | Assertion::Historical => true,
        _ => false,
    }
}

/// What a section says of everything in it.
pub(crate) fn section_prior(section: Section) -> Assertion {
    match section {
        Section::PastHistory => Assertion::Historical,
        Section::FamilyHistory => Assertion::Family,
        Section::Instructions => Assertion::Hypothetical,
        _ => Assertion::Present,
    }
}

/// The assertion of one span that another system found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanAssertion {
    /// What the text says of the span.
    pub assertion: Assertion,
    /// The section that the span stands in.
    pub section: Section,
    /// What decided the assertion.
    pub reason: AssertionReason,
}

/// The assertions of `spans` (UTF-8 byte offsets, in any order) of one text. A span that lies outside of the text
/// or holds no word is present by default.
pub(crate) fn assert_spans(
    terminology: &Terminology,
    cues: &Cues,
    text: &str,
    spans: &[(usize, usize)],
) -> Vec<SpanAssertion> {
    let plain = SpanAssertion {
        assertion: Assertion::Present,
        section: Section::None,
        reason: AssertionReason::Default,
    };
    let mut answers = vec![plain; spans.len()];
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&i| spans[i]);
    let mut waiting = order.into_iter().peekable();
    let (mut tokens, mut hits, mut list) = (Vec::new(), Vec::new(), None);
    let mut reader = Reader::new(text, terminology, cues);
    while let Some(sentence) = reader.next_sentence(&mut tokens) {
        let Some(last) = tokens.last().map(|t| t.end) else {
            continue;
        };
        if !sentence.item || sentence.fresh {
            list = None;
        }
        cues.find(&tokens, &mut hits);
        let context = Context {
            cues,
            tokens: &tokens,
            hits: &hits,
            sentence,
            list: list.clone(),
        };
        while let Some(i) = waiting.next_if(|&i| spans[i].0 < last) {
            let (begin, end) = spans[i];
            let first = tokens.partition_point(|t| t.end <= begin);
            let after = tokens
                .partition_point(|t| t.begin < end)
                .max(first + 1)
                .min(tokens.len());
            // A span such as "status post splenectomy" brings its own cue.
            let own = hits.iter().find(|h| {
                h.first == first
                    && h.forward
                    && h.last < after
                    && matches!(h.effect, Effect::Asserts(_))
            });
            let first = own.map_or(first, |h| h.last);
            let (assertion, reason) = context.assertion(first..after);
            answers[i] = SpanAssertion {
                assertion,
                section: sentence.section,
                reason,
            };
        }
        if sentence.opens_list {
            list = context.listed();
        }
    }
    answers
}
