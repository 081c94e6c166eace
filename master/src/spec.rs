//! What a run does, pinned when it is created: `runs/<run>/spec.json`.
//!
//! A resume, or a worker, that would do it with another program, terminology, engine or
//! input is refused by name: one run is one way of coding.

use serde::{Deserialize, Serialize};

/// The spec of a run. Unknown fields are refused: a newer program wrote them for a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Where the run lives.
    pub place: Place,
    /// The version of the program that created it.
    pub program_version: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// The input as an absolute path: a directory of charts, or one file.
    pub input: String,
    /// Workers wanted while there is work.
    pub workers: u32,
    /// What turns a chart into findings.
    pub engine: Engine,
    /// How charts are read.
    pub reading: Reading,
    /// How large shards may be.
    pub shards: Shards,
}

/// Where a run lives, which says who may end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Master and workers are processes of one machine.
    Machine,
}

/// What turns a chart into findings, with the digests that say it is the same one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Engine {
    /// The built-in coder.
    Icd10 {
        /// A terminology file, or what is built in.
        terminology: Option<String>,
        /// Its release, for people.
        terminology_version: String,
        /// SHA-256 of the file.
        terminology_digest: String,
        /// A cue table, or what is built in.
        cues: Option<String>,
        /// SHA-256 of the table.
        cues_digest: String,
    },
    /// The user's own program.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
        /// SHA-256 over the program and the files that its arguments name.
        digest: String,
        /// How long one chart may take.
        chart_seconds: f64,
        /// How long one answer may be.
        answer_bytes: u64,
    },
    /// Finds nothing: for measuring everything else.
    Noop,
}

/// How charts are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The encoding's label, such as `utf-8`.
    pub encoding: String,
    /// A larger chart is quarantined.
    pub max_chart_bytes: u64,
    /// The CSV column that holds chart ids.
    pub csv_id: String,
    /// The CSV column that holds chart texts.
    pub csv_text: String,
    /// CSV columns carried into the results.
    pub csv_meta: Vec<String>,
}

/// How large shards may be; whatever is reached first ends one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shards {
    /// Bytes as stored.
    pub max_bytes: u64,
    /// Text files in one shard.
    pub max_charts: u64,
}

impl Spec {
    /// In what `wanted` differs from this spec, as far as it changes results: a name for
    /// people, and both values. `None` when both code the same charts the same way.
    #[must_use]
    pub fn difference(&self, wanted: &Spec) -> Option<Difference> {
        let differs = |what: &'static str, pinned: &str, wanted: &str| {
            (pinned != wanted).then(|| Difference {
                what,
                pinned: pinned.to_owned(),
                wanted: wanted.to_owned(),
            })
        };
        differs(
            "program version",
            &self.program_version,
            &wanted.program_version,
        )
        .or_else(|| differs("input", &self.input, &wanted.input))
        .or_else(|| self.engine_difference(&wanted.engine))
        .or_else(|| {
            let show = |reading: &Reading| format!("{reading:?}");
            differs(
                "reading options",
                &show(&self.reading),
                &show(&wanted.reading),
            )
        })
    }

    fn engine_difference(&self, wanted: &Engine) -> Option<Difference> {
        self.engine
            .facts()
            .into_iter()
            .zip(wanted.facts())
            .find_map(|(pinned, wanted)| {
                (pinned != wanted).then_some(Difference {
                    what: pinned.0,
                    pinned: pinned.1,
                    wanted: wanted.1,
                })
            })
    }

    /// A description of the engine for people.
    #[must_use]
    pub fn engine_name(&self) -> String {
        match &self.engine {
            Engine::Icd10 {
                terminology_version,
                ..
            } => format!("icd10 ({terminology_version})"),
            Engine::Exec { command, .. } => {
                format!("exec ({})", command.first().map_or("", String::as_str))
            }
            Engine::Noop => "noop".to_owned(),
        }
    }
}

/// Two specs that are not the same way of coding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In what.
    pub what: &'static str,
    /// What the run pins.
    pub pinned: String,
    /// What was asked for now.
    pub wanted: String,
}

impl Engine {
    fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Engine::Icd10 {
                terminology_digest,
                cues_digest,
                terminology_version,
                ..
            } => vec![
                ("engine", "icd10".to_owned()),
                (
                    "terminology",
                    format!("{terminology_version} {terminology_digest}"),
                ),
                ("cue table", cues_digest.clone()),
            ],
            Engine::Exec {
                command,
                digest,
                chart_seconds,
                answer_bytes,
            } => vec![
                ("engine", "exec".to_owned()),
                ("engine command", command.join(" ")),
                ("content of the engine's files", digest.clone()),
                (
                    "engine limits",
                    format!("{chart_seconds} s, {answer_bytes} bytes"),
                ),
            ],
            Engine::Noop => vec![("engine", "noop".to_owned())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            place: Place::Machine,
            program_version: "0.1.0".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            input: "/charts".into(),
            workers: 2,
            engine: Engine::Exec {
                command: vec!["coder".into()],
                digest: "ab".into(),
                chart_seconds: 60.0,
                answer_bytes: 1,
            },
            reading: Reading {
                encoding: "utf-8".into(),
                max_chart_bytes: 1,
                csv_id: "id".into(),
                csv_text: "text".into(),
                csv_meta: vec![],
            },
            shards: Shards {
                max_bytes: 1,
                max_charts: 1,
            },
        }
    }

    #[test]
    fn what_changes_results_is_named_and_nothing_else_is() {
        let check = |change: fn(&mut Spec), expected: Option<&str>| {
            let mut wanted = spec();
            change(&mut wanted);
            assert_eq!(spec().difference(&wanted).map(|d| d.what), expected);
        };
        check(|_| {}, None);
        check(|s| s.workers = 9, None);
        check(|s| s.created_at.clear(), None);
        check(
            |s| s.program_version = "0.2.0".into(),
            Some("program version"),
        );
        check(|s| s.input = "/other".into(), Some("input"));
        check(|s| s.engine = Engine::Noop, Some("engine"));
        check(
            |s| s.reading.encoding = "latin1".into(),
            Some("reading options"),
        );
        check(
            |s| {
                if let Engine::Exec { digest, .. } = &mut s.engine {
                    digest.clear();
                }
            },
            Some("content of the engine's files"),
        );
    }

    #[test]
    fn a_field_of_a_newer_program_is_refused() {
        let mut json = serde_json::to_value(spec()).unwrap();
        assert_eq!(
            serde_json::from_value::<Spec>(json.clone()).unwrap(),
            spec()
        );
        json["budget"] = 5.into();
        assert!(serde_json::from_value::<Spec>(json).is_err());
    }
}
