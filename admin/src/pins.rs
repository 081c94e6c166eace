//! From settings to a pinned spec: absolute paths, defaults filled in, and the digests that say
//! what will code the charts.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use coder::{Coder, Cues, Terminology};
use master::spec::{Engine, Place, Reading, Shards, Spec};
use sha2::{Digest, Sha256};

use crate::error::{Failure, with_folder_resolved};
use crate::settings::{CsvSettings, EngineSettings, ReadingSettings, Settings, ShardSettings};

/// How long one chart may take in an engine of the user's, where nobody said.
const CHART_SECONDS: f64 = 60.0;
/// How long one answer of it may be.
const ANSWER_BYTES: u64 = 16 << 20;

/// A shard is about a second of work; the built-in coder is that much faster than most.
const ICD10_SHARDS: Shards = Shards {
    max_bytes: 4 << 20,
    max_charts: 512,
};
const OTHER_SHARDS: Shards = Shards {
    max_bytes: 1 << 20,
    max_charts: 64,
};

/// More processes than this on one machine is a slip of the finger.
const MOST_WORKERS: u32 = 4_096;

/// The spec that these settings stand for, now and here.
///
/// # Errors
/// What is missing or wrong, for exit 2.
pub(crate) fn pin(settings: &Settings) -> Result<Spec, Failure> {
    let engine = engine(&settings.engine)?;
    let shards = match engine {
        Engine::Icd10 { .. } => ICD10_SHARDS,
        Engine::Exec { .. } | Engine::Noop => OTHER_SHARDS,
    };
    let csv = intake::CsvColumns::default();
    let reading = &settings.reading;
    Ok(Spec {
        place: Place::Machine,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: jiff::Timestamp::now().to_string(),
        input: input(settings.input.as_deref())?,
        workers: workers(settings.workers)?,
        engine,
        reading: Reading {
            encoding: reading
                .encoding
                .clone()
                .unwrap_or_else(|| "utf-8".to_owned()),
            max_chart_bytes: reading
                .max_chart_bytes
                .unwrap_or(intake::ReadOptions::MAX_CHART_BYTES),
            csv_id: reading.csv.id.clone().unwrap_or(csv.id),
            csv_text: reading.csv.text.clone().unwrap_or(csv.text),
            csv_meta: reading.csv.meta.clone().unwrap_or(csv.meta),
        },
        shards: Shards {
            max_bytes: settings.shards.max_bytes.unwrap_or(shards.max_bytes),
            max_charts: settings.shards.max_charts.unwrap_or(shards.max_charts),
        },
    })
}

/// The settings that a pinned spec stands for: pinning them again shows what has changed.
#[must_use]
pub(crate) fn settings_of(spec: &Spec) -> Settings {
    let reading = &spec.reading;
    Settings {
        input: Some(spec.input.clone().into()),
        output: None,
        workers: Some(spec.workers),
        engine: match &spec.engine {
            Engine::Icd10 {
                terminology, cues, ..
            } => EngineSettings {
                kind: Some("icd10".to_owned()),
                terminology: terminology.as_ref().map(PathBuf::from),
                cues: cues.as_ref().map(PathBuf::from),
                ..EngineSettings::default()
            },
            Engine::Exec {
                command,
                chart_seconds,
                answer_bytes,
                ..
            } => EngineSettings {
                kind: Some("exec".to_owned()),
                command: Some(command.clone()),
                chart_seconds: Some(*chart_seconds),
                answer_bytes: Some(*answer_bytes),
                ..EngineSettings::default()
            },
            Engine::Noop => EngineSettings {
                kind: Some("noop".to_owned()),
                ..EngineSettings::default()
            },
        },
        reading: ReadingSettings {
            encoding: Some(reading.encoding.clone()),
            max_chart_bytes: Some(reading.max_chart_bytes),
            csv: CsvSettings {
                id: Some(reading.csv_id.clone()),
                text: Some(reading.csv_text.clone()),
                meta: Some(reading.csv_meta.clone()),
            },
        },
        shards: ShardSettings {
            max_bytes: Some(spec.shards.max_bytes),
            max_charts: Some(spec.shards.max_charts),
        },
    }
}

