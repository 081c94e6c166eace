//! What a worker is told when it is started: by its arguments, and by the one line that its
//! master writes into its pipe.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use identity::{CaPin, EnrolmentToken};
use serde::Deserialize;
use store::{RunId, Store};

use crate::error::WorkerError;

/// Everything that [`run`](crate::run) needs to know.
#[derive(Debug)]
pub struct Config {
    /// The run that it works for.
    pub run: RunId,
    /// Its own name within the run.
    pub instance: String,
    /// How many attempts it runs at a time; at least one.
    pub slots: u32,
    /// A private folder for what an engine says on stderr. Without one it is not kept.
    pub runtime_dir: Option<PathBuf>,
    /// Where the master is, and how it is known.
    pub master: LaunchLine,
    /// Where endings go instead of the run's own store: for measuring everything else.
    pub store: Option<Arc<dyn Store>>,
}

/// What the master tells through the pipe. Its token is a secret; `Debug` shows none.
#[derive(Debug, Clone)]
pub struct LaunchLine {
    pub master: SocketAddr,
    /// The run's authority.
    pub pin: CaPin,
    pub token: EnrolmentToken,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    master: SocketAddr,
    pin: String,
    token: String,
}

impl LaunchLine {
    /// Reads the line, a JSON object.
    ///
    /// # Errors
    /// [`WorkerError::LaunchLine`], which does not show the line: it holds a secret.
    pub fn parse(line: &str) -> Result<LaunchLine, WorkerError> {
        let bad = |what| WorkerError::LaunchLine { what };
        let line: Line = serde_json::from_str(line).map_err(|_| bad("it is not as expected"))?;
        Ok(LaunchLine {
            master: line.master,
            pin: line.pin.parse().map_err(|_| bad("its pin is none"))?,
            token: line.token.parse().map_err(|_| bad("its token is none"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_strictly_and_its_token_shown_nowhere() {
        let (pin, token) = ("0a".repeat(32), "0b".repeat(32));
        let line = format!(r#"{{"master":"127.0.0.1:7","pin":"{pin}","token":"{token}"}}"#);
        let read = LaunchLine::parse(&line).unwrap();
        assert_eq!((read.master.port(), read.pin.to_string()), (7, pin.clone()));
        assert_eq!(read.token.reveal_hex(), token);
        assert!(!format!("{read:?}").contains("0b0b"));

        for (bad, why) in [
            (line.replace("master", "mister"), "it is not as expected"),
            (line.replace(&pin, "0a"), "its pin is none"),
            (line.replace(&token, "0b0b"), "its token is none"),
        ] {
            let error = LaunchLine::parse(&bad).unwrap_err();
            assert!(matches!(error, WorkerError::LaunchLine { what } if what == why));
            assert!(!error.to_string().contains("0b0b"));
        }
    }
}
