//! Words: how bytes of text become the keys of the terminology. The builder and the coder share this file,
//! so that what is written into a terminology is what will be looked up.

/// A word folded for look-up: lower case, Latin accents removed, at most [`Word::LONGEST`] bytes.
///
/// The bytes after the word are zero, so that hashing can take eight at a time.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    bytes: [u8; Word::LONGEST],
    len: usize,
}

impl Word {
    /// No word of the official tables is longer; a longer one in a chart is simply not known.
    pub(crate) const LONGEST: usize = 40;

    /// Folds `text`, which should hold letters and digits only. None if it is too long to be known.
    pub(crate) fn fold(text: &str) -> Option<Word> {
        let mut word = Word {
            bytes: [0; Word::LONGEST],
            len: 0,
        };
        let raw = text.as_bytes();
        if raw.len() > Word::LONGEST {
            return None;
        }
        let mut ascii = true;
        for (slot, &b) in word.bytes.iter_mut().zip(raw) {
            ascii &= b < 0x80;
            *slot = b.to_ascii_lowercase();
        }
        word.len = raw.len();
        if ascii {
            Some(word)
        } else {
            Word::fold_accents(text)
        }
    }

    #[cold]
    fn fold_accents(text: &str) -> Option<Word> {
        let mut word = Word {
            bytes: [0; Word::LONGEST],
            len: 0,
        };
        for c in text.chars() {
            let mut buffer = [0; 4];
            let folded = match base_letter(c) {
                Some(base) => base,
                None => {
                    let lower = c.to_lowercase().next().unwrap_or(c);
                    lower.encode_utf8(&mut buffer)
                }
            };
            let end = word.len + folded.len();
            word.bytes
                .get_mut(word.len..end)?
                .copy_from_slice(folded.as_bytes());
            word.len = end;
        }
        word.bytes[..word.len].make_ascii_lowercase();
        Some(word)
    }

    /// The hash that word tables are keyed by. It is part of the file format.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let mut h: u64 = 0x9e37_79b9_7f4a_7c15 ^ (self.len as u64);
        for chunk in self.bytes.chunks_exact(8).take(self.len.div_ceil(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(chunk);
            h = (h.rotate_left(23) ^ u64::from_le_bytes(eight)).wrapping_mul(0x2127_599b_f432_5c37);
        }
        h ^ (h >> 29)
    }

    /// The folded bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The plain letters that an accented Latin letter is looked up as.
pub(crate) fn base_letter(c: char) -> Option<&'static str> {
    Some(match c {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "a",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ď'..='đ' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "e",
        'Ĝ'..='ģ' => "g",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "i",
        'Ñ' | 'ñ' | 'Ń'..='ň' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => "o",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' => "s",
        'Ţ'..='ŧ' => "t",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "u",
        'Ý' | 'ý' | 'ÿ' => "y",
        'Ź'..='ž' => "z",
        'Æ' | 'æ' => "ae",
        'Œ' | 'œ' => "oe",
        'ß' => "ss",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_and_accents() {
        for (text, expected) in [
            ("Sjögren", "sjogren"),
            ("BARRÉ", "barre"),
            ("Ménière", "meniere"),
            ("E11", "e11"),
        ] {
            let word = Word::fold(text).expect("short");
            assert_eq!(word.as_bytes(), expected.as_bytes());
            assert_eq!(word.hash(), Word::fold(expected).expect("short").hash());
        }
    }

    #[test]
    fn a_word_that_is_too_long_is_not_known() {
        assert!(Word::fold(&"x".repeat(41)).is_none());
        assert!(Word::fold(&"œ".repeat(20)).is_some());
    }

    #[test]
    fn words_that_are_prefixes_of_each_other_hash_apart() {
        let a = Word::fold("gout").expect("short").hash();
        let b = Word::fold("gouty").expect("short").hash();
        assert_ne!(a, b);
    }
}
