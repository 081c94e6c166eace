//! Programs that do not, and what each of them costs.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use results::Status;
use worker::engine::exec::ExecEngine;
use worker::engine::{Cancel, ChartEnd, Engine, EngineBreaker, EngineError, EngineFailure, Exit};

use crate::stage::{chart, codes, engine, program, rows, settings, wait_for};

pub(crate) fn each_failure_is_named() {
    let shell = |script: &str| ["sh", "-c", script].map(Into::into).to_vec();
    let dies = |exit| format!("{:?}", EngineFailure::Died { exit });
    for (command, expected) in [
        (program(&["garbage"]), "NotJson".to_owned()),
        (program(&["array"]), "NotJson".to_owned()),
        (program(&["wrong-id"]), "WrongId".to_owned()),
        (
            program(&["malformed"]),
            "Malformed { what: \"findings is not a list\" }".to_owned(),
        ),
        (program(&["two-lines"]), "TooManyLines".to_owned()),
        (
            program(&["endless-line"]),
            "AnswerTooLong { cap: 16777216 }".to_owned(),
        ),
        (program(&["exit", "0"]), dies(Exit::Code(0))),
        (program(&["exit", "3"]), dies(Exit::Code(3))),
        (program(&["exit", "127"]), dies(Exit::Code(127))),
        (shell("read chart; kill -KILL $$"), dies(Exit::Signal(9))),
        (shell("read chart; kill -SEGV $$"), dies(Exit::Signal(11))),
        (
            shell("read chart; printf '{\"id\":\"c\"'"),
            dies(Exit::Code(0)),
        ),
    ] {
        let failure = engine(settings(command.clone())).answer(&chart("c", "text"));
        let failure = failure.map_err(|failure| format!("{failure:?}")).map(drop);
        assert_eq!(failure, Err(expected), "{command:?}");
    }

    let mut impatient = settings(program(&["silent"]));
    (impatient.limits.chart, impatient.limits.start) =
        (Duration::from_millis(40), Duration::from_millis(60));
    let failure = engine(impatient).answer(&chart("c", "text")).unwrap_err();
    assert_eq!(format!("{failure:?}"), "TimedOut { limit: 100ms }");
}

pub(crate) fn a_program_that_cannot_start_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain-file");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    for (program, name, kind) in [
        (
            "no-such-program-here".into(),
            "no-such-program-here",
            ErrorKind::NotFound,
        ),
        (
            plain.into_os_string(),
            "plain-file",
            ErrorKind::PermissionDenied,
        ),
    ] {
        let mut engine = engine(settings(vec![program, "secret argument".into()]));
        let failure = engine.answer(&chart("c", "text")).unwrap_err();
        let EngineFailure::CannotStart { program, source } = &failure else {
            panic!("{failure:?}");
        };
        assert_eq!((program.as_str(), source.kind()), (name, kind));
        assert!(!format!("{engine:?}").contains("secret"), "{engine:?}");

        // No chart is worth trying on it.
        let rows = rows(0, 0, |out| {
            let error = engine.code(&chart("c", "text"), out).unwrap_err();
            let EngineError::Broken(broken) = error else {
                panic!("{error:?}")
            };
            assert!(
                broken
                    .to_string()
                    .starts_with(&format!("{name} does not start;")),
                "{broken}"
            );
        });
        assert!(rows.is_empty());
    }
}

pub(crate) fn one_bad_chart_costs_one_chart() {
    let mut engine = engine(settings(program(&["echo"])));
    let rows = rows(4, 1, |out| {
        let mut code = |id, text| engine.code(&chart(id, text), out).unwrap();
        code("a", "J45");
        code("b", "J46");
        assert_eq!(code("c", "die"), ChartEnd::Quarantined);
        assert_eq!(code("d", "J47"), ChartEnd::Coded { findings: 1 });
    });
    let statuses: Vec<_> = rows
        .iter()
        .map(|row| (row.chart_id.as_str(), row.status))
        .collect();
    let coded = Status::Coded;
    assert_eq!(
        statuses,
        [
            ("a", coded),
            ("b", coded),
            ("c", Status::Quarantined),
            ("d", coded)
        ]
    );
    assert_eq!(
        rows[2].reason.as_deref(),
        Some("the engine failed 3 times, at last: it exited with code 9 before it answered"),
    );
}

pub(crate) fn a_program_that_always_fails_is_broken() {
    // Two slots, one breaker: the engine is given up after six deaths wherever they were.
    let breaker = Arc::new(Mutex::new(EngineBreaker::default()));
    let mut slots = [0, 1].map(|slot| {
        let cancel = Arc::new(Cancel::new().unwrap());
        ExecEngine::new(
            settings(program(&["exit", "3"])),
            slot,
            breaker.clone(),
            cancel,
        )
    });
    let rows = rows(1, 1, |out| {
        assert_eq!(
            slots[0].code(&chart("a", "J45"), out).unwrap(),
            ChartEnd::Quarantined
        );
        let error = slots[1].code(&chart("b", "J45"), out).unwrap_err();
        let EngineError::Broken(broken) = error else {
            panic!("{error:?}")
        };
        let program = std::env::current_exe().unwrap();
        assert_eq!(
            broken.to_string(),
            format!(
                "{} failed 6 times and has never answered; at last it exited with code 3 before \
                 it answered",
                program.file_name().unwrap().to_str().unwrap(),
            ),
        );
    });
    assert_eq!(rows.len(), 1);
}

pub(crate) fn what_is_said_between_two_charts_answers_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut engine = engine(settings(program(&["gossip", path.to_str().unwrap()])));
    for code in ["J45", "J46", "J47"] {
        assert_eq!(codes(&mut engine, "c", code).unwrap(), [code]);
        std::fs::write(path.join("go"), "").unwrap();
        wait_for(&path.join("said"));
        std::fs::remove_file(path.join("said")).unwrap();
    }
}

pub(crate) fn a_slot_can_be_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let hangs = directory.path().join("hangs");
    let cancel = Arc::new(Cancel::new().unwrap());
    let breaker = Arc::new(Mutex::new(EngineBreaker::default()));
    let settings = settings(program(&["echo", hangs.to_str().unwrap()]));
    let mut engine = ExecEngine::new(settings, 0, breaker, cancel.clone());
    let first = codes(&mut engine, "c", "process").unwrap();

    let other = cancel.clone();
    let interrupt = std::thread::spawn(move || {
        wait_for(&hangs);
        other.cancel();
    });
    let failure = codes(&mut engine, "c", "hang").unwrap_err();
    assert!(matches!(failure, EngineFailure::Cancelled), "{failure:?}");
    interrupt.join().unwrap();
    // It stays so until it is cleared, and counts for nothing.
    rows(0, 0, |out| {
        let error = engine.code(&chart("c", "J45"), out).unwrap_err();
        assert!(matches!(error, EngineError::Cancelled), "{error:?}");
    });
    cancel.clear();
    cancel.clear();
    assert_ne!(codes(&mut engine, "c", "process").unwrap(), first);
}
