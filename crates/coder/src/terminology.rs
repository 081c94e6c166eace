//! One ICD-10-CM release with its terms, as a flat file that is used in place.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::finding::{NoteKind, TermSource};
use crate::flat::{self, Flat, SectionId};
use crate::word::Word;

static EMBEDDED: &[u8] = include_bytes!("../data/icd10cm-fy2026.bin");
static EMBEDDED_DIGEST: &str = include_str!("../data/icd10cm-fy2026.sha256");

/// One release of ICD-10-CM with the terms that charts use for its codes. Copies are cheap.
///
/// A terminology stays in memory (or mapped) until the process ends, so everything it says is `'static`.
#[derive(Debug, Clone, Copy)]
pub struct Terminology {
    sections: [Flat; SectionId::Count as usize],
    bytes: &'static [u8],
    word_mask: usize,
}

/// Why a terminology could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminologyError {
    /// The file could not be opened or mapped.
    #[error("cannot map terminology file {path}")]
    Map {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The content is not a terminology that this program can use.
    #[error("not a usable terminology file: {0}")]
    Format(&'static str),
}

impl Terminology {
    /// The terminology that this program carries: FY2026 (April 2026). Costs nothing: no hashing, no parsing.
    pub fn embedded() -> Terminology {
        Terminology::open(EMBEDDED)
            .expect("the embedded file is the builder's own output; a test rebuilds it")
    }

    /// Maps a file that `dayfly terminology build` wrote, after checking its content against its digest.
    /// The file must not be changed while the process lives; write a new one and rename it instead.
    pub fn map(path: &Path) -> Result<Terminology, TerminologyError> {
        let failed = |source| TerminologyError::Map {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        #[expect(
            unsafe_code,
            reason = "a map is only sound while nobody truncates the file; the contract above says so, and \
                      every read of the map is bounds-checked"
        )]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(failed)?;
        Terminology::from_static(Box::leak(Box::new(map)))
    }

    /// Uses a file's content, after checking it. The bytes stay in memory until the process ends.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Terminology, TerminologyError> {
        Terminology::from_static(Vec::leak(bytes))
    }

    fn from_static(bytes: &'static [u8]) -> Result<Terminology, TerminologyError> {
        flat::verify(bytes)?;
        Terminology::open(bytes)
    }

    fn open(bytes: &'static [u8]) -> Result<Terminology, TerminologyError> {
        let sections = flat::open(bytes)?;
        let slots = sections[SectionId::WordTable as usize].records(2);
        if !slots.is_power_of_two() {
            return Err(TerminologyError::Format("its word table has an odd size"));
        }
        Ok(Terminology {
            sections,
            bytes,
            word_mask: slots - 1,
        })
    }

    /// The name of the release, as in `icd10cm-fy2026-04`.
    pub fn version(&self) -> &'static str {
        let section = self.section(SectionId::Version);
        section.text(0, section.0.len())
    }

    /// SHA-256 of the whole file, in hexadecimal. Known beforehand for the embedded one.
    pub fn digest(&self) -> String {
        if std::ptr::eq(self.bytes, EMBEDDED) {
            return EMBEDDED_DIGEST.trim().to_owned();
        }
        hex(&Sha256::digest(self.bytes))
    }

    /// How many codes the release has, categories and subcategories included.
    pub fn code_count(&self) -> usize {
        self.section(SectionId::Codes).records(CODE_RECORD)
    }

    /// How many nodes the trie of terms has, a measure of how many terms lead to a code.
    pub fn term_count(&self) -> usize {
        self.section(SectionId::Nodes).records(3).saturating_sub(2)
    }

    /// The official description of `code` (with its dot), if the release has it.
    pub fn describe(&self, code: &str) -> Option<Cow<'static, str>> {
        self.find_code(code).map(|c| self.description(c))
    }

    /// True if `code` (with its dot) is a leaf of the release: valid for billing.
    pub fn is_billable(&self, code: &str) -> bool {
        self.find_code(code).is_some_and(|c| self.is_leaf(c))
    }
}

