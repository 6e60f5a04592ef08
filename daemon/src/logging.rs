//! The daemon's own log, on stderr: text for people, JSON for machines.
//!
//! Text of plugins and clients comes through here: control characters are escaped, so that nobody can forge a line or
//! drive a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;

/// What a line of the log looks like.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error(
        "cannot read the log filter {filter:?} of {variable}: {reason}; write for example info or valord=debug"
    )]
    Filter {
        /// Where it comes from.
        variable: &'static str,
        /// As given.
        filter: String,
        /// What is wrong.
        reason: String,
    },
    /// Another log is there already.
    #[error("cannot start the log: {0}")]
    Init(String),
}

/// Starts the log of this process; the filter is `VALOR_LOG`, else `RUST_LOG`, else `info`.
///
/// # Errors
/// When the filter is none, or there is a log already.
pub fn init(format: LogFormat) -> Result<(), LogError> {
    let given = ["VALOR_LOG", "RUST_LOG"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((name, value))
    });
    let filter = match given {
        None => EnvFilter::new("info"),
        Some((variable, filter)) => EnvFilter::try_new(&filter).map_err(|error| LogError::Filter {
            variable,
            filter,
            reason: error.to_string(),
        })?,
    };
    let colour =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing::subscriber::set_global_default(subscriber(format, filter, colour, io::stderr))
        .map_err(|error| LogError::Init(error.to_string()))
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    colour: bool,
    to: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(to);
    match format {
        LogFormat::Json => Box::new(builder.json().flatten_event(true).with_current_span(false).finish()),
        LogFormat::Text => {
            let fields = debug_fn(|to, field, value| {
                let text = format!("{value:?}");
                let text = escape(&text);
                if field.name() == "message" {
                    write!(to, "{text}")
                } else {
                    write!(to, "{}={text}", field.name())
                }
            });
            Box::new(builder.with_ansi(colour).fmt_fields(fields.delimited(" ")).finish())
        }
    }
}

/// Text of a stranger on one line that no terminal obeys.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(commands) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if commands(c) {
            // Writing to a string cannot fail.
            let _written = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, other line ends, and what turns the direction of writing.
fn commands(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(format: LogFormat, filter: &str) -> String {
        let sink = Sink::default();
        let to = sink.clone();
        let subscriber = subscriber(format, EnvFilter::new(filter), false, move || to.clone());
        tracing::subscriber::with_default(subscriber, || {
            let evil = "one\ntwo \x1b[31mred\u{202e}";
            tracing::info!(target: "plugin", plugin = "hello", line = evil, "said {evil}");
            tracing::debug!("quiet");
        });
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_plugin_can_neither_forge_a_line_nor_drive_a_terminal() {
        let text = log(LogFormat::Text, "info");
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(
            text.contains("INFO plugin: said one\\ntwo \\u{1b}[31mred\\u{202e} plugin=\"hello\""),
            "{text}"
        );
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn machines_get_one_object_a_line() {
        let text = log(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["target"], "plugin");
        assert_eq!(line["plugin"], "hello");
        assert_eq!(line["message"], "said one\ntwo \x1b[31mred\u{202e}");
    }

    #[test]
    fn the_filter_filters() {
        assert!(log(LogFormat::Text, "debug").contains("quiet"));
        assert_eq!(log(LogFormat::Text, "off"), "");
    }

    #[test]
    fn honest_text_stays_as_it_is() {
        assert!(matches!(escape("grüße\tan 世界 🎉"), Cow::Borrowed(_)));
        assert_eq!(escape("a\r\nb\x07\u{85}"), "a\\r\\nb\\u{7}\\u{85}");
    }
}
