//! From a line or a record to a chart.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::csv::{CsvHeader, fields};
use crate::encoding::{check_text, decode};
use crate::jsonl;
use crate::reading::Chart;
use crate::unreadable::Unreadable;

/// A chart with its id, where it has one.
pub(crate) type Identified<'a> = (Option<Cow<'a, str>>, Result<Chart<'a>, Unreadable>);

/// The chart in a line of JSON. `decoded` holds the line if it had to be decoded.
pub(crate) fn json_chart<'a>(
    line: &'a [u8],
    encoding: &'static Encoding,
    decoded: &'a mut String,
) -> Result<Identified<'a>, Unreadable> {
    let line = match decode(line, encoding)? {
        Cow::Borrowed(line) => line,
        Cow::Owned(line) => {
            *decoded = line;
            decoded.as_str()
        }
    };
    let parsed = jsonl::parse(line)?;
    let chart = |text: Cow<'a, str>| {
        check_text(&text)?;
        Ok(Chart {
            text,
            meta: parsed.meta.map(Cow::Borrowed),
        })
    };
    Ok(match parsed.id {
        Ok(id) => (Some(id), parsed.text.and_then(chart)),
        Err(reason) => (None, Err(reason)),
    })
}

/// The chart in a CSV record.
pub(crate) fn csv_chart<'a>(
    record: &'a [u8],
    header: &CsvHeader,
    encoding: &'static Encoding,
) -> Result<Identified<'a>, Unreadable> {
    let mut fields = fields(record)?;
    if fields.len() != header.count {
        return Err(Unreadable::CsvFields {
            found: fields.len(),
            expected: header.count,
        });
    }
    let mut meta = serde_json::Map::new();
    for (column, place) in &header.meta {
        let value = decode(&fields[*place], encoding)?.into_owned();
        meta.insert(column.clone(), serde_json::Value::String(value));
    }
    let id = decode_field(fields[header.id].clone(), encoding)?;
    if id.is_empty() {
        return Err(Unreadable::NoId);
    }
    let chart = decode_field(std::mem::take(&mut fields[header.text]), encoding).and_then(|text| {
        check_text(&text)?;
        let meta =
            (!meta.is_empty()).then(|| Cow::Owned(serde_json::Value::Object(meta).to_string()));
        Ok(Chart { text, meta })
    });
    Ok((Some(id), chart))
}

fn decode_field<'a>(
    field: Cow<'a, [u8]>,
    encoding: &'static Encoding,
) -> Result<Cow<'a, str>, Unreadable> {
    match field {
        Cow::Borrowed(bytes) => decode(bytes, encoding),
        Cow::Owned(bytes) => decode(&bytes, encoding).map(|text| Cow::Owned(text.into_owned())),
    }
}
