//! Chart ids from paths: lossless, also for names that are not UTF-8.

use std::borrow::Cow;

/// The id of the chart in the file at `path` (bytes below the input, `/` between names).
///
/// The id is the path itself, with two escapes that make it valid UTF-8 without losing
/// anything: a backslash becomes `\\`, and a byte that is not part of valid UTF-8 becomes
/// `\xHH`. Two different paths therefore never share an id. Newlines and other control
/// characters stay as they are.
pub fn chart_id_of_path(path: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(path)
        && !text.contains('\\')
    {
        return Cow::Borrowed(text);
    }
    let mut id = String::with_capacity(path.len() + 8);
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\\' {
                id.push('\\');
            }
            id.push(character);
        }
        for byte in chunk.invalid() {
            id.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(id)
}

/// The path that [`chart_id_of_path`] made this id from, or `None` for text that it never
/// makes.
pub fn path_of_chart_id(id: &str) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        if let Some(after) = rest.strip_prefix(b"\\") {
            path.push(b'\\');
            rest = after;
        } else {
            let (digits, after) = rest.strip_prefix(b"x")?.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            path.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &[u8], id: &str) {
        assert_eq!(chart_id_of_path(path), id);
        assert_eq!(path_of_chart_id(id).as_deref(), Some(path));
    }

    #[test]
    fn an_id_keeps_every_byte_of_its_path() {
        check(b"ward 3/note\n1.txt", "ward 3/note\n1.txt");
        check("Übergabe/ä.txt".as_bytes(), "Übergabe/ä.txt");
        check(b"a\xff\xc3.txt", "a\\xff\\xc3.txt");
        check(b"a\\xff.txt", "a\\\\xff.txt");
        check(b"..a..b.txt", "..a..b.txt");
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in ["a\\", "a\\q", "a\\x1", "a\\xzz"] {
            assert_eq!(path_of_chart_id(text), None, "{text}");
        }
    }
}
