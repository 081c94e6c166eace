//! Writing the flat file: codes, words, the trie of terms, refinements and the notes of the code book.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::Collector;
use super::{BuildError, tabular, terms};
use crate::flat::{self, SectionId};
use crate::terminology::{Code, Entry, NO_CODE, TerminologyError, WordId};
use crate::word::Word;

/// A node of the trie while it is being built.
#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<u32, usize>,
    entry: u32,
}

/// The sections while they are being written.
struct Writer {
    sections: [Vec<u8>; SectionId::Count as usize],
    texts: BTreeMap<String, (u32, u32)>,
}

/// Puts everything that was collected into one file.
pub(crate) fn write(
    version: &str,
    mut collected: Collector,
    combinations: &str,
) -> Result<Vec<u8>, BuildError> {
    if numbers_overflow(&collected) {
        return Err(BuildError::Write(TerminologyError::Format(
            "too many codes or sense rules",
        )));
    }
    let mut writer = Writer {
        sections: std::array::from_fn(|_| Vec::new()),
        texts: BTreeMap::new(),
    };
    writer.sections[SectionId::Version as usize] = version.as_bytes().to_vec();
    let numbers: BTreeMap<String, u32> = collected
        .codes
        .keys()
        .zip(0u32..)
        .map(|(key, n)| (key.clone(), n))
        .collect();
    let refiners = writer.refinements(&mut collected, &numbers);
    writer.codes(&collected, &numbers);
    writer.notes(&collected, &numbers);
    writer.combinations(&collected, &numbers, combinations)?;
    writer.rules(&collected);
    let starts = writer.trie(&collected, &numbers);
    collected.vocabulary.inflect();
    writer.words(&collected, &starts, &refiners);
    flat::assemble(&writer.sections).map_err(BuildError::Write)
}

impl Writer {
    fn put(&mut self, section: SectionId, number: u32) {
        self.sections[section as usize].extend(number.to_le_bytes());
    }

    fn size(&self, section: SectionId) -> u32 {
        u32::try_from(self.sections[section as usize].len()).unwrap_or(u32::MAX)
    }

    /// Adds a text once, and says where it stands.
    fn text(&mut self, text: &str) -> (u32, u32) {
        if let Some(&at) = self.texts.get(text) {
            return at;
        }
        let at = (
            self.size(SectionId::Text),
            u32::try_from(text.len()).unwrap_or(0),
        );
        self.sections[SectionId::Text as usize].extend(text.as_bytes());
        self.texts.insert(text.to_owned(), at);
        at
    }

    fn codes(&mut self, collected: &Collector, numbers: &BTreeMap<String, u32>) {
        let all: BTreeSet<&str> = collected
            .codes
            .values()
            .filter_map(|c| c.seventh.as_deref())
            .collect();
        let sevenths: Vec<&str> = std::iter::once("").chain(all).collect();
        for meaning in &sevenths {
            let (begin, len) = self.text(meaning);
            self.put(SectionId::Sevenths, begin);
            self.put(SectionId::Sevenths, len);
        }
        for (key, code) in &collected.codes {
            let mut name = [0u8; 8];
            let dotted = if key.len() > 3 {
                format!("{}.{}", &key[..3], &key[3..])
            } else {
                key.clone()
            };
            name[..dotted.len()].copy_from_slice(dotted.as_bytes());
            self.sections[SectionId::Codes as usize].extend(name);
            let (begin, len) = self.text(&code.description);
            let seventh = code
                .seventh
                .as_deref()
                .map_or(0, |s| sevenths.iter().position(|t| *t == s).unwrap_or(0));
            let sizes = len.min(0xffff) | u32::try_from(seventh).unwrap_or(0) << 16;
            let number_of =
                |k: Option<&String>| k.and_then(|k| numbers.get(k)).copied().unwrap_or(NO_CODE);
            let parent = number_of(code.parent.as_ref());
            let child = number_of(collected.defaults.get(key));
            for n in [begin, sizes, parent, child] {
                self.put(SectionId::Codes, n);
            }
        }
    }

