//! A Python with pinned packages, made once below the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a test of other people's readers needs, pinned.
pub(crate) const READERS: [&str; 2] = ["pyarrow==26.0.1", "duckdb==2.0.0"];

/// The interpreter of a virtual environment with these packages. `below` is a folder
/// that outlives the test: `CARGO_TARGET_TMPDIR`.
///
/// Panics with one line where there is no python3, or a package cannot be had.
pub(crate) fn python(below: &Path, packages: &[&str]) -> PathBuf {
    let name = packages.join("_").replace("==", "-");
    let home = below.join(format!("venv-{name}"));
    let (python, done) = (home.join("bin/python"), home.join("done"));
    // Tests run in parallel, and so may whole test commands.
    let lock = File::create(below.join(format!("venv-{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock of the environment");
    if !done.exists() {
        let mut make = Command::new("python3");
        succeed(
            make.args(["-m", "venv", "--clear"]).arg(&home),
            "python3 with its venv module is needed to test Parquet readers",
        );
        let mut install = Command::new(&python);
        install
            .args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"])
            .arg("--disable-pip-version-check")
            .args(packages);
        succeed(&mut install, "the packages cannot be installed from PyPI");
        fs::write(done, "").expect("the mark of a whole environment");
    }
    python
}

/// Runs a command to its end and returns its stdout. Panics with `otherwise` and its stderr.
pub(crate) fn succeed(command: &mut Command, otherwise: &str) -> String {
    match command.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout).expect("output in UTF-8")
        }
        Ok(output) => panic!("{otherwise}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(e) => panic!("{otherwise}: {e}"),
    }
}
