//! A text column gathered as numbers of a dictionary.
//!
//! Nearly every column of an ending repeats itself: the engine in all rows, a chart's id
//! in all of its rows, a few hundred codes. Gathering numbers instead of texts costs a
//! comparison for most cells, and what the pages need is then already there.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Slots of the memory of recent texts: 4 KiB, which stays in the first-level cache.
const RECENT: usize = 1024;

#[derive(Debug)]
pub(crate) struct Words {
    /// The distinct values, each as its length (32 bits, little-endian) and its bytes:
    /// as the dictionary page has them.
    dictionary: Vec<u8>,
    /// Where each begins.
    begins: Vec<usize>,
    /// One number for each value.
    numbers: Vec<u32>,
    /// One level for each row: 1 where it has a value.
    levels: Vec<u32>,
    /// By a glance at the text: the number that it may have. A guess, always compared.
    recent: Vec<u32>,
    /// By the hash of the text: its number. Two texts of one hash, should that ever be,
    /// are entered twice, which a dictionary may hold.
    known: HashMap<u64, u32>,
    hash: RandomState,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            dictionary: Vec::new(),
            begins: Vec::new(),
            numbers: Vec::new(),
            levels: Vec::new(),
            recent: vec![0; RECENT],
            known: HashMap::new(),
            hash: RandomState::new(),
        }
    }
}

impl Words {
    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        self.levels.push(u32::from(value.is_some()));
        if let Some(value) = value {
            let number = self.number(value);
            self.numbers.push(number);
        }
    }

    /// Bytes held of values.
    pub(crate) fn bytes(&self) -> usize {
        self.dictionary.len()
    }

    pub(crate) fn dictionary(&self) -> &[u8] {
        &self.dictionary
    }

    /// How many entries the dictionary has.
    pub(crate) fn distinct(&self) -> usize {
        self.begins.len()
    }

    pub(crate) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    pub(crate) fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// Forgets everything, and keeps the room for as much.
    pub(crate) fn clear(&mut self) {
        self.dictionary.clear();
        self.begins.clear();
        self.numbers.clear();
        self.levels.clear();
        self.known.clear();
    }

    fn number(&mut self, value: &[u8]) -> u32 {
        if let Some(&last) = self.numbers.last()
            && self.is(last, value)
        {
            return last;
        }
        let slot = glance(value);
        let recent = self.recent[slot];
        if self.is(recent, value) {
            return recent;
        }
        let number = self.look_up(value);
        self.recent[slot] = number;
        number
    }

    fn look_up(&mut self, value: &[u8]) -> u32 {
        let hash = self.hash.hash_one(value);
        if let Some(&known) = self.known.get(&hash)
            && self.is(known, value)
        {
            return known;
        }
        let number = u32::try_from(self.begins.len()).expect("a row group has fewer rows");
        let length = u32::try_from(value.len()).expect("a text of a chart is below 4 GiB");
        self.begins.push(self.dictionary.len());
        self.dictionary.extend_from_slice(&length.to_le_bytes());
        self.dictionary.extend_from_slice(value);
        self.known.insert(hash, number);
        number
    }

    /// Whether this number, if it is one, is that of this text.
    fn is(&self, number: u32, value: &[u8]) -> bool {
        let Some(&begin) = self.begins.get(number as usize) else {
            return false;
        };
        self.dictionary
            .get(begin..)
            .and_then(|rest| rest.split_first_chunk::<4>())
            .is_some_and(|(length, rest)| {
                u32::from_le_bytes(*length) as usize == value.len() && rest.starts_with(value)
            })
    }
}

/// A slot for the text, from its length and both its ends.
fn glance(value: &[u8]) -> usize {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 divided by the golden ratio
    let (head, tail) = match (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => {
            let fold = |hash: u64, byte: &u8| hash << 8 | u64::from(*byte);
            (value.iter().fold(0, fold), 0)
        }
    };
    let mixed = (head ^ tail.rotate_left(29) ^ value.len() as u64).wrapping_mul(SPREAD);
    usize::try_from(mixed >> (64 - RECENT.ilog2())).expect("as many bits as there are slots")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(words: &Words) -> Vec<Option<Vec<u8>>> {
        let mut numbers = words.numbers.iter();
        let value = |number: u32| {
            let begin = words.begins[number as usize];
            let length = u32::from_le_bytes(words.dictionary[begin..begin + 4].try_into().unwrap());
            words.dictionary[begin + 4..begin + 4 + length as usize].to_vec()
        };
        let levels = words.levels.iter();
        levels
            .map(|level| (*level == 1).then(|| value(*numbers.next().unwrap())))
            .collect()
    }

    proptest! {
        #[test]
        fn holds_what_was_pushed_and_each_value_once(
            pushed in prop::collection::vec(prop::option::of("[ab]{0,3}|[ab]{7,17}"), 0..80),
        ) {
            let mut words = Words::default();
            for _ in 0..2 {
                words.clear();
                for value in &pushed {
                    words.push(value.as_ref().map(|v| v.as_bytes()));
                }
                let expected: Vec<_> = pushed
                    .iter()
                    .map(|v| v.as_ref().map(|v| v.as_bytes().to_vec()))
                    .collect();
                prop_assert_eq!(values(&words), expected.clone());
                let distinct: std::collections::BTreeSet<_> = expected.iter().flatten().collect();
                prop_assert_eq!(words.distinct(), distinct.len());
            }
        }
    }
}
