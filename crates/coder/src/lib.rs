//! Clinical text in, ICD-10-CM findings out: deterministic, without a model, without I/O, clocks or randomness.
//!
//! ```text
//! text ─► reader (sections, sentences, tokens) ─► mention (longest terms) ─► assertion (cues, sections)
//!                                                      └► assign (refine, combine, 7th character) ─► findings
//! ```
//!
//! ```
//! let coder = coder::Coder::embedded();
//! let coding = coder.code("Type 2 diabetes. Denies chest pain.", &mut coder::Scratch::default());
//! let found: Vec<_> = coding.findings.iter().map(|f| (f.code, f.assertion.as_str())).collect();
//! assert_eq!(found, [("E11.9", "present"), ("R07.9", "negated")]);
//! ```

mod assertion;
mod assign;
pub mod build;
mod cues;
mod finding;
mod flat;
mod mention;
mod reader;
mod releases;
mod section;
mod terminology;
mod token;
mod word;

use std::collections::BTreeMap;

pub use assertion::SpanAssertion;
pub use cues::{CueError, Cues};
pub use finding::{
    Assertion, AssertionReason, CodeRule, Coding, Conflict, Finding, Note, NoteKind, TermSource,
    Why,
};
pub use releases::{DateOfService, Releases};
pub use section::Section;
pub use terminology::{Terminology, TerminologyError};

use assertion::{Context, Listed};
use assign::{Assigned, EncounterWords};
use cues::CueHit;
use mention::Mention;
use reader::{Reader, Sentence};
use terminology::{Code, entry_flag};
use token::Token;

/// Codes charts. Immutable, so one can be shared by all threads.
#[derive(Debug, Clone)]
pub struct Coder {
    terminology: Terminology,
    cues: Cues,
    encounters: EncounterWords,
}

/// Memory that is used again from chart to chart. It carries nothing from one chart to the next.
#[derive(Default)]
pub struct Scratch {
    tokens: Vec<Token>,
    hits: Vec<CueHit>,
    mentions: Vec<Mention>,
    assigned: Vec<Assigned>,
    codes: Vec<Code>,
    seen: BTreeMap<(Code, Assertion), usize>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it holds comes from a chart.
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Coder {
    /// The embedded terminology with the built-in cues.
    pub fn embedded() -> Coder {
        Coder::new(Terminology::embedded(), Cues::built_in())
    }

    /// A coder for any terminology and cues.
    pub fn new(terminology: Terminology, cues: Cues) -> Coder {
        Coder {
            encounters: EncounterWords::new(&terminology),
            terminology,
            cues,
        }
    }

    /// The name of the release, as in `icd10cm-fy2026-04`.
    pub fn terminology_version(&self) -> &str {
        self.terminology.version()
    }

    /// SHA-256 of the terminology file, in hexadecimal.
    pub fn terminology_digest(&self) -> String {
        self.terminology.digest()
    }

    /// SHA-256 of the cue tables, in hexadecimal.
    pub fn cues_digest(&self) -> String {
        self.cues.digest()
    }

    /// The terminology that this coder uses.
    pub fn terminology(&self) -> &Terminology {
        &self.terminology
    }

    /// Codes one chart. The same text gives the same coding, whatever was coded before with `scratch`.
    /// Any text is a chart; offsets lie on character boundaries.
    pub fn code(&self, text: &str, scratch: &mut Scratch) -> Coding {
        let mut coding = Coding::default();
        scratch.seen.clear();
        let mut reader = Reader::new(text, &self.terminology, &self.cues);
        let mut list: Option<Listed> = None;
        while let Some(sentence) = reader.next_sentence(&mut scratch.tokens) {
            if !sentence.item || sentence.fresh {
                list = None;
            }
            mention::find(
                &self.terminology,
                &scratch.tokens,
                sentence.section,
                &mut scratch.mentions,
            );
            if scratch.mentions.is_empty() && !sentence.opens_list {
                continue;
            }
            self.cues.find(&scratch.tokens, &mut scratch.hits);
            self.code_sentence(sentence, list.clone(), scratch, &mut coding);
            if sentence.opens_list {
                let Scratch { tokens, hits, .. } = &*scratch;
                list = Context {
                    cues: &self.cues,
                    tokens,
                    hits,
                    sentence,
                    list: None,
                }
                .listed();
            }
        }
        assign::prefer_sites(&mut coding.findings);
        assign::diagnose(&self.terminology, &mut coding, &mut scratch.codes);
        coding
    }

    /// The assertion of one span (UTF-8 byte offsets) that another system found in `text`.
    pub fn assert_span(&self, text: &str, begin: usize, end: usize) -> SpanAssertion {
        self.assert_spans(text, &[(begin, end)])[0]
    }

    /// The assertions of many spans of one text, in the order given.
    pub fn assert_spans(&self, text: &str, spans: &[(usize, usize)]) -> Vec<SpanAssertion> {
        assertion::assert_spans(&self.terminology, &self.cues, text, spans)
    }

    /// The term behind a finding, in the words of the terminology. `evidence` is the finding's text.
    pub fn term(&self, evidence: &str) -> String {
        let words = evidence
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty());
        let terms = words.filter_map(|w| {
            let id = self.terminology.word_of(w);
            (id.number() != 0).then(|| self.terminology.word_text(id))
        });
        terms.collect::<Vec<_>>().join(" ")
    }

