//! What a run is to do, as its user says it: a spec file, then `DAYFLY_…` variables, then flags.
//!
//! Later ones win, key by key. Unknown keys and values of a wrong type are refused, naming the
//! key and where it stands. [`KEYS`] is the list of all there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, Value, ValueKind};
use serde::Deserialize;

/// Settings; `None` where nobody said anything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The charts.
    pub(crate) input: Option<PathBuf>,
    /// Where results go.
    pub(crate) output: Option<PathBuf>,
    /// Worker processes.
    pub(crate) workers: Option<u32>,
    /// What codes the charts.
    pub(crate) engine: EngineSettings,
    /// How charts are read.
    pub(crate) reading: ReadingSettings,
    /// How large shards may be.
    pub(crate) shards: ShardSettings,
}

/// `[engine]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EngineSettings {
    /// icd10 or exec.
    pub(crate) kind: Option<String>,
    /// exec: the program and its arguments.
    pub(crate) command: Option<Vec<String>>,
    /// exec: how long one chart may take.
    pub(crate) chart_seconds: Option<f64>,
    /// exec: how long one answer may be.
    pub(crate) answer_bytes: Option<u64>,
    /// icd10: a terminology file.
    pub(crate) terminology: Option<PathBuf>,
    /// icd10: a table of further cues.
    pub(crate) cues: Option<PathBuf>,
}

/// `[reading]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ReadingSettings {
    /// The label of the charts' encoding.
    pub(crate) encoding: Option<String>,
    /// A larger chart is quarantined.
    pub(crate) max_chart_bytes: Option<u64>,
    /// Columns of CSV files.
    pub(crate) csv: CsvSettings,
}

/// `[reading.csv]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CsvSettings {
    /// The column of chart ids.
    pub(crate) id: Option<String>,
    /// The column of texts.
    pub(crate) text: Option<String>,
    /// Columns carried into the results.
    pub(crate) meta: Option<Vec<String>>,
}

/// `[shards]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ShardSettings {
    /// Bytes as stored.
    pub(crate) max_bytes: Option<u64>,
    /// Text files in one shard.
    pub(crate) max_charts: Option<u64>,
}

/// The type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A whole number above zero.
    Whole,
    /// A number above zero.
    Number,
    /// A list of texts.
    Texts,
}

/// All settings. In a variable, `engine.kind` is `DAYFLY_ENGINE__KIND`.
pub(crate) const KEYS: [(&str, Kind); 16] = [
    ("input", Kind::Text),
    ("output", Kind::Text),
    ("workers", Kind::Whole),
    ("engine.kind", Kind::Text),
    ("engine.command", Kind::Texts),
    ("engine.chart_seconds", Kind::Number),
    ("engine.answer_bytes", Kind::Whole),
    ("engine.terminology", Kind::Text),
    ("engine.cues", Kind::Text),
    ("reading.encoding", Kind::Text),
    ("reading.max_chart_bytes", Kind::Whole),
    ("reading.csv.id", Kind::Text),
    ("reading.csv.text", Kind::Text),
    ("reading.csv.meta", Kind::Texts),
    ("shards.max_bytes", Kind::Whole),
    ("shards.max_charts", Kind::Whole),
];

/// Variables that begin like settings and are none.
const OTHER_VARIABLES: [&str; 4] = [
    "DAYFLY_LOG",
    "DAYFLY_FAIL_AT",
    "DAYFLY_FAIL_ONCE",
    "DAYFLY_EXPIRED_ADMIN",
];

/// Why settings cannot be used. For exit 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The spec file cannot be read.
    #[error("cannot read the spec {path:?}")]
    Unreadable {
        /// As typed.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The spec file is not TOML.
    #[error("the spec {path:?} is not TOML")]
    NotToml {
        /// As typed.
        path: PathBuf,
        /// Where, and why.
        #[source]
        source: config::ConfigError,
    },
    /// A key that does not exist.
    #[error("{place}: unknown key {key}{}", suggestion(.key))]
    UnknownKey {
        /// The file, or "environment".
        place: String,
        /// The key, or the variable.
        key: String,
    },
    /// A value of another type.
    #[error("{place}: {key} must be {expected}")]
    WrongType {
        /// The file, or "environment".
        place: String,
        /// The key, or the variable.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A bug: what was checked is not understood.
    #[error("settings")]
    Inconsistent(#[from] config::ConfigError),
}

impl Settings {
    /// Reads the spec file, if any, and the settings among `variables`, and lays `flags` over
    /// them.
    ///
    /// # Errors
    /// [`SettingsError`], for exit 2.
    pub(crate) fn read(
        spec: Option<&Path>,
        variables: &BTreeMap<String, String>,
        flags: Settings,
    ) -> Result<Settings, SettingsError> {
        let mut builder = Config::builder();
        if let Some(path) = spec {
            builder = builder.add_source(checked_file(path)?);
        }
        for (key, value) in of_environment(variables)? {
            builder = builder.set_override(key, value)?;
        }
        let below: Settings = builder.build()?.try_deserialize()?;
        Ok(flags.over(below))
    }

    /// These settings where they say something, and `below` elsewhere.
    #[must_use]
    pub(crate) fn over(self, below: Settings) -> Settings {
        Settings {
            input: self.input.or(below.input),
            output: self.output.or(below.output),
            workers: self.workers.or(below.workers),
            engine: self.engine.over(below.engine),
            reading: ReadingSettings {
                encoding: self.reading.encoding.or(below.reading.encoding),
                max_chart_bytes: self
                    .reading
                    .max_chart_bytes
                    .or(below.reading.max_chart_bytes),
                csv: CsvSettings {
                    id: self.reading.csv.id.or(below.reading.csv.id),
                    text: self.reading.csv.text.or(below.reading.csv.text),
                    meta: self.reading.csv.meta.or(below.reading.csv.meta),
                },
            },
            shards: ShardSettings {
                max_bytes: self.shards.max_bytes.or(below.shards.max_bytes),
                max_charts: self.shards.max_charts.or(below.shards.max_charts),
            },
        }
    }
}

impl EngineSettings {
    fn over(self, below: EngineSettings) -> EngineSettings {
        EngineSettings {
            kind: self.kind.or(below.kind),
            command: self.command.or(below.command),
            chart_seconds: self.chart_seconds.or(below.chart_seconds),
            answer_bytes: self.answer_bytes.or(below.answer_bytes),
            terminology: self.terminology.or(below.terminology),
            cues: self.cues.or(below.cues),
        }
    }
}

/// The variables of this process that may be settings. Others are not looked at.
#[must_use]
pub(crate) fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let ours = name.starts_with("DAYFLY_");
            ours.then(|| (name, value.to_string_lossy().into_owned()))
        })
        .collect()
}

