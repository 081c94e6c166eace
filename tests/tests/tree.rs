//! Who may depend on whom, read from the manifests: the rules of ARCHITECTURE.md and `deny.toml`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The dependencies that a crate ships with: not those of its tests or build script.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && !line.starts_with('#') {
            let name: String = line
                .chars()
                .take_while(|c| c.is_alphanumeric() || "-_".contains(*c))
                .collect();
            names.extend((!name.is_empty()).then_some(name));
        }
    }
    names
}

#[track_caller]
fn check(folder: &str, forbidden: &[&str]) {
    let found = dependencies(folder);
    for name in forbidden {
        assert!(!found.contains(*name), "{folder} must not depend on {name}");
    }
}

#[test]
fn arrows_point_downwards() {
    let shells = ["admin", "master", "worker", "tests"];
    for library in [
        "ledger", "coder", "store", "results", "intake", "identity", "fleet",
    ] {
        check(&format!("crates/{library}"), &shells);
    }
    check("proto", &shells);
    check("master", &["worker", "admin", "tests", "coder"]);
    check("worker", &["master", "admin", "tests", "ledger", "fleet"]);
    check("crates/identity", &["ledger", "store", "results", "intake"]);
    check("crates/store", &["results", "intake", "ledger", "tonic"]);
    check("crates/results", &["tonic", "intake", "ledger"]);
    check("crates/intake", &["tonic", "ledger"]);
}

#[test]
fn the_core_depends_on_nothing_that_could_touch_the_world() {
    assert_eq!(
        dependencies("crates/ledger"),
        BTreeSet::from(["thiserror".to_owned()])
    );
    check("crates/coder", &["tokio", "tonic", "store", "rand", "jiff"]);
}

/// Every crate that is built for this machine, with its version.
fn built() -> BTreeSet<String> {
    let mut tree = std::process::Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--workspace",
        "--locked",
        "--offline",
        "--prefix",
        "none",
    ]);
    let listed = tree.current_dir(root()).output().unwrap();
    assert!(
        listed.status.success(),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let lines = String::from_utf8(listed.stdout).unwrap();
    lines
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

#[test]
fn what_deny_toml_bans_is_not_built_and_what_must_be_one_is_one() {
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    let banned: Vec<&str> = deny
        .lines()
        .filter_map(|line| line.trim().strip_prefix("{ crate = \"")?.split('"').next())
        .collect();
    assert!(banned.len() >= 5, "{banned:?}");
    let built = built();
    let versions = |name: &str| {
        built
            .iter()
            .filter(|line| line.split(' ').next() == Some(name))
            .count()
    };
    for name in banned {
        assert_eq!(versions(name), 0, "{name} is built");
    }
    for single in ["rustls", "hyper", "h2", "http", "tokio", "prost", "tonic"] {
        assert_eq!(versions(single), 1, "versions of {single}");
    }
}