    fn code_sentence(
        &self,
        sentence: Sentence,
        list: Option<Listed>,
        scratch: &mut Scratch,
        coding: &mut Coding,
    ) {
        let Scratch {
            tokens,
            hits,
            mentions,
            assigned,
            seen,
            ..
        } = scratch;
        let context = Context {
            cues: &self.cues,
            tokens,
            hits,
            sentence,
            list,
        };
        assigned.clear();
        for mention in mentions.iter() {
            let (code, rule, needed) = assign::refine(&self.terminology, tokens, hits, mention);
            let (assertion, _) = self.asserted(&context, mention);
            assigned.push(Assigned {
                mention: *mention,
                code,
                rule,
                needed,
                assertion,
                dropped: false,
            });
        }
        assign::absorb(tokens, assigned);
        assign::combine(&self.terminology, assigned);
        for a in assigned.iter().filter(|a| !a.dropped) {
            if assign::is_operation_of_now(&self.terminology, tokens, a) {
                continue;
            }
            let encounter = || self.encounters.of(tokens);
            let (code, rule) = assign::complete(&self.terminology, a.code, a.rule, encounter);
            let (begin, end) = (
                tokens[a.mention.first].begin,
                tokens[a.mention.last - 1].end,
            );
            match seen
                .get(&(code, a.assertion))
                .and_then(|i| coding.findings.get_mut(*i))
            {
                Some(finding) => finding.also.push((begin, end)),
                None => {
                    seen.insert((code, a.assertion), coding.findings.len());
                    let leaf = self.terminology.is_leaf(code);
                    coding.findings.push(Finding {
                        code: self.terminology.code_text(code),
                        description: self.terminology.description(code),
                        assertion: a.assertion,
                        billable: leaf && a.assertion == Assertion::Present,
                        begin,
                        end,
                        also: Vec::new(),
                        section: sentence.section,
                        why: Why {
                            source: a.mention.entry.source,
                            term_code: self.terminology.code_text(a.mention.entry.code),
                            rule,
                            assertion: self.asserted(&context, &a.mention).1,
                        },
                    });
                }
            }
        }
    }

    fn asserted(&self, context: &Context<'_>, mention: &Mention) -> (Assertion, AssertionReason) {
        if mention.entry.flags & entry_flag::NEGATED != 0 {
            return (Assertion::Negated, AssertionReason::Term);
        }
        let (assertion, reason) = context.assertion(mention.first..mention.last);
        if mention.entry.flags & entry_flag::HISTORICAL != 0 && assertion == Assertion::Present {
            return (Assertion::Historical, AssertionReason::Term);
        }
        (assertion, reason)
    }
}