    /// Excludes1 ranges and instructions, sorted by the code that holds them.
    fn notes(&mut self, collected: &Collector, numbers: &BTreeMap<String, u32>) {
        let count = u32::try_from(numbers.len()).unwrap_or(0);
        let from = |prefix: &str| {
            numbers
                .range(prefix.to_owned()..)
                .next()
                .map_or(count, |(_, n)| *n)
        };
        for (key, code) in &collected.codes {
            let own = numbers[key];
            for (low, high) in code.excludes1.iter().flat_map(|note| tabular::ranges(note)) {
                // '~' sorts after every character of a code.
                let (low, high) = (from(&low), from(&format!("{high}~")));
                for n in [own, low, high] {
                    self.put(SectionId::Excludes, n);
                }
            }
            for (kind, notes) in [(0, &code.code_first), (1, &code.use_additional)] {
                for note in notes {
                    let (begin, len) = self.text(note);
                    for n in [own, kind, begin, len] {
                        self.put(SectionId::Notes, n);
                    }
                }
            }
        }
    }

    /// The table of pairs: prefix of the first, prefix of the second, code for both, "keep" if the second stays.
    fn combinations(
        &mut self,
        collected: &Collector,
        numbers: &BTreeMap<String, u32>,
        table: &str,
    ) -> Result<(), BuildError> {
        let count = u32::try_from(numbers.len()).unwrap_or(0);
        let from = |prefix: &str| {
            numbers
                .range(prefix.to_owned()..)
                .next()
                .map_or(count, |(_, n)| *n)
        };
        for (i, line) in table.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let wrong = || BuildError::Row {
                table: "combination",
                line: i + 1,
            };
            let columns: Vec<String> = line
                .split('\t')
                .map(|c| c.trim().replace('.', ""))
                .collect();
            let [first, second, both, keep] = &columns[..] else {
                return Err(wrong());
            };
            if !collected.codes.contains_key(both) {
                continue;
            }
            let keep = u32::from(keep == "keep");
            for n in [
                from(first),
                from(&format!("{first}~")),
                from(second),
                from(&format!("{second}~")),
                numbers[both],
                keep,
            ] {
                self.put(SectionId::Combinations, n);
            }
        }
        Ok(())
    }

    fn rules(&mut self, collected: &Collector) {
        for _ in 0..5 {
            self.put(SectionId::Rules, 0);
        }
        for rule in &collected.rules {
            self.put(SectionId::Rules, rule.flags);
            for words in [&rule.near, &rule.unless] {
                let begin = self.size(SectionId::RuleWords) / 4;
                self.put(SectionId::Rules, begin);
                self.put(SectionId::Rules, u32::try_from(words.len()).unwrap_or(0));
                for word in words {
                    self.put(SectionId::RuleWords, *word);
                }
            }
        }
    }

    /// For every code that terms lead to: the codes that more words would choose. Gives the words that matter.
    fn refinements(
        &mut self,
        collected: &mut Collector,
        numbers: &BTreeMap<String, u32>,
    ) -> BTreeSet<u32> {
        let reached: BTreeSet<String> = collected
            .terms
            .values()
            .flat_map(|t| {
                let own = t.rank.2.clone();
                let child = collected.defaults.get(&own).cloned();
                [Some(own), child].into_iter().flatten()
            })
            .collect();
        let mut words = BTreeMap::new();
        for (key, code) in &collected.codes {
            if code.seventh.is_none() {
                // Words in parentheses may be there or not.
                let text = terms::without_brackets(&code.description.to_lowercase());
                let cut = text.find(" without ").unwrap_or(text.len());
                words.insert(key.clone(), collected.vocabulary.content(&text[..cut]));
            }
        }
        // A side implies that it is one-sided, and primary is what is meant unless the chart says otherwise.
        let [sided, implied]: [BTreeSet<u32>; 2] =
            ["right left", "unilateral primary"].map(|w| collected.vocabulary.content(w));
        let mut refiners = BTreeSet::new();
        for key in collected.codes.keys() {
            let begin = self.size(SectionId::Refinements) / 16;
            self.put(SectionId::RefineIndex, begin);
            let (true, Some(own)) = (reached.contains(key), words.get(key)) else {
                continue;
            };
            let root = family(collected, key);
            for (other, its) in words
                .range(root.clone()..)
                .take_while(|(k, _)| k.starts_with(&root))
            {
                let text = &collected.codes[other].description;
                let mut extra: Vec<u32> = its.difference(own).copied().collect();
                if extra.iter().any(|w| sided.contains(w)) {
                    extra.retain(|w| !implied.contains(w));
                }
                let fits = other != key && !text.starts_with("Other ") && own.is_subset(its);
                if !fits || extra.is_empty() || extra.len() > 3 {
                    continue;
                }
                self.put(SectionId::Refinements, numbers[other]);
                for i in 0..3 {
                    self.put(SectionId::Refinements, extra.get(i).copied().unwrap_or(0));
                }
                refiners.extend(extra);
            }
        }
        let end = self.size(SectionId::Refinements) / 16;
        self.put(SectionId::RefineIndex, end);
        refiners
    }

    /// Writes nodes in breadth-first order, so that the children of every node lie side by side.
    fn trie(&mut self, collected: &Collector, numbers: &BTreeMap<String, u32>) -> BTreeSet<u32> {
        let mut nodes = vec![Node::default()];
        for (words, term) in &collected.terms {
            let mut at = 0;
            for word in words {
                let next = nodes.len();
                at = *nodes[at].children.entry(*word).or_insert(next);
                if at == next {
                    nodes.push(Node::default());
                }
            }
            let code = Code(numbers[&term.rank.2]);
            let entry = Entry {
                code,
                source: term.source,
                flags: term.flags,
                rule: term.rule,
            };
            nodes[at].entry = entry.pack();
        }
        let starts: BTreeSet<u32> = nodes[0].children.keys().copied().collect();
        let mut order = vec![(0u32, 0usize)];
        let mut next = 0;
        let mut first_child = Vec::new();
        while let Some(&(_, node)) = order.get(next) {
            first_child.push(u32::try_from(order.len()).unwrap_or(0));
            order.extend(nodes[node].children.iter().map(|(w, n)| (*w, *n)));
            next += 1;
        }
        for (&(word, node), first) in order.iter().zip(&first_child) {
            for n in [word, *first, nodes[node].entry] {
                self.put(SectionId::Nodes, n);
            }
        }
        let end = u32::try_from(order.len()).unwrap_or(0);
        for n in [0, end, 0] {
            self.put(SectionId::Nodes, n);
        }
        let mut roots = vec![0u32; collected.vocabulary.names().len() + 1];
        for (i, (word, _)) in order.iter().enumerate().skip(1).take(starts.len()) {
            roots[*word as usize] = u32::try_from(i).unwrap_or(0);
        }
        for n in roots {
            self.put(SectionId::Root, n);
        }
        starts
    }

    fn words(&mut self, collected: &Collector, starts: &BTreeSet<u32>, refiners: &BTreeSet<u32>) {
        for name in collected.vocabulary.names() {
            let (begin, len) = self.text(name);
            self.put(SectionId::Words, begin);
            self.put(SectionId::Words, len);
        }
        let surfaces: Vec<(&str, u32)> = collected.vocabulary.surfaces().collect();
        let size = (surfaces.len() * 2).next_power_of_two();
        let mut table = vec![(0u32, 0u32); size];
        for (surface, number) in surfaces {
            let Some(word) = Word::fold(surface) else {
                continue;
            };
            let hash = word.hash();
            let mut flags = collected.vocabulary.flags(surface);
            if starts.contains(&number) {
                flags |= WordId::STARTS;
            }
            if refiners.contains(&number) {
                flags |= WordId::REFINES;
            }
            let check = (hash >> 32) as u32;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "only the low bits choose the slot"
            )]
            let mut slot = hash as usize & (size - 1);
            while table[slot].1 != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = (check, number | flags);
        }
        for (check, id) in table {
            self.put(SectionId::WordTable, check);
            self.put(SectionId::WordTable, id);
        }
    }
}

/// True if a code or a rule would not fit into an entry.
fn numbers_overflow(collected: &Collector) -> bool {
    collected.codes.len() + 1 >= Entry::CODES as usize
        || collected.rules.len() + 1 >= usize::from(Entry::RULES)
}

/// The category within which a code may be refined: its own children if it has any, else its siblings; one level
/// further up if the parent is only "X, unspecified" itself.
fn family(collected: &Collector, key: &str) -> String {
    let parent = |k: &str| collected.codes.get(k).and_then(|c| c.parent.clone());
    let is_default =
        |k: &str| parent(k).is_some_and(|p| collected.defaults.get(&p).is_some_and(|d| d == k));
    let mut root = key.to_owned();
    while is_default(&root) {
        match parent(&root) {
            Some(up) => root = up,
            None => break,
        }
    }
    root
}
