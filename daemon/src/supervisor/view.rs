//! What the supervisor tells others about its plugins.

use std::sync::Arc;

use serde_json::Value;
use valor_control::kind::Kind;
use valor_control::web::Mode;
pub use valor_wire::control::{LayerReport, LayerStatus};

use super::LogLine;
use crate::plugin::Generation;
use crate::store::{Registration, Source};

/// Where a plugin, or one of its processes, is in its life; [the module](super) draws the transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// A process is being started.
    Starting,
    /// It answers.
    Ready,
    /// It finishes what it has, and gets nothing new.
    Draining,
    /// It was told to end, and has; it is back when it is asked for, and when the daemon is started again.
    Stopped,
    /// The same, until it is enabled.
    Disabled,
    /// It ended unexpectedly and is started again when its pause is over.
    Backoff,
    /// It ended unexpectedly too often; `restart` is the way out.
    Quarantined,
    /// It cannot be started as it is.
    Failed,
}

impl State {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::Disabled => "disabled",
            Self::Backoff => "backoff",
            Self::Quarantined => "quarantined",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One plugin in a list.
#[derive(Debug, Clone)]
pub struct PluginView {
    /// Its name.
    pub name: String,
    /// By its manifest; empty without one.
    pub version: String,
    /// Where it answers.
    pub prefix: String,
    /// Where it is in its life.
    pub state: State,
    /// Why it is there; empty where there is nothing to say.
    pub reason: String,
    /// What sort of plugin it is.
    pub kind: Kind,
    /// Of its artifact.
    pub sha256: String,
    /// Unexpected ends since the daemon was started.
    pub restarts: u64,
    /// Of these: for want of memory.
    pub out_of_memory: u64,
    /// The mode in which it is published to browsers; `None`: it is not.
    pub web: Option<Mode>,
    /// Since when it is in this state: milliseconds since the epoch.
    pub since_ms: u64,
    /// Who owns the entry.
    pub source: Source,
    /// Requests that were routed to it.
    pub requests: u64,
    /// Of these, those that the daemon had to answer.
    pub errors: u64,
    /// Requests that it works on.
    pub in_flight: u32,
    /// Processes that it shall have.
    pub wanted: u16,
    /// Those of them that serve.
    pub ready: u16,
}

/// Everything about one plugin.
#[derive(Debug, Clone)]
pub struct PluginDetail {
    /// As in a list.
    pub view: PluginView,
    /// How it was registered; `None` where the state file is damaged.
    pub registration: Option<Arc<Registration>>,
    /// What its author embedded.
    pub manifest: Option<Value>,
    /// Its processes.
    pub instances: Vec<InstanceView>,
    /// What became of each layer of the sandbox, of the process that was started last.
    pub sandbox: Vec<LayerReport>,
    /// The last lines of its log, oldest first.
    pub log: Vec<Arc<LogLine>>,
}

/// One process of a plugin.
#[derive(Debug, Clone)]
pub struct InstanceView {
    /// Its seat, from 0.
    pub index: u16,
    /// Which process of the daemon's life.
    pub generation: Generation,
    /// The plugin process as the daemon sees it; 0: there is none now.
    pub pid: u32,
    /// Where it is in its life.
    pub state: State,
    /// When: milliseconds since the epoch.
    pub started_ms: u64,
    /// By its own word.
    pub sdk: String,
    /// By its own word.
    pub abi: u32,
    /// Why it is there; empty where there is nothing to say.
    pub reason: String,
    /// Unexpected ends of this seat.
    pub restarts: u64,
}