/// The number of a code in its terminology: codes are sorted, so every category is a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Code(pub(crate) u32);

/// A term that ends at a node of the trie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) code: Code,
    pub(crate) source: TermSource,
    pub(crate) flags: u8,
    pub(crate) rule: u16,
}

impl Entry {
    /// One more than the highest code, source, flags and rule that fit into the 32 bits of an entry.
    pub(crate) const CODES: u32 = 1 << 17;
    pub(crate) const RULES: u16 = 1 << 9;

    /// 17 bits of code (plus one, so that zero is "no entry"), 3 of source, 3 of flags, 9 of rule.
    pub(crate) fn pack(self) -> u32 {
        (self.code.0 + 1)
            | u32::from(self.source.number()) << 17
            | u32::from(self.flags) << 20
            | u32::from(self.rule) << 23
    }

    fn unpack(packed: u32) -> Option<Entry> {
        let code = (packed & (Entry::CODES - 1)).checked_sub(1)?;
        let [_, _, middle, _] = packed.to_le_bytes();
        Some(Entry {
            code: Code(code),
            source: TermSource::from_number((middle >> 1) & 7),
            flags: (middle >> 4) & 7,
            rule: u16::try_from(packed >> 23).unwrap_or(0),
        })
    }
}

/// Flags of an [`Entry`].
pub(crate) mod entry_flag {
    /// The term names a kind of growth without its site; a longer name of a site beside it wins.
    pub(crate) const HEAD: u8 = 1;
    /// The term is a normal or absent state ("afebrile"): the code is negated by the term itself.
    pub(crate) const NEGATED: u8 = 2;
    /// The term says that it is past ("status post CVA").
    pub(crate) const HISTORICAL: u8 = 4;
}

/// Words of a code record: text of 8 bytes, place of the description, its length (16 bits) and the number of the
/// 7th character's meaning (16 bits), parent, default child.
pub(crate) const CODE_RECORD: usize = 6;
/// "No such code" in the flat file.
pub(crate) const NO_CODE: u32 = u32::MAX;
/// Words of a refinement record: target code and up to three words.
pub(crate) const REFINE_RECORD: usize = 4;

/// A known word: its number and what it may do. Zero is "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WordId(pub(crate) u32);

impl WordId {
    pub(crate) const NUMBER: u32 = 0x00ff_ffff;
    /// Small words that a match may step over.
    pub(crate) const STOP: u32 = 1 << 24;
    /// Side, degree and the like: a match may step over it.
    pub(crate) const MODIFIER: u32 = 1 << 25;
    /// Some term begins with it.
    pub(crate) const STARTS: u32 = 1 << 26;
    /// It may make another finding more specific.
    pub(crate) const REFINES: u32 = 1 << 27;

    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0 & Self::NUMBER
    }

    #[inline]
    pub(crate) fn is(self, flags: u32) -> bool {
        self.0 & flags != 0
    }
}

impl Terminology {
    #[inline]
    fn section(&self, id: SectionId) -> Flat {
        self.sections[id as usize]
    }

