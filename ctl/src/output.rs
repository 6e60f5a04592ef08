//! Results on stdout: tables for people, JSON for machines, names for scripts. Notes go to stderr.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::Serialize;

use crate::cli::Globals;
use crate::exit::Failure;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns
    #[default]
    Table,
    /// One array for a list, one object a line for a stream
    Json,
    /// Bare names, one a line
    Name,
}

/// What `-o` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    As(Format),
    /// Where there is a file to write.
    Toml,
}

impl Default for Wanted {
    fn default() -> Self {
        Self::As(Format::default())
    }
}

impl ValueEnum for Wanted {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::As(Format::Table), Self::As(Format::Json), Self::As(Format::Name), Self::Toml]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::As(format) => format.to_possible_value(),
            Self::Toml => Some(PossibleValue::new("toml").help("A plugins file")),
        }
    }
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    color: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(globals: &Globals) -> Self {
        let plain = globals.no_color || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self {
            format: match globals.output {
                Wanted::As(format) => format,
                Wanted::Toml => Format::default(),
            },
            color: !plain && std::io::stdout().is_terminal(),
            quiet: globals.quiet,
        }
    }

    /// One line, whatever it holds.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        self.write(&format!("{}\n", clean(text)))
    }

    /// Text of our own, of several lines.
    pub(crate) fn raw(self, text: &str) -> Result<(), Failure> {
        self.write(text)
    }

    /// A JSON document of several lines.
    pub(crate) fn document(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.write(&format!("{}\n", clean_json(&text)))
    }

    /// A JSON object on one line, as part of a stream.
    pub(crate) fn record(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.write(&format!("{}\n", clean_json(&text)))
    }

    pub(crate) fn table(self, table: &Table) -> Result<(), Failure> {
        self.write(&table.render(self.color))
    }

    /// Something worth knowing that is not the result.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            drop(writeln!(std::io::stderr(), "note: {}", clean(text)));
        }
    }

    fn write(self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
    }
}

/// Rows of columns, as wide as they need to be.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// The column that is coloured by what it says.
    state: Option<usize>,
}

impl Table {
    pub(crate) fn with_header(header: &[&str]) -> Self {
        let state = header.iter().position(|name| matches!(*name, "STATE" | "STATUS"));
        Self { rows: vec![header.iter().map(|name| (*name).to_owned()).collect()], state }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cell = |text: String| {
            if text.is_empty() { "-".to_owned() } else { clean(&text).into_owned() }
        };
        self.rows.push(cells.into_iter().map(|text| cell(text.into())).collect());
    }

    fn render(&self, color: bool) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let pad = if column + 1 < row.len() { widths[column] + 2 - cell.chars().count() } else { 0 };
                match paint(cell).filter(|_| color && self.state == Some(column)) {
                    // Writing to a string cannot fail.
                    Some(code) => drop(write!(line, "\x1b[{code}m{cell}\x1b[0m{:pad$}", "")),
                    None => drop(write!(line, "{cell}{:pad$}", "")),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

fn paint(state: &str) -> Option<u8> {
    match state {
        "ready" | "full" => Some(32),
        "starting" | "draining" | "stopped" | "disabled" | "backoff" | "partial" => Some(33),
        "quarantined" | "failed" | "absent" => Some(31),
        _ => None,
    }
}

/// Text that may come from a plugin, without the power to move a cursor or to forge a line.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// JSON with the same meaning and without that power: what JSON itself lets stand stands in its strings only.
fn clean_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) && c != '\n' {
            // All of them have four digits. Writing to a string cannot fail.
            let _written = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a text of several lines has nothing that a terminal may obey.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(|c| is_hostile(c) && c != '\n')
}

/// Control characters, other ends of lines, and what turns the direction of text.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters_and_lines_have_no_tail() {
        let mut table = Table::with_header(&["NAME", "STATE", "X"]);
        table.row(["ä", "ready", ""]);
        table.row(["longer", "failed", "1"]);
        assert_eq!(table.render(false), "NAME    STATE   X\nä       ready   -\nlonger  failed  1\n");
        assert!(table.render(true).contains("\x1b[32mready\x1b[0m   -\n"));
    }

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(clean("a\x1b]0;x\x07\nb\tc"), "a\\u{1b}]0;x\\u{7}\\nb\tc");
        assert_eq!(clean("rtl\u{202e}x"), "rtl\\u{202e}x");
        assert!(matches!(clean("plain äöü"), Cow::Borrowed(_)));
        let evil = "\u{1b}\u{7f}\u{9b}\u{85}\u{202e}\u{2028}\u{200f}\n\tö";
        let json = clean_json(&serde_json::to_string_pretty(&[evil]).unwrap());
        assert_eq!(json, "[\n  \"\\u001b\\u007f\\u009b\\u0085\\u202e\\u2028\\u200f\\n\\tö\"\n]");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap()[0], evil);
    }
}
