//! What master and workers log, on stderr: warnings, or what `DAYFLY_LOG` (or `RUST_LOG`) says.

use std::fmt::Write as _;
use std::io::{self, Write};

use env_logger::{Builder, Target};
use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Record};

use crate::progress;

/// Begins logging for this process.
pub(crate) fn begin() {
    let mut builder = Builder::new();
    builder.filter_level(LevelFilter::Warn);
    let wanted = ["DAYFLY_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    if let Some(filters) = wanted {
        builder.parse_filters(&filters);
    }
    builder.format(|out, record| writeln!(out, "{}", line(record)));
    builder.target(Target::Pipe(Box::new(BesideTheBar)));
    builder.init();
}

/// `warn: worker w2 is lost (run=run-1, worker=w2)`
fn line(record: &Record<'_>) -> String {
    let level = match record.level() {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let mut text = format!("{level}: {}: {}", record.target(), record.args());
    let mut fields = Fields(String::new());
    // What cannot be shown is left out.
    let _ = record.key_values().visit(&mut fields);
    if !fields.0.is_empty() {
        let _ = write!(text, " ({})", fields.0);
    }
    text
}

struct Fields(String);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let comma = if self.0.is_empty() { "" } else { ", " };
        let _ = write!(self.0, "{comma}{key}={value}");
        Ok(())
    }
}

/// Standard error, without tearing the progress bar.
struct BesideTheBar;

impl Write for BesideTheBar {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        progress::beside(|| io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_its_fields() {
        let fields = [("run", "r1"), ("shard", "s00000001")];
        let record = Record::builder()
            .level(Level::Warn)
            .target("master")
            .args(format_args!("lost"))
            .key_values(&fields)
            .build();
        assert_eq!(
            line(&record),
            "warning: master: lost (run=r1, shard=s00000001)"
        );
    }
}
