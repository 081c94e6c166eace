use std::io::Write;

use super::*;

fn read(
    spec: &str,
    variables: &[(&str, &str)],
    flags: Settings,
) -> Result<Settings, SettingsError> {
    let mut file = tempfile::Builder::new().prefix("spec").tempfile().unwrap();
    file.write_all(spec.as_bytes()).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::read(Some(file.path()), &variables, flags)
}

fn refused(spec: &str, variables: &[(&str, &str)]) -> String {
    let error = read(spec, variables, Settings::default()).unwrap_err();
    let text = error.to_string();
    match text.split_once(": ") {
        Some((place, rest)) if place.contains("spec") => format!("SPEC: {rest}"),
        _ => text,
    }
}

const WHOLE: &str = r#"
input = "charts"
output = "results"
workers = 3
[engine]
kind = "exec"
command = ["python3", "coder.py"]
chart_seconds = 1.5
answer_bytes = 100
terminology = "t.bin"
cues = "c.tsv"
[reading]
encoding = "windows-1252"
max_chart_bytes = 5
[reading.csv]
id = "note"
text = "body"
meta = ["encounter", "patient"]
[shards]
max_bytes = 7
max_charts = 8
"#;

#[test]
fn every_key_is_read() {
    let settings = read(WHOLE, &[], Settings::default()).unwrap();
    assert_eq!(settings.engine.chart_seconds, Some(1.5));
    assert_eq!(
        settings.engine.command,
        Some(vec!["python3".into(), "coder.py".into()])
    );
    assert_eq!(
        settings.reading.csv.meta,
        Some(vec!["encounter".into(), "patient".into()])
    );
    assert_eq!(settings.shards.max_charts, Some(8));
    let shown = format!("{settings:?}");
    assert!(!shown.contains("None"), "a key is not read: {shown}");
}

#[test]
fn variables_win_over_the_file_and_flags_over_both() {
    let variables = [
        ("DAYFLY_WORKERS", "5"),
        ("DAYFLY_INPUT", "7"),
        ("DAYFLY_ENGINE__COMMAND", r#"["own"]"#),
        ("DAYFLY_READING__CSV__ID", "key"),
        ("DAYFLY_LOG", "debug"),
        ("DAYFLY_FAIL_AT", "x=1"),
        ("PATH", "/bin"),
    ];
    let flags = Settings {
        workers: Some(9),
        ..Settings::default()
    };
    let settings = read(WHOLE, &variables, flags).unwrap();
    assert_eq!(settings.workers, Some(9));
    assert_eq!(settings.input, Some("7".into()));
    assert_eq!(settings.engine.command, Some(vec!["own".into()]));
    assert_eq!(settings.reading.csv.id.as_deref(), Some("key"));
    assert_eq!(settings.reading.csv.text.as_deref(), Some("body"));
}

#[test]
fn what_is_wrong_is_named() {
    for (spec, message) in [
        ("inptu = 'x'", "SPEC: unknown key inptu (is it input?)"),
        (
            "encoding = 'x'",
            "SPEC: unknown key encoding (is it reading.encoding?)",
        ),
        ("[engine]\ncolour = 1", "SPEC: unknown key engine.colour"),
        ("[motor]\nkind = 'exec'", "SPEC: unknown key motor"),
        (
            "workers = 'two'",
            "SPEC: workers must be a whole number above zero",
        ),
        (
            "workers = '2'",
            "SPEC: workers must be a whole number above zero",
        ),
        (
            "workers = true",
            "SPEC: workers must be a whole number above zero",
        ),
        (
            "workers = 0",
            "SPEC: workers must be a whole number above zero",
        ),
        (
            "workers = -1",
            "SPEC: workers must be a whole number above zero",
        ),
        (
            "workers = 1.5",
            "SPEC: workers must be a whole number above zero",
        ),
        ("input = 5", "SPEC: input must be text"),
        ("engine = 'exec'", "SPEC: engine must be a table"),
        (
            "[engine]\nchart_seconds = 0.0",
            "SPEC: engine.chart_seconds must be a number above zero",
        ),
        (
            "[engine]\ncommand = 'a b'",
            r#"SPEC: engine.command must be a list of texts, as in ["a", "b"]"#,
        ),
        (
            "[engine]\ncommand = ['a', 1]",
            r#"SPEC: engine.command must be a list of texts, as in ["a", "b"]"#,
        ),
    ] {
        assert_eq!(refused(spec, &[]), message, "{spec}");
    }
    for (variable, message) in [
        (
            ("DAYFLY_WORKRES", "1"),
            "environment: unknown key DAYFLY_WORKRES (is it workers?)",
        ),
        (
            ("DAYFLY_WORKERS", "many"),
            "environment: DAYFLY_WORKERS must be a whole number above zero",
        ),
        (
            ("DAYFLY_ENGINE__CHART_SECONDS", "nan"),
            "environment: DAYFLY_ENGINE__CHART_SECONDS must be a number above zero",
        ),
    ] {
        assert_eq!(refused("", &[variable]), message);
    }
    assert!(refused("input = ", &[]).ends_with("is not TOML"));
}

#[test]
fn a_spec_that_is_not_there_is_named() {
    let missing = Path::new("/nowhere/spec.toml");
    let error = Settings::read(Some(missing), &BTreeMap::new(), Settings::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot read the spec \"/nowhere/spec.toml\""
    );
}
