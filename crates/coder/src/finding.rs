//! What the coder says about a chart: findings with evidence, and the notes of the code book about them.

use std::borrow::Cow;

use crate::section::Section;

/// All that was found in one chart. Nothing in it is text of the chart: evidence is byte offsets only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coding {
    /// One finding for every pair of code and assertion, in the order of their first evidence.
    pub findings: Vec<Finding>,
    /// Pairs of present findings that the code book says cannot stand together.
    pub conflicts: Vec<Conflict>,
    /// "Code first" and "use additional code" notes of the billable findings.
    pub notes: Vec<Note>,
}

/// One code with its evidence and assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The code with its dot, as in `E11.9`. It exists in the terminology's release.
    pub code: &'static str,
    /// The official description of the code.
    pub description: Cow<'static, str>,
    /// What the chart says about it.
    pub assertion: Assertion,
    /// True if the finding is present and its code is valid for billing (a leaf of the release).
    pub billable: bool,
    /// UTF-8 byte offset of the first evidence, on a character boundary.
    pub begin: usize,
    /// UTF-8 byte offset just after the first evidence, on a character boundary.
    pub end: usize,
    /// Further evidence of the same code and assertion, in text order.
    pub also: Vec<(usize, usize)>,
    /// The section that the first evidence stands in.
    pub section: Section,
    /// How the coder came to it.
    pub why: Why,
}

/// The assertion of a finding; exactly one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Assertion {
    /// The patient has it now.
    #[default]
    Present,
    /// The chart says that the patient does not have it.
    Negated,
    /// Suspected, not excluded.
    Possible,
    /// The patient had it, or it stands in the past medical history.
    Historical,
    /// A relative has or had it.
    Family,
    /// Spoken of as something that may come, a risk or a reason to return.
    Hypothetical,
}

impl Assertion {
    /// Every assertion, in the order in which they are declared.
    pub const ALL: [Assertion; 6] = [
        Assertion::Present,
        Assertion::Negated,
        Assertion::Possible,
        Assertion::Historical,
        Assertion::Family,
        Assertion::Hypothetical,
    ];

    /// The stable name that results and command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Assertion::Present => "present",
            Assertion::Negated => "negated",
            Assertion::Possible => "possible",
            Assertion::Historical => "historical",
            Assertion::Family => "family",
            Assertion::Hypothetical => "hypothetical",
        }
    }

    /// The assertion with that stable name.
    pub fn from_name(name: &str) -> Option<Assertion> {
        Assertion::ALL.into_iter().find(|a| a.as_str() == name)
    }
}

/// The chain from text to code and assertion. Offsets, names of rules and data rows; never chart text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why {
    /// Which table the matched term comes from.
    pub source: TermSource,
    /// The code that the term itself stands for, where a coding rule then chose another.
    pub term_code: &'static str,
    /// The coding rule that chose the final code.
    pub rule: CodeRule,
    /// What decided the assertion.
    pub assertion: AssertionReason,
}

/// The table a term comes from, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermSource {
    /// Hand-written synonyms, abbreviations and lay terms.
    Synonym,
    /// A code's official description.
    Description,
    /// An inclusion term of the tabular list.
    Inclusion,
    /// The Alphabetic Index, or the external-cause index.
    Index,
    /// The Neoplasm Table.
    Neoplasm,
    /// The Table of Drugs and Chemicals.
    Drug,
    /// Synonyms of the Human Disease Ontology.
    DiseaseOntology,
    /// A table that the user supplied.
    User,
}

impl TermSource {
    pub(crate) const ALL: [TermSource; 8] = [
        TermSource::Synonym,
        TermSource::Description,
        TermSource::Inclusion,
        TermSource::Index,
        TermSource::Neoplasm,
        TermSource::Drug,
        TermSource::DiseaseOntology,
        TermSource::User,
    ];

    /// A stable name for explanations.
    pub fn as_str(self) -> &'static str {
        match self {
            TermSource::Synonym => "synonym table",
            TermSource::Description => "code description",
            TermSource::Inclusion => "inclusion term",
            TermSource::Index => "index",
            TermSource::Neoplasm => "neoplasm table",
            TermSource::Drug => "drug table",
            TermSource::DiseaseOntology => "disease ontology",
            TermSource::User => "user table",
        }
    }

    /// The source's number in the flat file.
    pub(crate) fn number(self) -> u8 {
        Self::ALL
            .iter()
            .position(|&s| s == self)
            .map_or(0, |i| u8::try_from(i).unwrap_or(0))
    }

    pub(crate) fn from_number(n: u8) -> TermSource {
        Self::ALL
            .get(usize::from(n))
            .copied()
            .unwrap_or(TermSource::User)
    }
}

/// The coding rule that chose the final code of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeRule {
    /// The code of the term as it stands.
    Term,
    /// The sentence names a side, an acuity, a type or a complication that has its own code.
    Refined,
    /// Two conditions in one sentence that the code book codes together.
    Combined,
    /// The 7th character was filled in (initial encounter unless the text says otherwise).
    SeventhCharacter,
}

impl CodeRule {
    /// A stable name for explanations.
    pub fn as_str(self) -> &'static str {
        match self {
            CodeRule::Term => "term",
            CodeRule::Refined => "refined by the sentence",
            CodeRule::Combined => "combination code",
            CodeRule::SeventhCharacter => "7th character",
        }
    }
}

/// What decided an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionReason {
    /// Nothing spoke against "present".
    Default,
    /// The section's heading.
    Section,
    /// A cue phrase of the chart, at these byte offsets.
    Cue {
        /// Byte offset of the cue.
        begin: usize,
        /// Byte offset just after the cue.
        end: usize,
    },
    /// The term itself says it, as in "afebrile" or "history of stroke".
    Term,
}

/// Two present findings that an Excludes1 note keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// The code whose note (or whose category's note) excludes the other.
    pub code: &'static str,
    /// The excluded code.
    pub excluded: &'static str,
}

/// An instruction of the code book about a billable finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// The finding's code.
    pub code: &'static str,
    /// What kind of instruction it is.
    pub kind: NoteKind,
    /// Its official wording.
    pub text: &'static str,
}

/// The kinds of instruction that are surfaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The underlying condition goes first.
    CodeFirst,
    /// A further code is to be added.
    UseAdditional,
}

impl NoteKind {
    /// A stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::CodeFirst => "code first",
            NoteKind::UseAdditional => "use additional code",
        }
    }
}
