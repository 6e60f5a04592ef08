//! Server-sent events.

use std::fmt::Write as _;
use std::time::Duration;

/// One server-sent event; text is an event with that data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    data: Option<String>,
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    comment: Option<String>,
}

impl Event {
    /// An event with this data, which may have several lines.
    pub fn data(data: impl Into<String>) -> Self {
        Self { data: Some(data.into()), ..Self::default() }
    }

    /// A comment, which keeps the connection alive and which clients ignore.
    pub fn comment(text: impl Into<String>) -> Self {
        Self { comment: Some(text.into()), ..Self::default() }
    }

    /// Its name (`event:`).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its id, which the client sends back in `last-event-id`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// How long the client waits before it connects again.
    #[must_use]
    pub fn retry(mut self, delay: Duration) -> Self {
        self.retry = Some(delay);
        self
    }

    pub(crate) fn encode(&self) -> String {
        let mut out = String::new();
        let mut field = |name: &str, value: &str| {
            for line in value.split("\r\n").flat_map(|part| part.split(['\r', '\n'])) {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "{name}: {line}");
            }
        };
        // A line break would forge another field: only data and comments may have several lines.
        let line = |text: &str| text.replace(['\r', '\n', '\0'], "");
        if let Some(comment) = &self.comment {
            field("", comment);
        }
        if let Some(name) = &self.name {
            field("event", &line(name));
        }
        if let Some(id) = &self.id {
            field("id", &line(id));
        }
        if let Some(retry) = self.retry {
            field("retry", &retry.as_millis().to_string());
        }
        if let Some(data) = &self.data {
            field("data", data);
        }
        out.push('\n');
        out
    }
}

impl From<String> for Event {
    fn from(data: String) -> Self {
        Self::data(data)
    }
}

impl From<&str> for Event {
    fn from(data: &str) -> Self {
        Self::data(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_forges_a_field() {
        let event = Event::data("one\ntwo\r\nthree\rid: 9")
            .name("tick\ndata: x")
            .id("1\0")
            .retry(Duration::from_secs(2));
        assert_eq!(
            event.encode(),
            "event: tickdata: x\nid: 1\nretry: 2000\ndata: one\ndata: two\ndata: three\ndata: id: 9\n\n"
        );
        assert_eq!(Event::comment("hi").encode(), ": hi\n\n");
        assert_eq!(Event::from("").encode(), "data: \n\n");
    }
}