/// The file as a source, once every key and type in it has been found right.
fn checked_file(path: &Path) -> Result<File<config::FileSourceString, FileFormat>, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let file = File::from_str(&text, FileFormat::Toml);
    let parsed = Config::builder().add_source(file.clone()).build();
    let parsed = parsed.map_err(|source| SettingsError::NotToml {
        path: path.to_owned(),
        source,
    })?;
    check(&path.display().to_string(), "", parsed.cache)?;
    Ok(file)
}

/// Checks a value and all below it. `config` itself would take `"7"` or `true` for a number.
fn check(place: &str, key: &str, value: Value) -> Result<(), SettingsError> {
    let known = KEYS.iter().find(|(name, _)| *name == key);
    match (known, value.kind) {
        (None, ValueKind::Table(table))
            if key.is_empty() || KEYS.iter().any(|(name, _)| is_below(name, key)) =>
        {
            let mut entries: Vec<(String, Value)> = table.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, value) in entries {
                let key = match key {
                    "" => name,
                    above => format!("{above}.{name}"),
                };
                check(place, &key, value)?;
            }
            Ok(())
        }
        (None, _) if KEYS.iter().any(|(name, _)| is_below(name, key)) => {
            Err(wrong(place, key, "a table"))
        }
        (None, _) => Err(SettingsError::UnknownKey {
            place: place.to_owned(),
            key: key.to_owned(),
        }),
        (Some((_, kind)), value) => match kind.fits(&value) {
            true => Ok(()),
            false => Err(wrong(place, key, kind.expected())),
        },
    }
}

fn is_below(name: &str, key: &str) -> bool {
    name.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn wrong(place: &str, key: &str, expected: &'static str) -> SettingsError {
    SettingsError::WrongType {
        place: place.to_owned(),
        key: key.to_owned(),
        expected,
    }
}

fn of_environment(
    variables: &BTreeMap<String, String>,
) -> Result<Vec<(&'static str, Value)>, SettingsError> {
    let mut settings = Vec::new();
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix("DAYFLY_") else {
            continue;
        };
        if OTHER_VARIABLES.contains(&variable.as_str()) {
            continue;
        }
        let name = name.to_lowercase().replace("__", ".");
        let Some((key, kind)) = KEYS.iter().find(|(key, _)| *key == name) else {
            return Err(SettingsError::UnknownKey {
                place: "environment".to_owned(),
                key: variable.clone(),
            });
        };
        let value = kind
            .parse(text)
            .ok_or_else(|| wrong("environment", variable, kind.expected()))?;
        settings.push((*key, value));
    }
    Ok(settings)
}

impl Kind {
    fn expected(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Whole => "a whole number above zero",
            Kind::Number => "a number above zero",
            Kind::Texts => "a list of texts, as in [\"a\", \"b\"]",
        }
    }

    fn fits(self, value: &ValueKind) -> bool {
        match (self, value) {
            (Kind::Text, ValueKind::String(_)) => true,
            (Kind::Whole | Kind::Number, ValueKind::I64(n)) => *n > 0,
            (Kind::Whole | Kind::Number, ValueKind::U64(n)) => *n > 0,
            (Kind::Number, ValueKind::Float(n)) => n.is_finite() && *n > 0.0,
            (Kind::Texts, ValueKind::Array(all)) => all
                .iter()
                .all(|value| matches!(value.kind, ValueKind::String(_))),
            _ => false,
        }
    }

    fn parse(self, text: &str) -> Option<Value> {
        let kind = match self {
            Kind::Text => ValueKind::from(text),
            Kind::Whole => ValueKind::from(text.trim().parse::<u64>().ok()?),
            Kind::Number => ValueKind::from(text.trim().parse::<f64>().ok()?),
            Kind::Texts => {
                let texts: Vec<String> = serde_json::from_str(text).ok()?;
                ValueKind::from(texts)
            }
        };
        let fits = self.fits(&kind);
        fits.then(|| Value::new(None, kind))
    }
}

/// The nearest key that there is, if one is near.
fn suggestion(key: &str) -> String {
    let written = key.strip_prefix("DAYFLY_").map_or(key.to_owned(), |name| {
        name.to_lowercase().replace("__", ".")
    });
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let near = KEYS
        .iter()
        .find(|(name, _)| last(name) == last(&written) || distance(name, &written) <= 2);
    match near {
        Some((name, _)) => format!(" (is it {name}?)"),
        None => String::new(),
    }
}

/// Insertions, deletions and replacements between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut above_left = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above_left + usize::from(from != *to))
                .min(above + 1)
                .min(row[j] + 1);
            above_left = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
