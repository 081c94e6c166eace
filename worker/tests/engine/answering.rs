//! Programs that do what they should.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use results::{Assertion, Status};
use worker::engine::icd10::Icd10;
use worker::engine::{ChartEnd, Engine};

use crate::stage::{chart, codes, engine, logged, program, rows, settings, wait_until};

pub(crate) fn answers_become_rows() {
    let mut engine = engine(settings(program(&["echo"])));
    let rows = rows(3, 0, |out| {
        let mut code = |id, text| engine.code(&chart(id, text), out).unwrap();
        assert_eq!(code("a", "Zoë J45"), ChartEnd::Coded { findings: 2 });
        assert_eq!(code("b", "verbatim"), ChartEnd::Coded { findings: 0 });
        assert_eq!(code("a", "J46"), ChartEnd::Coded { findings: 1 });
    });
    let [zoe, j45, verbatim, j46] = &rows[..] else {
        panic!("{} rows", rows.len())
    };
    assert_eq!((zoe.chart_id.as_str(), zoe.status), ("a", Status::Coded));
    assert_eq!(
        (zoe.code.as_deref(), zoe.begin, zoe.end),
        (Some("Zoë"), Some(0), Some(4))
    );
    assert_eq!(zoe.evidence.as_deref(), Some("Zoë"));
    assert_eq!(
        (j45.code.as_deref(), j45.engine.as_deref()),
        (Some("J45"), Some("exec"))
    );
    assert_eq!(j45.assertion, None::<Assertion>);
    assert_eq!(verbatim.code, None);
    assert_eq!(
        verbatim.answer.as_deref(),
        Some(r#"{"id":"b","labels":[1.50]}"#)
    );
    assert_eq!(j46.code.as_deref(), Some("J46"));
}

pub(crate) fn large_charts_and_answers_pass() {
    let mut engine = engine(settings(program(&["echo"])));
    let text = vec!["J45.909"; 200_000].join(" ");
    for _ in 0..2 {
        assert_eq!(codes(&mut engine, "c", &text).unwrap().len(), 200_000);
    }
}

pub(crate) fn an_early_answer_passes() {
    let mut engine = engine(settings(program(&["eager"])));
    assert_eq!(
        codes(&mut engine, "c", &"x".repeat(4 * 1024 * 1024)).unwrap(),
        ["E"]
    );
}

pub(crate) fn one_process_answers_all_charts() {
    let mut engine = engine(settings(program(&["echo"])));
    let first = codes(&mut engine, "c", "process").unwrap();
    for _ in 0..20 {
        assert_eq!(codes(&mut engine, "c", "process").unwrap(), first);
    }
}

pub(crate) fn one_shot_programs_work() {
    let mut engine = engine(settings(program(&["once"])));
    let rows = rows(8, 0, |out| {
        for _ in 0..8 {
            let end = engine.code(&chart("c", "J45"), out).unwrap();
            assert_eq!(end, ChartEnd::Coded { findings: 1 });
        }
    });
    assert_eq!(rows.len(), 8);
}

pub(crate) fn a_finished_program_may_end_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("farewell");
    let mut engine = engine(settings(program(&["farewell", file.to_str().unwrap()])));
    codes(&mut engine, "c", "J45").unwrap();
    engine.finish();
    assert_eq!(std::fs::read_to_string(file).unwrap(), "farewell");
}

pub(crate) fn stderr_is_kept_and_not_logged() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(program(&["complain", "cannot do this"]));
    settings.stderr_directory = Some(directory.path().to_owned());
    let mut engine = engine(settings);
    let names = ["Quentin", "Rosalind", "Siegfried"];
    for name in names {
        codes(&mut engine, "c", name).unwrap();
    }
    assert!(codes(&mut engine, "c", "die").is_err());
    drop(engine);

    // The program has ended, so its words are on their way to the file.
    let kept = directory.path().join("engine-0.stderr");
    let read = || std::fs::read_to_string(&kept).unwrap_or_default();
    wait_until("the last words", || read().contains("\"die\""));
    wait_until("the log", || logged().contains("has written 4 lines"));
    for name in names {
        assert!(read().contains(&format!(
            "cannot do this: {{\"id\":\"c\",\"text\":\"{name}\"}}"
        )));
        assert!(!logged().contains(name), "{}", logged());
    }
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        logged().contains("on stderr; they may hold chart text"),
        "{}",
        logged()
    );
}

pub(crate) fn the_built_in_coder_finds() {
    let mut engine = Icd10::new(Arc::new(coder::Coder::embedded()));
    let text = "Assessment:\nZoë has asthma. No evidence of pneumonia.\n";
    let rows = rows(2, 0, |out| {
        let end = engine.code(&chart("a", text), out).unwrap();
        assert_eq!(end, ChartEnd::Coded { findings: 2 });
        let end = engine.code(&chart("b", "Nothing."), out).unwrap();
        assert_eq!(end, ChartEnd::Coded { findings: 0 });
    });
    let [asthma, pneumonia, nothing] = &rows[..] else {
        panic!("{} rows", rows.len())
    };
    assert_eq!(asthma.evidence.as_deref(), Some("asthma"));
    assert_eq!((asthma.begin, asthma.end), (Some(21), Some(27)));
    assert_eq!(asthma.assertion, Some(Assertion::Present));
    assert!(asthma.code.as_deref().unwrap().starts_with("J45"));
    assert_eq!(asthma.engine.as_deref(), Some("icd10"));
    assert!(
        asthma
            .terminology
            .as_deref()
            .unwrap()
            .starts_with("icd10cm-")
    );
    assert_eq!(pneumonia.assertion, Some(Assertion::Negated));
    assert_eq!(pneumonia.billable, Some(false));
    assert_eq!((nothing.chart_id.as_str(), &nothing.code), ("b", &None));
}