/// A coder for these files; what is built in where there is none.
///
/// # Errors
/// The file that cannot be used, for exit 2.
pub(crate) fn coder(terminology: Option<&Path>, cues: Option<&Path>) -> Result<Coder, Failure> {
    let terminology = match terminology {
        None => Terminology::embedded(),
        Some(path) => Terminology::map(path)
            .map_err(|e| Failure::usage_because(e).context(format!("--terminology {path:?}")))?,
    };
    let cues = match cues {
        None => Cues::built_in(),
        Some(path) => {
            let named = |failure: Failure| failure.context(format!("--cues {path:?}"));
            let table =
                std::fs::read_to_string(path).map_err(|e| named(Failure::usage_because(e)))?;
            Cues::built_in_with(&table).map_err(|e| named(Failure::usage_because(e)))?
        }
    };
    Ok(Coder::new(terminology, cues))
}

/// Refuses what only a fleet can do.
///
/// # Errors
/// Exit 2, naming `path`.
pub(crate) fn require_local(path: &Path) -> Result<(), Failure> {
    if path.to_string_lossy().starts_with("s3://") {
        return Err(Failure::usage(format_args!(
            "{path:?}: this version runs on one machine, on directories and files of it"
        ))
        .hint("copy the charts to this machine first, for example with: aws s3 sync"));
    }
    Ok(())
}

fn input(path: Option<&Path>) -> Result<String, Failure> {
    let path = path.ok_or_else(|| {
        Failure::usage("there is no input: --input says where the charts are")
            .hint("to try it: dayfly run --input examples/charts --output results")
    })?;
    require_local(path)?;
    // This names what is missing or unreadable better than resolving the path would.
    intake::Input::open(path)?;
    let resolved = with_folder_resolved(path)
        .map_err(|e| Failure::usage_because(e).context(format!("cannot resolve input {path:?}")))?;
    text_of(resolved, "input")
}

fn text_of(path: PathBuf, what: &str) -> Result<String, Failure> {
    path.into_os_string()
        .into_string()
        .map_err(|path| Failure::usage(format_args!("{what} {path:?} is not UTF-8")))
}

fn workers(wanted: Option<u32>) -> Result<u32, Failure> {
    let cores = || {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        u32::try_from(cores).unwrap_or(MOST_WORKERS)
    };
    match wanted.unwrap_or_else(cores) {
        n @ 1..=MOST_WORKERS => Ok(n),
        n => Err(Failure::usage(format_args!(
            "workers must be between 1 and {MOST_WORKERS}, not {n}"
        ))),
    }
}

fn engine(settings: &EngineSettings) -> Result<Engine, Failure> {
    let kind = match (&settings.kind, &settings.command) {
        (Some(kind), _) => kind.as_str(),
        (None, Some(_)) => "exec",
        (None, None) => "icd10",
    };
    match kind {
        "icd10" => icd10(settings),
        "exec" => exec(settings),
        "noop" => Ok(Engine::Noop),
        other => Err(Failure::usage(format_args!(
            "there is no engine {other:?}: it is icd10 or exec"
        ))),
    }
}

fn icd10(settings: &EngineSettings) -> Result<Engine, Failure> {
    let coder = coder(settings.terminology.as_deref(), settings.cues.as_deref())?;
    let absolute = |path: &Option<PathBuf>, what| {
        let Some(path) = path else { return Ok(None) };
        let path = path
            .canonicalize()
            .map_err(|e| Failure::usage_because(e).context(format!("{what} {path:?}")))?;
        text_of(path, what).map(Some)
    };
    Ok(Engine::Icd10 {
        terminology: absolute(&settings.terminology, "terminology")?,
        terminology_version: coder.terminology_version().to_owned(),
        terminology_digest: coder.terminology_digest(),
        cues: absolute(&settings.cues, "cues")?,
        cues_digest: coder.cues_digest(),
    })
}

