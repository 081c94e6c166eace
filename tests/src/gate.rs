//! An engine that waits until a test lets it go: the run stands still where the test wants to look
//! at it, or to change the world around it.

use std::fs;
use std::path::PathBuf;

use crate::place::{Place, until};

/// The engine, and what holds it up. Otherwise it is `cat`: it answers each chart with the chart.
#[derive(Debug)]
pub struct Gate {
    folder: PathBuf,
    engine: PathBuf,
}

const SCRIPT: &str = r#"#!/usr/bin/env python3
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
for line in sys.stdin:
    open(here + "/waiting", "w").close()
    open(here + "/gate").close()
    sys.stdout.write(line)
    sys.stdout.flush()
"#;

impl Gate {
    /// A closed gate. One for each place.
    #[must_use]
    pub fn new(place: &Place) -> Gate {
        let folder = place.path().to_owned();
        // To open a FIFO is to wait for its writer.
        let (kind, mode) = (
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
        );
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("gate"), kind, mode, 0)
            .expect("a FIFO can be made");
        Gate {
            folder,
            engine: place.script("waiting.py", SCRIPT),
        }
    }

    /// The command of the engine.
    #[must_use]
    pub fn engine(&self) -> String {
        self.engine.display().to_string()
    }

    /// Waits until an engine stands before the gate.
    #[track_caller]
    pub fn wait(&self) {
        let waiting = self.folder.join("waiting");
        until("an engine at the gate", || waiting.exists().then_some(()));
    }

    /// Lets all engines go on, for good: who comes later finds a plain file.
    pub fn open(&self) {
        let gate = self.folder.join("gate");
        let fifo = fs::OpenOptions::new()
            .write(true)
            .open(&gate)
            .expect("somebody waits");
        self.open_to_nobody();
        drop(fifo);
    }

    /// The same where no engine waits: those that come find the gate open.
    pub fn open_to_nobody(&self) {
        let plain = self.folder.join("open");
        fs::write(&plain, "").expect("a file can be written");
        fs::rename(plain, self.folder.join("gate")).expect("a file can be renamed");
    }
}
