//! `dayfly terminology`: builds a terminology file from the official release files, and says
//! what one holds.

use std::io::Write;
use std::path::{Path, PathBuf};

use coder::build::{OWN_SYNONYMS, Sources};
use coder::{TermSource, Terminology};
use serde::Serialize;

use crate::cli::{BuildArgs, ShowArgs, TableOrJson};
use crate::error::{Failure, quoted};
use crate::exit::Exit;
use crate::output::{self, grouped, note};

/// A terminology in a few words.
#[derive(Debug, Serialize)]
struct About {
    name: String,
    /// `null` for what is built in.
    file: Option<String>,
    /// SHA-256, as runs pin it.
    digest: String,
    codes: usize,
    /// Terms that lead to a code: counted by the builder, else nodes of their trie.
    terms: usize,
}

/// Runs `dayfly terminology build`.
///
/// # Errors
/// The file that cannot be read or is not what it should be (exit 2), or cannot be written.
pub(crate) fn build(arguments: &BuildArgs) -> Result<Exit, Failure> {
    let mut synonyms = Vec::new();
    for path in &arguments.synonyms {
        let text = String::from_utf8(read(path)?)
            .map_err(|_| Failure::usage(format_args!("{path:?} is not UTF-8 text")))?;
        synonyms.push((text, TermSource::User));
    }
    if !arguments.no_own_synonyms {
        synonyms.push((OWN_SYNONYMS.to_owned(), TermSource::Synonym));
    }
    let optional = |path: &Option<PathBuf>| path.as_deref().map(read).transpose();
    let sources = Sources {
        version: arguments.name.clone(),
        tabular: read(&arguments.tabular)?,
        code_list: read(&arguments.code_list)?,
        neoplasm: optional(&arguments.neoplasm)?,
        drug: optional(&arguments.drug)?,
        external: optional(&arguments.external)?,
        index: optional(&arguments.index)?,
        disease_ontology: optional(&arguments.disease_ontology)?,
        synonyms,
    };
    let (file, report) = coder::build::build(&sources).map_err(Failure::usage_because)?;
    write_whole(&arguments.output, &file).map_err(|e| {
        Failure::failed_because(e).context(format!("cannot write {:?}", arguments.output))
    })?;
    for (line, code) in &report.unknown {
        note(format_args!(
            "warning: synonyms, line {line}: the release has no code {code}"
        ));
    }
    let built = Terminology::map(&arguments.output).map_err(Failure::failed_because)?;
    let about = About {
        name: built.version().to_owned(),
        file: Some(arguments.output.display().to_string()),
        digest: built.digest(),
        codes: report.codes,
        terms: report.terms,
    };
    print(&about, arguments.output_format)?;
    note(format_args!(
        "to use it: dayfly code --terminology {0}, dayfly run --terminology {0}",
        quoted(&arguments.output)
    ));
    Ok(Exit::Complete)
}

/// Runs `dayfly terminology show`.
///
/// # Errors
/// When the file is not a terminology: exit 2.
pub(crate) fn show(arguments: &ShowArgs) -> Result<Exit, Failure> {
    let terminology = match &arguments.file {
        Some(path) => Terminology::map(path).map_err(Failure::usage_because)?,
        None => Terminology::embedded(),
    };
    let about = About {
        name: terminology.version().to_owned(),
        file: arguments
            .file
            .as_ref()
            .map(|path| path.display().to_string()),
        digest: terminology.digest(),
        codes: terminology.code_count(),
        terms: terminology.term_count(),
    };
    print(&about, arguments.output_format)?;
    Ok(Exit::Complete)
}

fn print(about: &About, format: TableOrJson) -> std::io::Result<()> {
    match format {
        TableOrJson::Json => output::print_json(about),
        TableOrJson::Table => output::print_text(&format!(
            "{}: {} codes, {} terms\n  file    {}\n  sha256  {}\n",
            about.name,
            grouped(about.codes as u64),
            grouped(about.terms as u64),
            about.file.as_deref().unwrap_or("built in"),
            about.digest,
        )),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|e| Failure::usage_because(e).context(format!("cannot read {path:?}")))
}

/// Writes beside and renames: whoever has the old file mapped keeps it whole.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| std::fs::rename(&beside, path));
    if renamed.is_err() {
        // The error is the news, not whether its remains could be removed.
        let _ = std::fs::remove_file(&beside);
    }
    renamed
}
