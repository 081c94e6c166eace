//! A checksum inside the file it is of, so that damage to an ending is found before any
//! of it is decoded, also where no list of endings exists yet.
//!
//! The footer holds `sha256:` and 64 digits: the SHA-256 of the whole file with those
//! digits as zeros.

use sha2::{Digest, Sha256};

use crate::hexadecimal;

/// The footer's key of the checksum.
pub(crate) const KEY: &str = "dayfly.checksum";

/// What is written before the checksum is known.
pub(crate) const BLANK: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

const MARK: &[u8] = b"sha256:";
const DIGITS: usize = 64;

/// Fills in the checksum of a finished file. `None` if it has no place for it.
pub(crate) fn fill(file: &mut [u8]) -> Option<()> {
    let (sum, at) = sum(file)?;
    file[at..at + DIGITS].copy_from_slice(sum.as_bytes());
    Some(())
}

/// Whether the file is as it was written.
pub(crate) fn holds(file: &[u8]) -> bool {
    sum(file).is_some_and(|(sum, at)| sum.as_bytes() == &file[at..at + DIGITS])
}

/// The checksum that belongs into the file, and where.
fn sum(file: &[u8]) -> Option<(String, usize)> {
    let at = place(file)?;
    let after = file.get(at + DIGITS..)?;
    let mut sum = Sha256::new();
    sum.update(&file[..at]);
    sum.update([b'0'; DIGITS]);
    sum.update(after);
    Some((hexadecimal(&sum.finalize()), at))
}

/// Where the digits begin: after the last mark that follows the last key.
fn place(file: &[u8]) -> Option<usize> {
    let key = find_last(file, KEY.as_bytes())?;
    let mark = find_last(&file[key..], MARK)?;
    Some(key + mark + MARK.len())
}

fn find_last(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).rposition(|w| w == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_is_found() {
        let mut file = format!("data {KEY} x {BLANK} end").into_bytes();
        fill(&mut file).unwrap();
        assert!(holds(&file));
        for at in 0..file.len() {
            for bit in 0..8 {
                file[at] ^= 1 << bit;
                assert!(!holds(&file), "byte {at} bit {bit}");
                file[at] ^= 1 << bit;
            }
        }
        assert!(!holds(b""));
        assert!(!holds(&file[..file.len() - 5]));
    }
}