fn exec(settings: &EngineSettings) -> Result<Engine, Failure> {
    let mut command = settings.command.clone().unwrap_or_default();
    let Some(program) = command.first_mut().filter(|program| !program.is_empty()) else {
        return Err(Failure::usage("the exec engine has no command")
            .hint("give it after two dashes: dayfly run … -- COMMAND ARGUMENTS"));
    };
    let resolved = resolve(program)?;
    *program = text_of(resolved, "command")?;
    Ok(Engine::Exec {
        digest: digest_of(&command)?,
        command,
        chart_seconds: settings.chart_seconds.unwrap_or(CHART_SECONDS),
        answer_bytes: settings.answer_bytes.unwrap_or(ANSWER_BYTES),
    })
}

/// The program's file, found as a shell finds it.
fn resolve(program: &str) -> Result<PathBuf, Failure> {
    if program.contains('/') {
        let path = Path::new(program);
        return match std::fs::metadata(path) {
            Err(error) => Err(Failure::usage_because(error)
                .context(format!("the engine's command {program:?} cannot be used"))),
            Ok(_) if !is_program(path) => Err(Failure::usage(format_args!(
                "the engine's command {program:?} is not a program that can be run"
            ))),
            Ok(_) => std::path::absolute(path).map_err(Failure::usage_because),
        };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| is_program(path))
        .map(|path| std::path::absolute(&path).unwrap_or(path))
        .ok_or_else(|| {
            Failure::usage(format_args!(
                "the engine's command {program:?} is not found in PATH"
            ))
        })
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// SHA-256 over the program's file and every argument that names a file: its script, say, or
/// its model. Each goes in with its place, so that no two commands share a digest by chance.
fn digest_of(command: &[String]) -> Result<String, Failure> {
    let mut all = Sha256::new();
    for (place, word) in command.iter().enumerate() {
        if !Path::new(word).is_file() {
            continue;
        }
        let digest = file_digest(Path::new(word)).map_err(|source| {
            Failure::usage_because(source)
                .context(format!("cannot read the engine's file {word:?}"))
        })?;
        all.update((place as u64).to_be_bytes());
        all.update(digest);
    }
    Ok(hexadecimal(&all.finalize()))
}

fn file_digest(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = std::fs::File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finalize().into()),
            n => digest.update(&buffer[..n]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec_settings(command: &[&str]) -> EngineSettings {
        EngineSettings {
            command: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            ..EngineSettings::default()
        }
    }

    fn digest(command: &[&str]) -> String {
        let Ok(Engine::Exec { digest, .. }) = engine(&exec_settings(command)) else {
            panic!("no exec engine")
        };
        digest
    }

    #[test]
    fn pinning_what_is_pinned_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for engine in [EngineSettings::default(), exec_settings(&["cat", "-u"])] {
            let settings = Settings {
                input: Some(folder.path().to_owned()),
                engine,
                ..Settings::default()
            };
            let spec = pin(&settings).unwrap();
            assert!(Path::new(&spec.input).is_absolute());
            let again = pin(&settings_of(&spec)).unwrap();
            assert_eq!(spec.difference(&again), None);
            assert_eq!((again.workers, again.shards), (spec.workers, spec.shards));
        }
    }

    #[test]
    fn the_digest_is_of_the_files_that_the_command_names() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("coder.sh");
        let script_text = script.to_str().unwrap();
        std::fs::write(&script, "one").unwrap();
        let before = digest(&["sh", script_text, "--fast"]);
        assert_eq!(before, digest(&["sh", script_text, "--fast"]));
        assert_ne!(before, digest(&["sh", "-x", script_text]));
        std::fs::write(&script, "two").unwrap();
        assert_ne!(before, digest(&["sh", script_text, "--fast"]));
    }

    #[test]
    fn a_command_that_is_no_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "x").unwrap();
        for command in [
            &["no-such-program-here"][..],
            &["/no/such"],
            &[file.to_str().unwrap()],
            &[],
        ] {
            let failure = engine(&exec_settings(command)).unwrap_err();
            assert_eq!(failure.exit, crate::exit::Exit::Usage, "{command:?}");
        }
    }
}
