//! One-time tokens: how a worker proves who it is when its master started it on the same
//! machine and hands it the token over a pipe.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::pin::{parse_hex, write_hex};
use crate::{IdentityError, KeyFingerprint};

/// 256 random bits that stand for one instance, once. A secret: `Debug` shows nothing, there
/// is no `Display`, comparison takes the same time wherever two tokens differ.
#[derive(Clone)]
pub struct EnrolmentToken([u8; 32]);

/// A text is not a token. It does not say what the text was: it may be a secret with a typo.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an enrolment token is 64 lower-case hex digits")]
pub struct NotAToken;

/// The tokens that a master waits for, and what became of them. It keeps only their hashes.
#[derive(Default, Debug)]
pub struct TokenBook {
    expected: HashMap<String, Expected>,
}

/// A token was good for this instance and key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redeemed {
    /// For the first time.
    First,
    /// Again, for the same key: its worker lost our reply or was restarted.
    Again,
}

/// Why an enrolment is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody by this name was started, or it has been forgotten.
    #[error("no such instance was started by this master")]
    UnknownInstance,
    #[error("the token is not that of this instance")]
    WrongToken,
    /// The token is right but was used for another key: somebody copied it. A security event.
    #[error("this instance is enrolled with another key")]
    OtherKey,
}

struct Expected {
    token: [u8; 32],
    enrolled: Option<KeyFingerprint>,
}

impl TokenBook {
    /// Waits for `instance` to come with `token`. A later call for the same instance replaces
    /// the token and forgets the enrolled key: the master started it anew.
    pub fn expects(&mut self, instance: &str, token: &EnrolmentToken) {
        let expected = Expected {
            token: token.hash(),
            enrolled: None,
        };
        self.expected.insert(instance.to_owned(), expected);
    }

    /// Takes the token of `instance` for `key`, which the caller has seen to sign its request.
    pub fn redeem(
        &mut self,
        instance: &str,
        token: &EnrolmentToken,
        key: KeyFingerprint,
    ) -> Result<Redeemed, Refused> {
        let expected = self
            .expected
            .get_mut(instance)
            .ok_or(Refused::UnknownInstance)?;
        // Hashes are compared: how far two of them agree says nothing about the token.
        if expected.token != token.hash() {
            return Err(Refused::WrongToken);
        }
        match expected.enrolled {
            None => {
                expected.enrolled = Some(key);
                Ok(Redeemed::First)
            }
            Some(enrolled) if enrolled == key => Ok(Redeemed::Again),
            Some(_) => Err(Refused::OtherKey),
        }
    }

    /// Forgets an instance that is gone; its token is worth nothing from now on.
    pub fn forget(&mut self, instance: &str) {
        self.expected.remove(instance);
    }
}

impl EnrolmentToken {
    /// A new token from the provider's random number generator.
    pub fn generate() -> Result<EnrolmentToken, IdentityError> {
        Ok(EnrolmentToken(crate::random_bytes()?))
    }

    /// The token as 64 hex digits, for the pipe and the enrolment call and nowhere else.
    pub fn reveal_hex(&self) -> String {
        let mut text = String::with_capacity(64);
        write_hex(&self.0, &mut text).expect("writing to a string cannot fail");
        text
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl FromStr for EnrolmentToken {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<EnrolmentToken, NotAToken> {
        parse_hex(text).map(EnrolmentToken).ok_or(NotAToken)
    }
}

impl PartialEq for EnrolmentToken {
    fn eq(&self, other: &EnrolmentToken) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
        difference == 0
    }
}

impl Eq for EnrolmentToken {}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken(…)")
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected")
            .field("enrolled", &self.enrolled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_enrolls_one_key_of_one_instance() {
        let (token, other) = (
            EnrolmentToken::generate().unwrap(),
            EnrolmentToken::generate().unwrap(),
        );
        let (key, other_key) = (
            KeyFingerprint::of_key_info(b"1"),
            KeyFingerprint::of_key_info(b"2"),
        );
        let mut book = TokenBook::default();
        book.expects("w1", &token);
        book.expects("w2", &other);

        assert_eq!(
            book.redeem("w3", &token, key),
            Err(Refused::UnknownInstance)
        );
        assert_eq!(book.redeem("w1", &other, key), Err(Refused::WrongToken));
        assert_eq!(book.redeem("w1", &token, key), Ok(Redeemed::First));
        assert_eq!(book.redeem("w1", &token, key), Ok(Redeemed::Again));
        assert_eq!(book.redeem("w1", &token, other_key), Err(Refused::OtherKey));
        assert_eq!(book.redeem("w1", &other, key), Err(Refused::WrongToken));
        assert_eq!(book.redeem("w2", &other, other_key), Ok(Redeemed::First));
        book.forget("w1");
        assert_eq!(
            book.redeem("w1", &token, key),
            Err(Refused::UnknownInstance)
        );
    }

    #[test]
    fn a_token_travels_as_hex_and_shows_itself_nowhere_else() {
        let token = EnrolmentToken::generate().unwrap();
        assert_eq!(token.reveal_hex().parse(), Ok(token.clone()));
        assert_ne!(token, EnrolmentToken::generate().unwrap());
        let mut book = TokenBook::default();
        book.expects("w1", &token);
        let shown = format!("{token:?} {book:?}");
        assert!(!shown.contains(&token.reveal_hex()[..8]), "{shown}");
        assert!(
            !shown.contains(&format!("{:?}", token.hash())[1..12]),
            "{shown}"
        );
        assert_eq!(
            token.reveal_hex()[1..].parse::<EnrolmentToken>(),
            Err(NotAToken)
        );
    }
}
