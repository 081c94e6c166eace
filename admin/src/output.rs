//! Data to stdout, all else to stderr; tables, JSON, JSON lines and CSV.
//!
//! Whoever reads stdout may leave (`dayfly code … | head`): that is no error and no panic.
//! What is written after it goes nowhere.

use std::fmt::{Arguments, Write as _};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::cli::Format;
use crate::progress;

/// Standard output, buffered.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    closed: bool,
}

/// Enough that a system call costs nothing beside coding what fills it.
const BUFFER: usize = 256 << 10;

impl Output {
    /// Takes standard output.
    #[must_use]
    pub(crate) fn new() -> Output {
        Output {
            out: BufWriter::with_capacity(BUFFER, io::stdout().lock()),
            closed: false,
        }
    }

    /// Whether its reader has left: there is no point in making more.
    #[must_use]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn unless_closed(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

impl Default for Output {
    fn default() -> Output {
        Output::new()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.closed {
            let written = self.out.write_all(bytes);
            self.unless_closed(written)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.closed {
            let flushed = self.out.flush();
            self.unless_closed(flushed)?;
        }
        Ok(())
    }
}

/// One line on stderr, beside the progress bar if there is one.
pub(crate) fn note(line: Arguments<'_>) {
    progress::beside(|| {
        // Nobody is left to be told when stderr is closed.
        let _ = writeln!(io::stderr(), "{line}");
    });
}

/// Whether colour is wanted on standard output.
#[must_use]
pub(crate) fn stdout_has_colour() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

/// A column of a list: its name in tables and CSV, and the cell of an item.
pub(crate) type Column<T> = (&'static str, fn(&T) -> String);

/// Prints a list. JSON and JSON lines show all of an item, tables and CSV the `columns`.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_list<T: Serialize>(
    format: Format,
    items: &[T],
    columns: &[Column<T>],
) -> io::Result<()> {
    let mut out = Output::new();
    match format {
        Format::Json => json(&mut out, &items)?,
        Format::Jsonl => {
            for item in items {
                json(&mut out, item)?;
            }
        }
        Format::Csv => {
            csv_line(&mut out, columns.iter().map(|(name, _)| (*name).to_owned()))?;
            for item in items {
                csv_line(&mut out, columns.iter().map(|(_, cell)| cell(item)))?;
            }
        }
        Format::Table => out.write_all(table(items, columns).as_bytes())?,
    }
    out.flush()
}

/// One JSON value and a newline.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn json<T: Serialize + ?Sized>(out: &mut Output, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Prints one JSON value.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_json<T: Serialize + ?Sized>(value: &T) -> io::Result<()> {
    let mut out = Output::new();
    json(&mut out, value)?;
    out.flush()
}

/// Prints text for people.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_text(text: &str) -> io::Result<()> {
    let mut out = Output::new();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn table<T>(items: &[T], columns: &[Column<T>]) -> String {
    let header: Vec<String> = columns
        .iter()
        .map(|(name, _)| name.to_uppercase())
        .collect();
    let rows = items
        .iter()
        .map(|item| columns.iter().map(|(_, cell)| cell(item)).collect());
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|c| {
            rows.iter()
                .map(|row| row[c].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn csv_line(out: &mut Output, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        match cell.contains(['"', ',', '\n', '\r']) {
            true => write!(out, "\"{}\"", cell.replace('"', "\"\""))?,
            false => out.write_all(cell.as_bytes())?,
        }
    }
    out.write_all(b"\r\n")
}

/// A number for people: `1,234,567`.
#[must_use]
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 chart`, `2,000 charts`.
#[must_use]
pub(crate) fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        n => format!("{} {noun}s", grouped(n)),
    }
}

/// Bytes for people: `12.3 MB`.
#[must_use]
pub(crate) fn bytes(number: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let number = number as f64;
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    match units.into_iter().find(|(_, size)| number >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", number / size),
        None => format!("{number} bytes"),
    }
}

/// Seconds for people: `4.2 s`, `3 min 20 s`, `2 h 05 min`.
#[must_use]
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    let whole = std::time::Duration::from_secs_f64(seconds.min(1e12)).as_secs();
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_for_people() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(counted(1, "chart"), "1 chart");
        assert_eq!(counted(0, "chart"), "0 charts");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(4 << 20), "4.2 MB");
        for (seconds, shown) in [
            (0.25, "0.2 s"),
            (200.0, "3 min 20 s"),
            (7_500.0, "2 h 05 min"),
            (f64::INFINITY, "unknown"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let columns: [Column<(u32, &str)>; 2] = [
            ("n", |item| item.0.to_string()),
            ("word", |item| item.1.to_owned()),
        ];
        let text = table(&[(1, "first"), (1_000, "é")], &columns);
        assert_eq!(text, "N     WORD\n1     first\n1000  é\n");
    }
}
