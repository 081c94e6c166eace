//! Hashes of public keys. Both are public values: they need integrity, not secrecy.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The SHA-256 of the DER SubjectPublicKeyInfo of a run's authority: how a worker or admin
/// knows its master. Its text is 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CaPin(KeyFingerprint);

/// The SHA-256 of the DER SubjectPublicKeyInfo of any key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyFingerprint([u8; 32]);

/// A text is not 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a key fingerprint is 64 lower-case hex digits")]
pub struct NotAFingerprint;

impl CaPin {
    pub(crate) fn of_key_info(der: &[u8]) -> CaPin {
        CaPin(KeyFingerprint::of_key_info(der))
    }
}

impl KeyFingerprint {
    /// Hashes a DER SubjectPublicKeyInfo.
    pub fn of_key_info(der: &[u8]) -> KeyFingerprint {
        KeyFingerprint(Sha256::digest(der).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for KeyFingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<KeyFingerprint, NotAFingerprint> {
        parse_hex(text).map(KeyFingerprint).ok_or(NotAFingerprint)
    }
}

impl fmt::Display for CaPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CaPin {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<CaPin, NotAFingerprint> {
        text.parse().map(CaPin)
    }
}

pub(crate) fn write_hex(bytes: &[u8], f: &mut impl fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Strict: exactly 64 digits, lower case.
pub(crate) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_written_and_read_back_strictly() {
        let pin = CaPin::of_key_info(b"key");
        let text = pin.to_string();
        assert_eq!(
            text,
            "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
        );
        assert_eq!(text.parse(), Ok(pin));
        for bad in [
            &text[1..],
            &format!("{text}0"),
            &text.to_uppercase(),
            "",
            "é",
        ] {
            assert_eq!(bad.parse::<CaPin>(), Err(NotAFingerprint), "{bad}");
        }
    }
}
