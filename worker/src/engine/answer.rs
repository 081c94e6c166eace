//! Reads a program's answer for one chart.
//!
//! `{"id": …, "findings": [{"code": …, …}, …]}` becomes rows. Of a finding, `code` is required;
//! `description`, `assertion`, `billable`, `evidence`, `begin` and `end`, `section`,
//! `terminology` and `also` are taken where they are given; a finding that says more than that is
//! also kept as it stands in the row's `answer`. An object without `findings` is kept verbatim
//! as the one `answer` of the chart. Keys beside `id` and `findings` are not kept.

use results::Assertion;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::EngineFailure;

/// A checked answer. Patient data: no `Debug`.
pub enum Answer {
    Findings {
        findings: Vec<ExecFinding>,
        /// Offsets that do not lie in the chart or on its characters, set to nothing.
        spans_dropped: u64,
    },
    /// A JSON object that says nothing about findings, as the program wrote it.
    Verbatim(String),
}

/// One finding of a program. Patient data: no `Debug`.
pub struct ExecFinding {
    pub code: String,
    pub description: Option<String>,
    pub assertion: Option<Assertion>,
    pub billable: Option<bool>,
    pub evidence: Option<String>,
    /// UTF-8 byte offsets into the chart, on boundaries of its characters.
    pub span: Option<(u64, u64)>,
    pub section: Option<String>,
    pub terminology: Option<String>,
    pub also: Vec<(u64, u64)>,
    /// The whole finding, if it says more than the fields above.
    pub answer: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Findings { findings, .. } => write!(f, "Findings({})", findings.len()),
            Answer::Verbatim(_) => f.write_str("Verbatim(…)"),
        }
    }
}

impl std::fmt::Debug for ExecFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExecFinding(…)")
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    findings: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Fields {
    code: String,
    description: Option<String>,
    assertion: Option<Assertion>,
    billable: Option<bool>,
    evidence: Option<String>,
    begin: Option<u64>,
    end: Option<u64>,
    section: Option<String>,
    terminology: Option<String>,
    #[serde(default)]
    also: Option<Vec<(u64, u64)>>,
    #[serde(flatten)]
    other: std::collections::HashMap<String, serde::de::IgnoredAny>,
}

impl Answer {
    /// Reads `line`, the answer for the chart `id` with `text`.
    pub(super) fn read(line: &[u8], id: &str, text: &str) -> Result<Answer, EngineFailure> {
        let line = std::str::from_utf8(line)
            .map_err(|_| EngineFailure::NotJson)?
            .trim_ascii();
        // An array would do for a struct as well.
        if !line.starts_with('{') {
            return Err(EngineFailure::NotJson);
        }
        let parsed: Line<'_> = serde_json::from_str(line).map_err(not_json)?;
        let its_id: Option<String> = parsed.id.and_then(|id| serde_json::from_str(id.get()).ok());
        if its_id.as_deref() != Some(id) {
            return Err(EngineFailure::WrongId);
        }
        let Some(findings) = parsed.findings else {
            return Ok(Answer::Verbatim(line.to_owned()));
        };
        let each: Vec<&RawValue> =
            serde_json::from_str(findings.get()).map_err(|_| EngineFailure::Malformed {
                what: "findings is not a list",
            })?;
        let mut spans_dropped = 0;
        let read = |finding| read_finding(finding, text, &mut spans_dropped);
        let findings = each.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Answer::Findings {
            findings,
            spans_dropped,
        })
    }
}

fn not_json(error: serde_json::Error) -> EngineFailure {
    match error.classify() {
        serde_json::error::Category::Data => EngineFailure::Malformed {
            what: "a key twice",
        },
        _ => EngineFailure::NotJson,
    }
}

fn read_finding(
    raw: &RawValue,
    text: &str,
    spans_dropped: &mut u64,
) -> Result<ExecFinding, EngineFailure> {
    let malformed = |what| EngineFailure::Malformed { what };
    if !raw.get().starts_with('{') {
        return Err(malformed("a finding is not an object"));
    }
    let fields: Fields = serde_json::from_str(raw.get())
        .map_err(|_| malformed("a finding has no code, or a field of the wrong type"))?;
    if fields.code.is_empty() {
        return Err(malformed("a code is empty"));
    }
    let mut checked = |span: Option<(u64, u64)>| {
        let inside = span.filter(|span| slice(text, *span).is_some());
        *spans_dropped += u64::from(span.is_some() && inside.is_none());
        inside
    };
    let span = match (fields.begin, fields.end) {
        (Some(begin), Some(end)) => checked(Some((begin, end))),
        (None, None) => None,
        // Half a span is none; the highest offset lies in no chart.
        _ => checked(Some((u64::MAX, u64::MAX))),
    };
    let also = fields.also.unwrap_or_default();
    let also = also
        .into_iter()
        .filter_map(|span| checked(Some(span)))
        .collect();
    let found = span.and_then(|span| slice(text, span)).map(str::to_owned);
    Ok(ExecFinding {
        code: fields.code,
        description: fields.description,
        assertion: fields.assertion,
        billable: fields.billable,
        evidence: fields.evidence.or(found),
        span,
        section: fields.section,
        terminology: fields.terminology,
        also,
        answer: (!fields.other.is_empty()).then(|| raw.get().to_owned()),
    })
}