    /// The number and flags of a folded word.
    #[inline]
    pub(crate) fn word(&self, hash: u64) -> WordId {
        let table = self.section(SectionId::WordTable);
        let check = (hash >> 32) as u32;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only the low bits choose the slot"
        )]
        let mut slot = hash as usize & self.word_mask;
        for _ in 0..64 {
            let id = table.u32(slot * 2 + 1);
            if id == 0 {
                return WordId(0);
            }
            if table.u32(slot * 2) == check {
                return WordId(id);
            }
            slot = (slot + 1) & self.word_mask;
        }
        WordId(0)
    }

    /// The number of a word written out.
    pub(crate) fn word_of(&self, text: &str) -> WordId {
        Word::fold(text).map_or(WordId(0), |w| self.word(w.hash()))
    }

    /// How a word is written in terms.
    pub(crate) fn word_text(&self, word: WordId) -> &'static str {
        let i = word.number() as usize;
        let words = self.section(SectionId::Words);
        let (begin, len) = (words.u32(i * 2), words.u32(i * 2 + 1));
        self.section(SectionId::Text)
            .text(begin as usize, len as usize)
    }

    /// The trie node of terms that begin with `word`. Zero is "none".
    #[inline]
    pub(crate) fn root(&self, word: WordId) -> u32 {
        self.section(SectionId::Root).u32(word.number() as usize)
    }

    /// The node that `word` leads to from `node`. Zero is "none".
    #[inline]
    pub(crate) fn child(&self, node: u32, word: WordId) -> u32 {
        let nodes = self.section(SectionId::Nodes);
        let node = node as usize;
        let (mut low, mut high) = (
            nodes.u32(node * 3 + 1) as usize,
            nodes.u32((node + 1) * 3 + 1) as usize,
        );
        let wanted = word.number();
        while low < high {
            let middle = low.midpoint(high);
            let found = nodes.u32(middle * 3);
            if found == wanted {
                return u32::try_from(middle).unwrap_or(0);
            }
            if found < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        0
    }

    /// The term that ends at `node`, if one does.
    #[inline]
    pub(crate) fn entry(&self, node: u32) -> Option<Entry> {
        Entry::unpack(self.section(SectionId::Nodes).u32(node as usize * 3 + 2))
    }

    /// A sense rule: its flags, the words that must be near, the words that must not.
    pub(crate) fn rule(&self, number: u16) -> (u32, SenseWords, SenseWords) {
        let rules = self.section(SectionId::Rules);
        let at = usize::from(number) * 5;
        let words = |i: usize| SenseWords {
            words: self.section(SectionId::RuleWords),
            begin: rules.u32(at + i) as usize,
            len: rules.u32(at + i + 1) as usize,
        };
        (rules.u32(at), words(1), words(3))
    }

    /// Codes that are more specific than `code`, each with the words that choose it.
    pub(crate) fn refinements(&self, code: Code) -> impl Iterator<Item = (Code, [u32; 3])> + use<> {
        let index = self.section(SectionId::RefineIndex);
        let items = self.section(SectionId::Refinements);
        let at = code.0 as usize;
        (index.u32(at) as usize..index.u32(at + 1) as usize).map(move |i| {
            let r = i * REFINE_RECORD;
            (
                Code(items.u32(r)),
                [items.u32(r + 1), items.u32(r + 2), items.u32(r + 3)],
            )
        })
    }

    /// Ranges of codes that an Excludes1 note at `code` itself names.
    pub(crate) fn excludes(&self, code: Code) -> impl Iterator<Item = (Code, Code)> + use<> {
        let table = self.section(SectionId::Excludes);
        records_of(table, 3, code)
            .map(move |i| (Code(table.u32(i * 3 + 1)), Code(table.u32(i * 3 + 2))))
    }

    /// Instructions at `code` itself.
    pub(crate) fn notes(
        &self,
        code: Code,
    ) -> impl Iterator<Item = (NoteKind, &'static str)> + use<> {
        let table = self.section(SectionId::Notes);
        let text = self.section(SectionId::Text);
        records_of(table, 4, code).map(move |i| {
            let kind = if table.u32(i * 4 + 1) == 0 {
                NoteKind::CodeFirst
            } else {
                NoteKind::UseAdditional
            };
            (
                kind,
                text.text(table.u32(i * 4 + 2) as usize, table.u32(i * 4 + 3) as usize),
            )
        })
    }

    /// Pairs that are coded together: range of the first, range of the second, the code for both.
    pub(crate) fn combinations(&self) -> impl Iterator<Item = Combination> + use<> {
        let table = self.section(SectionId::Combinations);
        (0..table.records(6)).map(move |i| Combination {
            first: (Code(table.u32(i * 6)), Code(table.u32(i * 6 + 1))),
            second: (Code(table.u32(i * 6 + 2)), Code(table.u32(i * 6 + 3))),
            both: Code(table.u32(i * 6 + 4)),
            keeps_second: table.u32(i * 6 + 5) != 0,
        })
    }

    /// The code's text, with its dot.
    pub(crate) fn code_text(&self, code: Code) -> &'static str {
        let codes = self.section(SectionId::Codes);
        let at = code.0 as usize * CODE_RECORD * 4;
        let raw = codes.text(at, 8);
        raw.trim_end_matches('\0')
    }

    /// The official description; the meaning of a 7th character is added to its code's.
    pub(crate) fn description(&self, code: Code) -> Cow<'static, str> {
        let codes = self.section(SectionId::Codes);
        let at = code.0 as usize * CODE_RECORD;
        let text = self.section(SectionId::Text);
        let sizes = codes.u32(at + 3);
        let base = text.text(codes.u32(at + 2) as usize, (sizes & 0xffff) as usize);
        let seventh = (sizes >> 16) as usize;
        if seventh == 0 {
            return Cow::Borrowed(base);
        }
        let table = self.section(SectionId::Sevenths);
        let (begin, len) = (
            table.u32(seventh * 2) as usize,
            table.u32(seventh * 2 + 1) as usize,
        );
        Cow::Owned(format!("{base}, {}", text.text(begin, len)))
    }

    /// The code one level up.
    pub(crate) fn parent(&self, code: Code) -> Option<Code> {
        self.code_or_none(code, 4)
    }

    /// The code to take when only `code` itself is known: its "unspecified" child, or its first 7th character.
    pub(crate) fn default_child(&self, code: Code) -> Option<Code> {
        self.code_or_none(code, 5)
    }

    fn code_or_none(&self, code: Code, word: usize) -> Option<Code> {
        let n = self
            .section(SectionId::Codes)
            .u32(code.0 as usize * CODE_RECORD + word);
        (n != NO_CODE).then_some(Code(n))
    }

    /// True if the code has no child in the release.
    pub(crate) fn is_leaf(&self, code: Code) -> bool {
        let (own, next) = (self.code_text(code), self.code_text(Code(code.0 + 1)));
        !own.is_empty() && !is_below(next, own)
    }

    /// The number of a code written with its dot.
    pub(crate) fn find_code(&self, text: &str) -> Option<Code> {
        let (mut low, mut high) = (0, u32::try_from(self.code_count()).unwrap_or(0));
        while low < high {
            let middle = low.midpoint(high);
            match self
                .code_text(Code(middle))
                .bytes()
                .filter(|b| *b != b'.')
                .cmp(text.bytes().filter(|b| *b != b'.'))
            {
                std::cmp::Ordering::Equal => return Some(Code(middle)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// A pair of conditions that the code book codes together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Combination {
    pub(crate) first: (Code, Code),
    pub(crate) second: (Code, Code),
    pub(crate) both: Code,
    pub(crate) keeps_second: bool,
}

/// Words of a sense rule, in ascending order of their numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SenseWords {
    words: Flat,
    begin: usize,
    len: usize,
}

impl SenseWords {
    pub(crate) fn is_empty(self) -> bool {
        self.len == 0
    }

    pub(crate) fn contains(self, word: WordId) -> bool {
        word.number() != 0 && (0..self.len).any(|i| self.words.u32(self.begin + i) == word.number())
    }
}

/// True if `code` is a strict descendant of `ancestor` by its characters.
fn is_below(code: &str, ancestor: &str) -> bool {
    code.len() > ancestor.len() && code.starts_with(ancestor)
}

/// Numbers of the records of `table`, sorted by their first word, that belong to `code`.
fn records_of(table: Flat, words: usize, code: Code) -> std::ops::Range<usize> {
    let bound = |limit: u32| {
        let (mut low, mut high) = (0, table.records(words));
        while low < high {
            let middle = low.midpoint(high);
            if table.u32(middle * words) < limit {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    };
    bound(code.0)..bound(code.0.saturating_add(1))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
            write!(s, "{b:02x}").expect("writing to a string cannot fail");
            s
        })
}
