//! What the operator wants: flags over environment over `valord.toml` over what fits most.

mod cli;
mod error;
mod file;
mod grants;
mod http;
mod limits;
mod man;
mod paths;
mod plugins;
mod ranges;
mod written;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use cli::Cli;
pub use error::ConfigError;
pub use file::{Property, schema};
pub use grants::{Wanted, build_grants};
pub use http::Front;
pub use limits::check_limits;
pub use man::write_manual;
pub use paths::Environment;
pub use plugins::{library_places, read_plugins};
pub use written::Written;

use crate::logging::LogFormat;
use crate::plugin::Limits;

/// Everything that is settled before the daemon starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where HTTP is served; empty: on the service manager's sockets, else on [`DEFAULT_LISTEN`].
    pub listen: Vec<SocketAddr>,
    /// The control socket.
    pub control: PathBuf,
    /// Who besides the owner may use the control socket: a group's name, used where it exists and
    /// valord is root or runs as that group.
    pub control_group: String,
    /// Registrations, artifacts, data.
    pub state_dir: PathBuf,
    /// Of the daemon's own log.
    pub log_format: LogFormat,
    /// Data workers.
    pub workers: usize,
    /// `valor-shim`, which has the shims of other kinds beside it; `None`: beside valord, else in the system's place.
    pub shim: Option<PathBuf>,
    /// Deno; `None`: the one on `PATH`.
    pub deno: Option<PathBuf>,
    /// How long a stop or a replacement waits for what is in flight.
    pub drain_timeout: Duration,
    /// How long a start waits for the plugins to come back before it serves HTTP without those that are late.
    pub boot_timeout: Duration,
    /// How long a plugin may take to be compiled.
    pub compile_timeout: Duration,
    /// What a plugin gets that asks for nothing else.
    pub limits: Limits,
    /// The most processes that the control API may give a plugin.
    pub max_instances: u16,
    /// Properties of the sandbox that this host need not have.
    pub give_up: Vec<Property>,
    /// As root: one uid for each plugin, out of these.
    pub plugin_uids: Range<u32>,
    /// What clients may do.
    pub front: Front,
    /// Proxies whose `x-forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Address ranges that count as public for a plugin's `fetch`.
    pub allow_private: Vec<IpNet>,
    /// How long a plugin's `fetch` may take to connect.
    pub connect_timeout: Duration,
    /// Plugins that a file owns.
    pub plugins: Option<PathBuf>,
    /// Where library names of that file are looked for.
    pub plugin_dir: Option<PathBuf>,
    /// The configuration file as it was read.
    pub written: Written,
}

impl Config {
    /// Reads the file that the flags name, or the one in its usual place, and puts all together.
    ///
    /// # Errors
    /// Says which file and key, and what to write instead.
    pub fn load(cli: Cli, environment: &Environment) -> Result<Self, ConfigError> {
        if let Some(file) = cli.config.clone().filter(|path| !path.exists()) {
            return Err(ConfigError::Read { file, source: std::io::ErrorKind::NotFound.into() });
        }
        // A place that cannot even be looked at, as somebody else's home, is none.
        let usual = || environment.config_file().filter(|path| path.try_exists().is_ok());
        let path = cli.config.clone().or_else(usual);
        let (written, file) = Written::read(path.clone())?;
        let config = Self::merge(cli, file, path.as_deref(), environment)?;
        Ok(Self { written, ..config })
    }

    fn merge(
        cli: Cli,
        file: file::File,
        path: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let wrong = |key: &str, reason: String| ConfigError::Value {
            file: path.unwrap_or(Path::new("the command line")).to_owned(),
            key: key.to_owned(),
            reason,
        };
        // Paths of the file are relative to it, not to wherever valord was started.
        let here = path.and_then(Path::parent).unwrap_or(Path::new(""));
        let from_file = |path: PathBuf| here.join(path);

        let limits = limits::over(&file.limits, &Limits::default());
        if let Some((key, reason)) = check_limits(&limits).into_iter().next() {
            return Err(wrong(&format!("limits.{key}"), reason));
        }
        let max_instances = match file.max_instances.unwrap_or(MAX_INSTANCES) {
            most @ 1..=MAX_INSTANCES if most >= limits.instances => most,
            most => {
                let least = limits.instances;
                return Err(wrong(
                    "max_instances",
                    format!("{most} is not between {least} and {MAX_INSTANCES}"),
                ));
            }
        };
        let plugin_uids = match file.plugin_uids {
            Some(text) => ranges::parse_uids(&text).map_err(|reason| wrong("plugin_uids", reason))?,
            None => PLUGIN_UIDS,
        };
        let workers = match cli.workers.or(file.workers) {
            Some(workers @ 1..=MAX_WORKERS) => workers,
            Some(other) => {
                return Err(wrong("workers", format!("{other} is not between 1 and {MAX_WORKERS}")));
            }
            None => std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS),
        };
        Ok(Self {
            listen: if cli.listen.is_empty() { file.listen.unwrap_or_default() } else { cli.listen },
            control: match cli.control.or(file.control.path.map(from_file)) {
                Some(path) => path,
                None => environment.control()?,
            },
            control_group: file.control.group.unwrap_or_else(|| "valor".to_owned()),
            state_dir: match cli.state_dir.or(file.state_dir.map(from_file)) {
                Some(path) => path,
                None => environment.state_dir()?,
            },
            log_format: cli.log_format.or(file.log_format).unwrap_or_default(),
            workers,
            shim: cli.shim.or(file.shim.map(from_file)),
            deno: file.deno.map(from_file),
            drain_timeout: cli
                .drain_timeout
                .or(file.drain_timeout)
                .map_or(Duration::from_secs(30), |span| span.0),
            compile_timeout: match file.compile_timeout.map(|span| span.0) {
                None => COMPILE_TIMEOUT,
                Some(some) if !some.is_zero() => some,
                Some(_) => return Err(wrong("compile_timeout", "must be longer than nothing".to_owned())),
            },
            boot_timeout: cli.boot_timeout.or(file.boot_timeout).map_or(BOOT_TIMEOUT, |span| span.0),
            limits,
            max_instances,
            give_up: file.sandbox.give_up,
            front: file.http.settle().map_err(|(key, reason)| wrong(&format!("http.{key}"), reason))?,
            plugin_uids,
            trusted_proxies: ranges::nets(&file.trusted_proxies)
                .map_err(|reason| wrong("trusted_proxies", reason))?,
            allow_private: ranges::nets(&file.egress.allow_private)
                .map_err(|reason| wrong("egress.allow_private", reason))?,
            connect_timeout: file.egress.connect_timeout.map_or(Duration::from_secs(10), |span| span.0),
            plugins: cli.plugins.or(file.plugins.map(from_file)),
            plugin_dir: file.plugin_dir.map(from_file),
            written: Written::default(),
        })
    }
}

/// Where HTTP is served when nothing else is said.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Plugins are back in far less, and clients wait that long.
const BOOT_TIMEOUT: Duration = Duration::from_secs(10);

/// For the largest components: an interpreter of another language has some ten megabytes, each of which takes seconds.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(120);

/// Each has a socket to each worker.
const MAX_INSTANCES: u16 = 64;

/// Each worker has one socket to every process.
const MAX_WORKERS: usize = 256;

/// Above what systems give to people and to containers (`systemd`'s ranges end at 0x6fff_ffff).
const PLUGIN_UIDS: Range<u32> = 0x7000_0000..0x7001_0000;

#[cfg(test)]
mod tests;
