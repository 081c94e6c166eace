//! Assertion: how a finding is meant, from the cues of its sentence and from its section.

use std::ops::Range;

use crate::cues::{CueHit, Cues, Effect};
use crate::finding::{Assertion, AssertionReason};
use crate::reader::{Reader, Sentence, Token, gap, shape};
use crate::section::Section;
use crate::terminology::Terminology;

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

impl Context<'_> {
    /// The assertion of the finding in tokens `mention`, and what decided it.
    pub(crate) fn assertion(&self, mention: Range<usize>) -> (Assertion, AssertionReason) {
        let mut best = (Assertion::Present, AssertionReason::Default);
        let mut consider = |hit: &CueHit| {
            if let Effect::Asserts(assertion) = hit.effect
                && strength(assertion) > strength(best.0)
                && self.reaches(hit, assertion, &mention)
            {
                best = (assertion, self.reason(hit));
            }
        };
        for hit in self.hits {
            if hit.first < mention.start && hit.last > mention.start {
                // The phrase runs into the finding ("no acute" before "acute distress"): what is left of it counts.
                self.cues.longest(&self.tokens[..mention.start], hit.first).for_each(|h| consider(&h));
            } else {
                consider(hit);
            }
        }
        if let Some((assertion, cue)) = &self.list
            && strength(*assertion) > strength(best.0)
        {
            best = (
                *assertion,
                AssertionReason::Cue {
                    begin: cue.start,
                    end: cue.end,
                },
            );
        }
        let prior = section_prior(self.sentence.section);
        if strength(prior) > strength(best.0) {
            best = (prior, AssertionReason::Section);
        }
        best
    }

    fn reason(&self, hit: &CueHit) -> AssertionReason {
        AssertionReason::Cue {
            begin: self.tokens[hit.first].begin,
            end: self.tokens[hit.last - 1].end,
        }
    }

    /// True if the cue has the mention in its scope and nothing stands between that ends it.
    fn reaches(&self, hit: &CueHit, assertion: Assertion, mention: &Range<usize>) -> bool {
        let scope = usize::from(hit.scope);
        let far = |distance: usize| scope != usize::from(u8::MAX) && distance > scope;
        if hit.forward && hit.last <= mention.start {
            !far(mention.start - hit.last)
                && !self.is_stopped(hit, assertion, hit.last..mention.start, true)
        } else if hit.backward && mention.end <= hit.first {
            !far(hit.first - mention.end)
                && !self.is_stopped(hit, assertion, mention.end..hit.first, false)
        } else {
            false
        }
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
        if gaps.iter().any(|t| t.gap & gap::SEMICOLON != 0) && assertion != Assertion::Hypothetical
        {
            return true;
        }
        let numbers = &self.tokens[between.start..between.end.max(between.start)];
        if numbers.iter().zip(&gaps[1.min(gaps.len())..]).any(|(t, next)| starts_item(t, next)) {
            return true;
        }
        // "Obstruction, resolved." is said of the obstruction; "chest pain, negative troponin" is not.
        let closes = hit.first == between.start
            && self.tokens.get(hit.last).is_none_or(|t| t.gap & (gap::COMMA | gap::BRACKET) != 0);
        if !forward
            && !closes
            && assertion == Assertion::Negated
            && gaps
                .iter()
                .any(|t| t.gap & (gap::COMMA | gap::BRACKET) != 0)
        {
            return true;
        }
        self.hits.iter().any(|other| {
            let inside = other.first >= between.start && other.last <= between.end;
            if !inside || other == hit {
                return false;
            }
            match other.effect {
                Effect::Stops(stop) => stop.ends(assertion),
                Effect::Asserts(next) => {
                    // "no fever, history of asthma": a new statement ends the one before it.
                    let begins = self.tokens[other.first].gap & gap::COMMA != 0;
                    forward
                        && other.forward
                        && begins
                        && next != assertion
                        && ends_at_next(assertion, next)
                }
                Effect::Nothing => false,
            }
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
