//! One line of JSON: `{"id", "text", "meta"?}`. Other fields are allowed and not looked at.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};
use serde_json::value::RawValue;

use crate::unreadable::Unreadable;

/// What a line says, each part borrowed from it where JSON's escapes allow.
pub(crate) struct JsonChart<'a> {
    pub(crate) id: Result<Cow<'a, str>, Unreadable>,
    pub(crate) text: Result<Cow<'a, str>, Unreadable>,
    /// The JSON text of `meta`, unread.
    pub(crate) meta: Option<&'a str>,
}

/// Reads one line.
///
/// # Errors
/// [`Unreadable::NotJson`] when it is not one JSON object (a repeated `id`, `text` or
/// `meta` included: nobody could say which one counts).
pub(crate) fn parse(line: &str) -> Result<JsonChart<'_>, Unreadable> {
    // Serde would take an array for a struct.
    if !line.trim_start().starts_with('{') {
        return Err(Unreadable::NotJson);
    }
    let fields: Fields<'_> = serde_json::from_str(line).map_err(|_| Unreadable::NotJson)?;
    let id = match fields.id {
        None => Err(Unreadable::NoId),
        Some(raw) => id_text(raw.get()),
    };
    let text = match fields.text {
        None | Some(Text::Null) => Err(Unreadable::NoText),
        Some(Text::Other) => Err(Unreadable::TextNotText),
        Some(Text::Is(text)) => Ok(text),
    };
    let meta = fields
        .meta
        .map(RawValue::get)
        .filter(|&meta| meta != "null");
    Ok(JsonChart { id, text, meta })
}

/// A string's text, or a number as it is written.
fn id_text(raw: &str) -> Result<Cow<'_, str>, Unreadable> {
    if raw == "null" {
        return Err(Unreadable::NoId);
    }
    match serde_json::from_str::<Text<'_>>(raw) {
        Ok(Text::Is(id)) if id.is_empty() => Err(Unreadable::NoId),
        Ok(Text::Is(id)) => Ok(id),
        _ if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            Ok(Cow::Borrowed(raw))
        }
        _ => Err(Unreadable::IdNotText),
    }
}

#[derive(serde::Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

/// A JSON value that should be a string.
enum Text<'a> {
    Is(Cow<'a, str>),
    Null,
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Is(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text::Is(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
        Ok(Text::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text::Other)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Text<'de>, E> {
        Ok(Text::Other)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Text<'de>, E> {
        Ok(Text::Other)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text<'de>, E> {
        Ok(Text::Other)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::Other)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::Other)
    }
}
