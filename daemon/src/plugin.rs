//! What the daemon knows of a plugin while it serves: shared by the workers, the supervisor and the egress.

mod gate;
mod lines;
mod stats;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use gate::{Entry, Gate, Permit, Waiting};
pub use lines::Lines;
pub use stats::{Stats, Totals};

/// One registered plugin; a replacement is another `Plugin`.
#[derive(Debug)]
pub struct Plugin {
    /// Unique among the registered plugins.
    pub name: Arc<str>,
    /// Normalised by [`crate::routes::check_prefix`].
    pub prefix: Arc<str>,
    /// What it may use, and how long it may take.
    pub limits: Limits,
    /// What it may reach.
    pub grants: Grants,
    /// How many requests it works on.
    pub gate: Arc<Gate>,
    /// What it has done.
    pub stats: Arc<Stats>,
    /// What it may have the daemon write down.
    pub lines: Arc<Lines>,
}

impl Plugin {
    /// A plugin that has served nothing yet; `prefix` is normalised already.
    #[must_use]
    pub fn new(name: &str, prefix: &str, limits: Limits, grants: Grants) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            prefix: prefix.into(),
            gate: Arc::new(Gate::new(limits.concurrency, limits.queue)),
            limits,
            grants,
            stats: Arc::default(),
            lines: Arc::default(),
        })
    }

    /// The same plugin below another prefix, with the same turns and counters: those who knew it before still serve.
    #[must_use]
    pub fn moved(&self, prefix: &str) -> Arc<Self> {
        Arc::new(Self {
            name: Arc::clone(&self.name),
            prefix: prefix.into(),
            limits: self.limits.clone(),
            grants: self.grants.clone(),
            gate: Arc::clone(&self.gate),
            stats: Arc::clone(&self.stats),
            lines: Arc::clone(&self.lines),
        })
    }

    /// From the request to the response head.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.limits.timeout.min(YEAR)
    }

    /// Between two parts of a body.
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        self.limits.idle_timeout.min(YEAR)
    }

    /// For the whole exchange.
    #[must_use]
    pub fn total_timeout(&self) -> Option<Duration> {
        self.limits.total_timeout.map(|limit| limit.min(YEAR))
    }
}

/// No timeout is longer, so that adding it to a clock cannot overflow.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Names one started process, for the daemon's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(pub u64);

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a plugin may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// From the request to the response head, time in the queue included.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// Between two parts of a body.
    #[serde(rename = "idle_timeout_ms", with = "millis")]
    pub idle_timeout: Duration,
    /// For the whole exchange; `None` lets streams live.
    #[serde(rename = "total_timeout_ms", with = "millis::option")]
    pub total_timeout: Option<Duration>,
    /// Requests that are worked on at once.
    pub concurrency: u32,
    /// Requests that wait for their turn.
    pub queue: u32,
    /// Processes.
    pub instances: u16,
    /// Memory of one process, in bytes.
    pub memory: u64,
    /// Of a core for one process, in thousandths; `None`: what there is.
    pub cpu: Option<u32>,
    /// Threads and processes at once, of one process.
    pub pids: u32,
    /// The longest request body, in bytes.
    pub max_body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            total_timeout: None,
            concurrency: 256,
            queue: 1024,
            instances: 1,
            memory: 512 << 20,
            cpu: None,
            pids: 1024,
            max_body: 64 << 20,
        }
    }
}

/// What a plugin may reach beyond itself; default: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Where `fetch` may go, as written by the operator; read by `egress`.
    pub net: Vec<String>,
    /// Files and directories to read.
    pub read: Vec<PathBuf>,
    /// Directories to write to.
    pub write: Vec<PathBuf>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    fn to_millis(value: Duration) -> u64 {
        u64::try_from(value.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(to_millis(*value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }

    pub(super) mod option {
        use std::time::Duration;

        use serde::{Deserialize, Deserializer, Serializer};

        #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
        pub(in super::super) fn serialize<S: Serializer>(
            value: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => to.serialize_some(&super::to_millis(*value)),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_travel_as_milliseconds_and_fill_what_is_missing() {
        let limits = Limits { total_timeout: Some(Duration::from_secs(5)), ..Limits::default() };
        let json = serde_json::to_value(&limits).unwrap();
        assert_eq!(json["timeout_ms"], 30_000);
        assert_eq!(json["total_timeout_ms"], 5_000);
        assert_eq!(serde_json::from_value::<Limits>(json).unwrap(), limits);
        assert_eq!(serde_json::from_str::<Limits>("{}").unwrap(), Limits::default());
        assert_eq!(serde_json::from_str::<Grants>("{}").unwrap(), Grants::default());
    }
}
