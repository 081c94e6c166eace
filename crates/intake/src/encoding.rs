//! Bytes to text, strictly: what the encoding does not have is refused, never replaced.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::unreadable::Unreadable;

/// Takes the byte order mark off the start of a file. Offsets of findings count from behind
/// it. Under a UTF-16 label the mark also chooses the byte order; the mark of any other
/// encoding than the expected one is a reason to refuse the file.
pub(crate) fn strip_mark<'a>(
    bytes: &'a [u8],
    encoding: &'static Encoding,
) -> Result<(&'a [u8], &'static Encoding), Unreadable> {
    match Encoding::for_bom(bytes) {
        None => Ok((bytes, encoding)),
        Some((found, length)) => {
            let is_utf16 = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
            if found == encoding || (is_utf16(found) && is_utf16(encoding)) {
                Ok((&bytes[length..], found))
            } else {
                Err(Unreadable::OtherEncoding {
                    found: found.name(),
                })
            }
        }
    }
}

/// The text of `bytes`, borrowed wherever the bytes already are UTF-8.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    encoding: &'static Encoding,
) -> Result<Cow<'a, str>, Unreadable> {
    let text = if encoding == UTF_8 {
        std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
    } else {
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    };
    text.ok_or(Unreadable::NotInEncoding {
        encoding: encoding.name(),
    })
}

/// Refuses text in which there is nothing to code, or which is no text.
pub(crate) fn check_text(text: &str) -> Result<(), Unreadable> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(Unreadable::Nul);
    }
    if text.trim_start().is_empty() {
        return Err(Unreadable::Empty);
    }
    Ok(())
}
