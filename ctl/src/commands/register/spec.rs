//! The options of `register`, checked before a daemon is needed.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use valor_control::MAX_CONFIG;
use valor_control::engine::Engine;
use valor_control::v1::{Grants, Limits, PluginSpec, ReplaceSpec};

use super::publish::WebArgs;
use crate::exit::{Exit, Failure};
use crate::units;

/// What the plugin is called and may do.
#[derive(Debug, clap::Args)]
pub(crate) struct SpecArgs {
    /// What it is called [default: the manifest's name, else the file's without `lib`]
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Take the place of the plugin of this name; what is not named is the default again (see `replace`)
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What it may do, and where it answers.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Where it answers, for example /foo [default of a new plugin: / and the name]
    #[arg(long, value_name = "PATH", value_parser = valor_control::prefix::check)]
    prefix: Option<String>,
    /// Its configuration: JSON, or @FILE with JSON
    #[arg(long, value_name = "JSON|@FILE", value_parser = OsStringValueParser::new().try_map(config))]
    config: Option<String>,
    /// What runs JavaScript: quickjs, deno or auto [default: what its manifest says, else quickjs]
    #[arg(long, value_name = "ENGINE", value_parser = |word: &str| word.parse::<Engine>())]
    engine: Option<Engine>,
    /// Each process must answer GET of this path, as the plugin sees it, with 2xx before it gets a client's request
    #[arg(long, value_name = "PATH", value_parser = valor_control::probe::check)]
    probe: Option<String>,

    /// From the request to the head of its answer, time in the queue included
    #[arg(long, value_name = "TIME", value_parser = units::millis, help_heading = "Limits")]
    timeout: Option<u32>,
    /// Between two parts of a body
    #[arg(long, value_name = "TIME", value_parser = units::millis, help_heading = "Limits")]
    idle_timeout: Option<u32>,
    /// For the whole answer; 0: it may take for ever
    #[arg(long, value_name = "TIME", value_parser = units::millis_or_none, help_heading = "Limits")]
    total_timeout: Option<u32>,
    /// Requests at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    concurrency: Option<u32>,
    /// Requests that may wait for one of those; 0: none waits
    #[arg(long, value_name = "N", help_heading = "Limits")]
    queue: Option<u32>,
    /// Processes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    instances: Option<u32>,
    /// Memory of a process, for example 512M or 1G
    #[arg(long, value_name = "SIZE", value_parser = valor_control::units::size, help_heading = "Limits")]
    memory: Option<u64>,
    /// Of a core for a process, for example 0.5 or 2
    #[arg(long, value_name = "CORES", value_parser = valor_control::units::cores, help_heading = "Limits")]
    cpu: Option<u32>,
    /// Threads and processes at once, of a process
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pids: Option<u32>,
    /// The largest request body, for example 64M; 0: no bodies
    #[arg(long, value_name = "SIZE", value_parser = valor_control::units::size, help_heading = "Limits")]
    max_body: Option<u64>,

    /// Let its fetch reach host:port, host, *.example.org:443 or 10.0.0.0/8:5432 (repeatable)
    #[arg(long, value_name = "TARGET", help_heading = "Grants")]
    allow_net: Vec<String>,
    /// Let it read a file or directory (repeatable)
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, help_heading = "Grants")]
    allow_read: Vec<PathBuf>,
    /// Let it write to a directory (repeatable)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Grants")]
    allow_write: Vec<PathBuf>,
    /// Give it an environment variable, NAME=VALUE, or NAME for valord's own (repeatable)
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    allow_env: Vec<String>,
    /// Also grant what its manifest asks for
    #[arg(long, help_heading = "Grants")]
    grant_requested: bool,

    #[command(flatten)]
    pub(in crate::commands) web: WebArgs,
}

impl SpecArgs {
    /// The message, but for the artifact's hash and size.
    pub(super) fn into_spec(self, file: &Path) -> Result<(PluginSpec, WebArgs), Failure> {
        let spec = PluginSpec {
            name: self.name.unwrap_or_default(),
            file_name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: String::new(),
            size: 0,
            limits: Some(self.settings.limits()),
            grants: Some(self.settings.grants()?),
            grant_requested: self.settings.grant_requested,
            replace: self.replace,
            prefix: self.settings.prefix.unwrap_or_default(),
            config: self.settings.config.unwrap_or_default(),
            probe: self.settings.probe.unwrap_or_default(),
            disabled: false,
            stored: false,
            kind: String::new(),
            engine: engine(self.settings.engine),
            web: self.settings.web.web(),
        };
        Ok((spec, self.settings.web))
    }
}