/// The text between two offsets, if they are in order, inside and on characters.
fn slice(text: &str, (begin, end): (u64, u64)) -> Option<&str> {
    text.get(usize::try_from(begin).ok()?..usize::try_from(end).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Zoë has asthma.";

    fn read(line: &str) -> Result<Answer, EngineFailure> {
        Answer::read(line.as_bytes(), "c 1", TEXT)
    }

    fn findings(line: &str) -> (Vec<ExecFinding>, u64) {
        match read(line) {
            Ok(Answer::Findings {
                findings,
                spans_dropped,
            }) => (findings, spans_dropped),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn findings_are_read_field_by_field() {
        let (read, dropped) = findings(
            r#" {"id":"c 1","findings":[
                {"code":"J45","description":"Asthma","assertion":"family","billable":false,
                 "evidence":"asthma!","begin":9,"end":15,"section":"HPI","terminology":"t",
                 "also":[[0,4]]},
                {"code":"J45.909","begin":9,"end":15,"assertion":null},
                {"code":"X","score":0.7}]} "#,
        );
        let [full, short, more] = &read[..] else {
            panic!("{}", read.len())
        };
        assert_eq!(dropped, 0);
        assert_eq!(
            (full.code.as_str(), full.description.as_deref()),
            ("J45", Some("Asthma"))
        );
        assert_eq!(
            (full.assertion, full.billable),
            (Some(Assertion::Family), Some(false))
        );
        assert_eq!(
            (full.evidence.as_deref(), full.span),
            (Some("asthma!"), Some((9, 15)))
        );
        assert_eq!(
            (full.section.as_deref(), full.terminology.as_deref()),
            (Some("HPI"), Some("t"))
        );
        assert_eq!((&full.also[..], &full.answer), (&[(0, 4)][..], &None));
        assert_eq!(
            short.evidence.as_deref(),
            Some("asthma"),
            "taken from the chart"
        );
        assert_eq!((short.assertion, short.span), (None, Some((9, 15))));
        assert_eq!(more.answer.as_deref(), Some(r#"{"code":"X","score":0.7}"#));
    }

    #[test]
    fn offsets_outside_the_chart_or_inside_a_character_are_dropped_and_counted() {
        let (read, dropped) = findings(
            r#"{"id":"c 1","findings":[
                {"code":"A","begin":0,"end":3},{"code":"B","begin":9,"end":99},
                {"code":"C","begin":4,"end":2},{"code":"D","begin":4},
                {"code":"E","begin":4,"end":4,"also":[[2,3],[1,2],[0,18446744073709551615]]}]}"#,
        );
        let spans: Vec<_> = read.iter().map(|finding| finding.span).collect();
        assert_eq!(spans, [None, None, None, None, Some((4, 4))]);
        assert_eq!(read[4].also, [(1, 2)]);
        assert_eq!(dropped, 6);
    }

    #[test]
    fn an_object_without_findings_is_kept_as_it_stands() {
        let line = r#"{"model": "m", "id":"c 1",  "labels":[1.50]}"#;
        let Ok(Answer::Verbatim(kept)) = read(&format!("{line}\r")) else {
            panic!()
        };
        assert_eq!(kept, line);
        assert_eq!(findings(r#"{"id":"c 1","findings":[]}"#).0.len(), 0);
    }

    #[test]
    fn bad_answers_are_told_apart() {
        for (line, kind) in [
            ("", "NotJson"),
            ("ok", "NotJson"),
            (r#"{"id":"c 1""#, "NotJson"),
            (r#"{"id":"c 1"} {}"#, "NotJson"),
            (r#"["c 1",[]]"#, "NotJson"),
            (r#""c 1""#, "NotJson"),
            ("{}", "WrongId"),
            (r#"{"id":"c 2","findings":[]}"#, "WrongId"),
            (r#"{"id":1}"#, "WrongId"),
            (r#"{"id":null}"#, "WrongId"),
            (r#"{"id":"c 1","id":"c 1"}"#, "Malformed"),
            (r#"{"id":"c 1","findings":{}}"#, "Malformed"),
            (r#"{"id":"c 1","findings":["J45"]}"#, "Malformed"),
            (r#"{"id":"c 1","findings":[["J45"]]}"#, "Malformed"),
            (r#"{"id":"c 1","findings":[{}]}"#, "Malformed"),
            (r#"{"id":"c 1","findings":[{"code":""}]}"#, "Malformed"),
            (r#"{"id":"c 1","findings":[{"code":45}]}"#, "Malformed"),
            (
                r#"{"id":"c 1","findings":[{"code":"J45","assertion":"yes"}]}"#,
                "Malformed",
            ),
            (
                r#"{"id":"c 1","findings":[{"code":"J45","begin":-1,"end":2}]}"#,
                "Malformed",
            ),
            (
                r#"{"id":"c 1","findings":[{"code":"J45","begin":1.5,"end":2}]}"#,
                "Malformed",
            ),
        ] {
            let failure = read(line).map(drop).unwrap_err();
            assert!(
                format!("{failure:?}").starts_with(kind),
                "{line}: {failure:?}"
            );
        }
        let latin1 = Answer::read(b"{\"id\":\"c 1\",\"note\":\"Zo\xeb\"}", "c 1", TEXT);
        assert!(matches!(latin1, Err(EngineFailure::NotJson)));
    }
}
