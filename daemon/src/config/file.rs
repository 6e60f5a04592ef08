//! `valord.toml` as it is written.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use valor_control::nearest;
use valor_control::units::Span;

use super::ConfigError;
use super::http::HttpFile;
use super::limits::LimitsFile;
use crate::logging::LogFormat;

/// The configuration of valord. Every key may be left out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "valord.toml")]
pub(super) struct File {
    /// Where HTTP is served, such as `["127.0.0.1:8080"]`.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) listen: Option<Vec<SocketAddr>>,
    /// The control socket.
    pub(super) control: Control,
    /// Registrations, artifacts and plugin data.
    pub(super) state_dir: Option<PathBuf>,
    /// How the log on stderr is written.
    pub(super) log_format: Option<LogFormat>,
    /// Data workers; by default one for each core.
    pub(super) workers: Option<usize>,
    /// The `valor-shim` to start; the shims of other kinds are beside it.
    pub(super) shim: Option<PathBuf>,
    /// The Deno that runs the plugins that ask for it; by default the one on PATH.
    pub(super) deno: Option<PathBuf>,
    /// How long a stop waits for what is in flight.
    pub(super) drain_timeout: Option<Span>,
    /// How long a start waits for the plugins to come back before it serves HTTP without those that are late.
    pub(super) boot_timeout: Option<Span>,
    /// How long a WebAssembly plugin may take to be compiled, once, before its first start.
    pub(super) compile_timeout: Option<Span>,
    /// What a plugin gets that asks for nothing else.
    pub(super) limits: LimitsFile,
    /// What clients may do.
    pub(super) http: HttpFile,
    /// The most processes that the control API may give a plugin, at most 64, which is the default.
    pub(super) max_instances: Option<u16>,
    /// What a sandbox must be.
    pub(super) sandbox: Sandbox,
    /// As root, the uids of plugins, one each: `FIRST+COUNT`.
    pub(super) plugin_uids: Option<String>,
    /// Addresses or ranges of proxies whose `x-forwarded-*` are believed.
    pub(super) trusted_proxies: Vec<String>,
    /// What plugins `fetch`.
    pub(super) egress: Egress,
    /// A file with plugins to serve, JSON or TOML.
    pub(super) plugins: Option<PathBuf>,
    /// Where library names in that file are looked for.
    pub(super) plugin_dir: Option<PathBuf>,
}

/// The control socket.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Control {
    /// Where it is.
    pub(super) path: Option<PathBuf>,
    /// Whose members may use it, when the group exists and valord is root or runs as that group; by default `valor`.
    pub(super) group: Option<String>,
}

/// What a sandbox must be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Sandbox {
    /// Properties that plugins start without where this host cannot give them. Each is a risk that you take.
    pub(super) give_up: Vec<Property>,
}

/// What plugins `fetch`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Egress {
    /// Private address ranges that names may resolve to, as if they were public. A grant is needed all the same.
    pub(super) allow_private: Vec<String>,
    /// How long it may take to connect.
    pub(super) connect_timeout: Option<Span>,
}

/// What the sandbox of a plugin must be, unless it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// It cannot gain privileges by exec.
    NoNewPrivs,
    /// It reaches only the system calls of the table.
    Seccomp,
    /// It has no capability, and cannot get one.
    NoCapabilities,
    /// It has no descriptor that it was not given.
    Descriptors,
    /// It cannot use up the host's processes, files and memory.
    Rlimits,
    /// It sees no files but its own.
    FilesConfined,
    /// It has no network but `fetch`.
    NoNetwork,
}

impl Property {
    /// Every property, all required by default.
    pub const ALL: [Self; 7] = [
        Self::NoNewPrivs,
        Self::Seccomp,
        Self::NoCapabilities,
        Self::Descriptors,
        Self::Rlimits,
        Self::FilesConfined,
        Self::NoNetwork,
    ];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoNewPrivs => "no-new-privs",
            Self::Seccomp => "seccomp",
            Self::NoCapabilities => "no-capabilities",
            Self::Descriptors => "descriptors",
            Self::Rlimits => "rlimits",
            Self::FilesConfined => "files-confined",
            Self::NoNetwork => "no-network",
        }
    }
}

impl std::fmt::Display for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl File {
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let (line, column) = nearest::position(text, error.span().map_or(0, |span| span.start));
            let reason = nearest::explain(error.message());
            ConfigError::Syntax { file: path.to_owned(), line, column, reason }
        })
    }
}

/// The JSON Schema of `valord.toml`, for editors.
#[must_use]
pub fn schema() -> String {
    let mut text = format!("{:#}", schemars::schema_for!(File).to_value());
    text.push('\n');
    text
}