impl Settings {
    /// The path of the probe, if one is named.
    pub(in crate::commands) fn probe(&self) -> Option<String> {
        self.probe.clone()
    }

    /// What is named, without name, artifact and probe.
    pub(in crate::commands) fn into_change(self) -> Result<ReplaceSpec, Failure> {
        Ok(ReplaceSpec {
            limits: Some(self.limits()),
            grants: Some(self.grants()?),
            grant_requested: self.grant_requested,
            prefix: self.prefix.unwrap_or_default(),
            config: self.config.unwrap_or_default(),
            web: self.web.web(),
            engine: engine(self.engine),
            ..ReplaceSpec::default()
        })
    }

    /// 0 where nothing is said.
    fn limits(&self) -> Limits {
        Limits {
            timeout_ms: self.timeout.unwrap_or(0),
            idle_timeout_ms: self.idle_timeout.unwrap_or(0),
            total_timeout_ms: self.total_timeout,
            concurrency: self.concurrency.unwrap_or(0),
            queue: self.queue,
            instances: self.instances.unwrap_or(0),
            memory: self.memory.unwrap_or(0),
            cpu_milli: self.cpu.unwrap_or(0),
            pids: self.pids.unwrap_or(0),
            max_body: self.max_body,
        }
    }

    fn grants(&self) -> Result<Grants, Failure> {
        Ok(Grants {
            net: self.allow_net.clone(),
            read: absolutes(&self.allow_read)?,
            write: absolutes(&self.allow_write)?,
            env: self.allow_env.clone(),
        })
    }
}

/// Empty where nothing is said.
fn engine(engine: Option<Engine>) -> String {
    engine.map(|engine| engine.to_string()).unwrap_or_default()
}

fn absolutes(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    paths.iter().map(|path| absolute(path)).collect()
}

/// Paths are meant from here, and valord runs elsewhere.
fn absolute(path: &Path) -> Result<String, Failure> {
    let bad = |why: &str| Failure::new(Exit::Usage, format!("grants: {}: {why}", path.display()));
    let absolute = std::path::absolute(path).map_err(|error| bad(&error.to_string()))?;
    absolute.into_os_string().into_string().map_err(|_| bad("the path is not UTF-8"))
}

pub(in crate::commands) fn name(text: &str) -> Result<String, &'static str> {
    valor_control::name::check(text).map(|()| text.to_owned())
}

/// A file, a pipe from a shell, or a device without end: not much more than a configuration may have.
fn read(file: &str) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(MAX_CONFIG as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

pub(super) fn config(text: OsString) -> Result<String, String> {
    let text = text.into_string().map_err(|_| "not UTF-8")?;
    let json = match text.strip_prefix('@') {
        Some(file) => read(file).map_err(|error| format!("read {file}: {error}"))?,
        None => text,
    };
    if json.len() > MAX_CONFIG {
        return Err(format!(
            "more than {MAX_CONFIG} bytes; put large data in a file and grant it with --allow-read"
        ));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(&json) {
        Ok(_) => Ok(json),
        Err(error) => Err(format!("not JSON ({error}); text is written as '\"text\"', a file as @FILE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_configurations() {
        for good in ["a", "hello-2", "0x.y_z"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", "A", ".a", "-a", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
        for good in ["\"Alice\"", "{\"a\":[1]}", "null", " 1 "] {
            assert_eq!(config(good.into()), Ok(good.to_owned()));
        }
        let long = format!("\"{}\"", "x".repeat(MAX_CONFIG));
        assert!(config(long.into()).unwrap_err().contains("more than 524288 bytes"));
        assert!(config("@/dev/zero".into()).unwrap_err().contains("more than 524288 bytes"));
        for bad in ["Alice", "", "{", "{} {}", "@/no/such/file"] {
            assert!(config(bad.into()).is_err(), "{bad}");
        }
    }
}
