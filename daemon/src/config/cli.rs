//! The command line of valord.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use valor_control::units::Span;

use crate::logging::LogFormat;

/// Serves plugins, each in a sandboxed process of its own, under one HTTP API.
///
/// Plugins are registered with valorctl. Every flag wins over its environment variable, and that over valord.toml.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "valord", version)]
pub struct Cli {
    /// Where HTTP is served; may be repeated [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT", env = "VALOR_LISTEN", value_delimiter = ',', value_parser = address)]
    pub listen: Vec<SocketAddr>,
    /// The control socket [default: /run/valor/control.sock, or $XDG_RUNTIME_DIR/valor/control.sock]
    #[arg(long, value_name = "PATH", env = "VALOR_CONTROL")]
    pub control: Option<PathBuf>,
    /// Registrations, artifacts and plugin data [default: /var/lib/valor, or $XDG_STATE_HOME/valor]
    #[arg(long, value_name = "DIR", env = "VALOR_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// The configuration [default: /etc/valor/valord.toml, or $XDG_CONFIG_HOME/valor/valord.toml, where it exists]
    #[arg(long, value_name = "FILE", env = "VALOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Plugins to serve from a file, JSON or TOML
    #[arg(long, value_name = "FILE", env = "VALOR_PLUGINS")]
    pub plugins: Option<PathBuf>,
    /// How the log on stderr is written [default: text]
    #[arg(long, value_name = "FORMAT", env = "VALOR_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Data workers [default: one for each core]
    #[arg(long, value_name = "N", env = "VALOR_WORKERS")]
    pub workers: Option<usize>,
    /// The valor-shim to start; those of other kinds are beside it [default: beside valord, else /usr/libexec/valor/valor-shim]
    #[arg(long, value_name = "PATH", env = "VALOR_SHIM")]
    pub shim: Option<PathBuf>,
    /// How long a stop waits for what is in flight, such as 30s or 1m [default: 30s]
    #[arg(long, value_name = "TIME", env = "VALOR_DRAIN_TIMEOUT")]
    pub drain_timeout: Option<Span>,
    /// How long a start waits for the plugins to come back before it serves HTTP without them [default: 10s]
    #[arg(long, value_name = "TIME", env = "VALOR_BOOT_TIMEOUT")]
    pub boot_timeout: Option<Span>,
    /// Print the JSON Schema of valord.toml
    #[arg(long, hide = true)]
    pub config_schema: bool,
    /// Print the JSON Schema of the plugins file
    #[arg(long, hide = true)]
    pub plugins_schema: bool,
    /// Write the manual pages into a directory
    #[arg(long, hide = true, value_name = "DIR")]
    pub man: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write ADDR:PORT, for example 127.0.0.1:8080 or [::]:8080".to_owned())
}
