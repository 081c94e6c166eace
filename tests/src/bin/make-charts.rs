//! Makes invented charts for load: any number, the same for the same seed.

use std::path::PathBuf;
use std::process::ExitCode;

use tests::charts::output::{Format, write_charts, write_examples};

const USAGE: &str = "usage: make-charts --output DIR [--count 1000] [--seed 7] \
[--format txt|jsonl|jsonl.gz|csv] [--per-folder 1000]
       make-charts --examples --output examples/charts";

struct Arguments {
    output: PathBuf,
    count: u64,
    seed: u64,
    format: Format,
    per_folder: u64,
    examples: bool,
}

fn main() -> ExitCode {
    let result = parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program's complaint")]
fn complain(message: &str) {
    eprintln!("{message}");
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let Arguments {
        output,
        count,
        seed,
        format,
        per_folder,
        examples,
    } = arguments;
    let written = match examples {
        true => write_examples(output),
        false => write_charts(output, *format, *seed, *count, *per_folder),
    };
    written.map_err(|error| format!("cannot write charts below {output:?}: {error}"))
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        output: PathBuf::new(),
        count: 1_000,
        seed: 7,
        format: Format::Text,
        per_folder: 1_000,
        examples: false,
    };
    while let Some(flag) = words.next() {
        if flag == "--examples" {
            arguments.examples = true;
            continue;
        }
        let value = words.next().ok_or(USAGE)?;
        let number = || {
            value
                .parse()
                .map_err(|_| format!("{flag} wants a number\n{USAGE}"))
        };
        match flag.as_str() {
            "--output" => arguments.output = PathBuf::from(value),
            "--count" => arguments.count = number()?,
            "--seed" => arguments.seed = number()?,
            "--per-folder" => arguments.per_folder = number()?,
            "--format" => arguments.format = value.parse()?,
            _ => return Err(format!("unknown option {flag}\n{USAGE}")),
        }
    }
    if arguments.output.as_os_str().is_empty() {
        return Err(USAGE.to_owned());
    }
    Ok(arguments)
}
