//! The flat file: sections of little-endian numbers and text, read in place without parsing.
//!
//! ```text
//! 0   8  magic "DAYFLYT1"
//! 8   4  number of sections
//! 12  32 SHA-256 of everything after the section table
//! 44  8  offset and length of each section (u32, u32)
//! ```
//! Every accessor is checked and answers zero outside of its section, so no file can make the coder panic.

use sha2::{Digest, Sha256};

use crate::terminology::TerminologyError;

const MAGIC: &[u8; 8] = b"DAYFLYT1";
const HEADER: usize = 44;

/// The sections of a terminology, in the order of the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum SectionId {
    Version,
    Codes,
    Text,
    WordTable,
    Words,
    Root,
    Nodes,
    Sevenths,
    Rules,
    RuleWords,
    RefineIndex,
    Refinements,
    Excludes,
    Notes,
    Combinations,
    Count,
}

/// One section, read in place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flat(pub(crate) &'static [u8]);

impl Flat {
    /// The `i`-th 32-bit number of the section.
    #[inline]
    pub(crate) fn u32(self, i: usize) -> u32 {
        match self.0.get(i * 4..i * 4 + 4).and_then(|b| b.try_into().ok()) {
            Some(bytes) => u32::from_le_bytes(bytes),
            None => 0,
        }
    }

    /// The section as text from byte `begin`, `len` bytes.
    pub(crate) fn text(self, begin: usize, len: usize) -> &'static str {
        begin
            .checked_add(len)
            .and_then(|end| self.0.get(begin..end))
            .and_then(|b| std::str::from_utf8(b).ok())
            .unwrap_or("")
    }

    /// How many records of `words` 32-bit numbers the section holds.
    pub(crate) fn records(self, words: usize) -> usize {
        self.0.len() / (4 * words)
    }
}

/// Splits a file into its sections, without looking at their content.
pub(crate) fn open(
    bytes: &'static [u8],
) -> Result<[Flat; SectionId::Count as usize], TerminologyError> {
    let number = |at: usize| -> Option<usize> {
        let b: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(b)).ok()
    };
    if bytes.get(..8) != Some(MAGIC.as_slice()) {
        return Err(TerminologyError::Format(
            "it does not begin as a terminology of this version",
        ));
    }
    let count = SectionId::Count as usize;
    if number(8) != Some(count) {
        return Err(TerminologyError::Format(
            "it has another number of sections",
        ));
    }
    let mut sections = [Flat(&[]); SectionId::Count as usize];
    for (i, section) in sections.iter_mut().enumerate() {
        let at = HEADER + 8 * i;
        *section = number(at)
            .zip(number(at + 4))
            .and_then(|(begin, len)| bytes.get(begin..begin.checked_add(len)?))
            .map(Flat)
            .ok_or(TerminologyError::Format(
                "it is shorter than its section table says",
            ))?;
    }
    Ok(sections)
}

/// Checks the content of a file against the digest in its header.
pub(crate) fn verify(bytes: &[u8]) -> Result<(), TerminologyError> {
    let body = HEADER + 8 * SectionId::Count as usize;
    match (bytes.get(12..HEADER), bytes.get(body..)) {
        (Some(expected), Some(rest)) if Sha256::digest(rest).as_slice() == expected => Ok(()),
        _ => Err(TerminologyError::Format(
            "its content does not match its own digest",
        )),
    }
}

/// Puts sections together into a file.
pub(crate) fn assemble(
    sections: &[Vec<u8>; SectionId::Count as usize],
) -> Result<Vec<u8>, TerminologyError> {
    let too_large = |_| TerminologyError::Format("a section is larger than 4 GiB");
    let body = HEADER + 8 * sections.len();
    let mut table = Vec::new();
    let mut content = Vec::new();
    for section in sections {
        while !(body + content.len()).is_multiple_of(8) {
            content.push(0);
        }
        let begin = u32::try_from(body + content.len()).map_err(too_large)?;
        table.extend(begin.to_le_bytes());
        table.extend(
            u32::try_from(section.len())
                .map_err(too_large)?
                .to_le_bytes(),
        );
        content.extend_from_slice(section);
    }
    let mut file = Vec::with_capacity(body + content.len());
    file.extend(MAGIC);
    file.extend(
        u32::try_from(sections.len())
            .map_err(too_large)?
            .to_le_bytes(),
    );
    file.extend(Sha256::digest(&content));
    file.extend(table);
    file.extend(content);
    Ok(file)
}
