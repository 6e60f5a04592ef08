//! One registration as it is kept: versioned, so that last year's file still loads and next year's is not misread.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use valor_control::engine::Engine;
use valor_control::kind::Kind;
use valor_control::web::Mode;

use crate::plugin::{Grants, Limits};

/// The version that this daemon writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// What is needed to start a plugin again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Of the format: [`VERSION`].
    pub version: u32,
    /// Unique; also the name of its file.
    pub name: String,
    /// What sort of plugin the artifact is; all that older versions knew were native.
    #[serde(default)]
    pub kind: Kind,
    /// What runs it, where it was asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// Where it answers.
    pub prefix: String,
    /// The artifact.
    pub sha256: String,
    /// What the artifact was called where it came from.
    #[serde(default)]
    pub file_name: String,
    /// For the plugin; null: none.
    #[serde(default)]
    pub config: Value,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// What it may reach.
    #[serde(default)]
    pub grants: Grants,
    /// Who owns the entry.
    #[serde(default)]
    pub source: Source,
    /// Its place in the range of plugin uids, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid_slot: Option<u32>,
    /// What each process must answer with 2xx before it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// Kept without processes until it is enabled again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// What browsers get of it; all of that is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    /// When: milliseconds since the epoch.
    #[serde(default)]
    pub created_ms: u64,
}

/// What is published of a plugin besides its code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Web {
    /// Where it answers.
    #[serde(default)]
    pub mode: Mode,
    /// For the plugin in the browser; null: none.
    #[serde(default)]
    pub config: Value,
}

/// Who owns an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The control API.
    #[default]
    Api,
    /// The plugins file.
    File,
}

impl Source {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
        }
    }
}

/// Milliseconds since the epoch.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
