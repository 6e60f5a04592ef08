//! One entry: everything that `register` knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Engine;
use crate::kind::Kind;
use crate::units::{Cores, Size, Span};
use crate::web::Mode;
use crate::{name, prefix, probe, v1};

/// A plugin as it is wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Lower-case letters, digits, `-`, `_` and `.`; unique in the file.
    pub name: String,
    /// What the artifact is said to be; by default whatever its content says.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// What runs JavaScript: by default what the manifest says, else quickjs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The plugin: a file, from the plugins file's own directory; or a library's name, `hello` for `libhello.so`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Of the plugin's content. What valord keeps already is not read again; a file at `path` must have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where it answers; by default a slash and the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Each process must answer GET of this path with 2xx before it gets a client's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// Registered, and without processes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// Also grant what its manifest asks for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grant_requested: bool,
    /// Its configuration as JSON in a string, for what TOML cannot say; in place of `config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_json: Option<String>,
    /// What it may use.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// What it may reach.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grants: Grants,
    /// What of it is published to browsers; without it nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub config: Value,
}

/// What browsers get of a plugin: its code, and this. All of it is public.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Where it answers.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// The same as `config`, as JSON in a string, for what TOML cannot say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_json: Option<String>,
    /// Its configuration there; the other one stays on the server.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub config: Value,
}

/// What a plugin may use. Every one may be left out, and is valord's default then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// From a request to its response head, time in the queue included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Between two parts of a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Span>,
    /// For the whole exchange; 0: none, so that streams may live on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_timeout: Option<Span>,
    /// Requests at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Requests that wait; beyond them 503.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// Processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u16>,
    /// Memory of one process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Of a core for one process, such as 0.5 or 2; without it what there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cores>,
    /// Threads and processes at once, of one process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// The largest request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body: Option<Size>,
}

/// Grants as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// Where `fetch` may go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub net: Vec<String>,
    /// Paths to read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Directories to write to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
    /// `NAME=VALUE`, or `NAME` for the daemon's own value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

impl Entry {
    /// Checks what both ends know of, and fills the prefix in. Errors are pairs of key and reason.
    pub(super) fn check(&mut self) -> Result<(), (String, String)> {
        let at = |key: &str, reason: String| (format!(".{key}"), reason);
        name::check(&self.name)
            .map_err(|reason| at("name", format!("{:?} is not allowed: {reason}", self.name)))?;
        let given = self.prefix.take().unwrap_or_else(|| format!("/{}", self.name));
        let kept = prefix::check(&given).map_err(|reason| at("prefix", format!("{given:?} {reason}")))?;
        self.prefix = Some(kept);
        if let Some(path) = &self.probe {
            probe::check(path).map_err(|reason| at("probe", format!("{path:?} {reason}")))?;
        }
        match (&self.path, &self.sha256) {
            (None, None) => return Err((String::new(), "missing field `path`".to_owned())),
            (_, Some(hash)) if !is_hash(hash) => {
                return Err(at("sha256", format!("{hash:?} is not 64 lower-case hexadecimal digits")));
            }
            _ => {}
        }
        take_json(&mut self.config_json, &mut self.config).map_err(|reason| at("config_json", reason))?;
        if let Some(web) = &mut self.web {
            take_json(&mut web.config_json, &mut web.config)
                .map_err(|reason| at("web.config_json", reason))?;
        }
        // On the way to valord 0 means that nothing is said.
        let zeros = [
            ("timeout", self.limits.timeout.is_some_and(|span| span.0.is_zero())),
            ("idle_timeout", self.limits.idle_timeout.is_some_and(|span| span.0.is_zero())),
            ("concurrency", self.limits.concurrency == Some(0)),
            ("instances", self.limits.instances == Some(0)),
            ("memory", self.limits.memory == Some(Size(0))),
        ];
        match zeros.iter().find(|(_, is_zero)| *is_zero) {
            Some((key, _)) => {
                Err(at(&format!("limits.{key}"), "0 is too little: leave it out for the default".into()))
            }
            None => Ok(()),
        }
    }

    /// The message, without the artifact's name and size.
    #[must_use]
    pub fn spec(&self) -> v1::PluginSpec {
        v1::PluginSpec {
            name: self.name.clone(),
            kind: self.kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            engine: self.engine.map(|engine| engine.as_str().to_owned()).unwrap_or_default(),
            sha256: self.sha256.clone().unwrap_or_default(),
            prefix: self.prefix.clone().unwrap_or_default(),
            config: written(&self.config),
            limits: Some(v1::Limits::from(&self.limits)),
            grants: Some(self.grants.clone().into()),
            grant_requested: self.grant_requested,
            probe: self.probe.clone().unwrap_or_default(),
            disabled: self.disabled,
            web: self
                .web
                .as_ref()
                .map(|web| v1::Web { mode: web.mode.as_str().to_owned(), config: written(&web.config) }),
            ..v1::PluginSpec::default()
        }
    }
}

/// What valord says is registered.
impl From<v1::PluginSpec> for Entry {
    fn from(spec: v1::PluginSpec) -> Self {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            name: spec.name,
            kind: Kind::ALL.into_iter().find(|kind| kind.as_str() == spec.kind),
            engine: spec.engine.parse().ok(),
            path: given(spec.file_name),
            sha256: given(spec.sha256),
            prefix: given(spec.prefix),
            probe: given(spec.probe),
            disabled: spec.disabled,
            grant_requested: spec.grant_requested,
            config_json: None,
            limits: spec.limits.map(Limits::from).unwrap_or_default(),
            grants: spec.grants.map(Grants::from).unwrap_or_default(),
            web: spec.web.map(|web| Web {
                mode: web.mode.parse().unwrap_or_default(),
                config_json: None,
                config: read(web.config),
            }),
            config: read(spec.config),
        }
    }
}

/// Null is nothing.
fn written(config: &Value) -> String {
    if config.is_null() { String::new() } else { config.to_string() }
}

fn read(text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// A configuration that is written as a string takes its place.
fn take_json(text: &mut Option<String>, config: &mut Value) -> Result<(), String> {
    let Some(text) = text.take() else { return Ok(()) };
    if !config.is_null() {
        return Err("stands beside `config`: leave one of them out".to_owned());
    }
    *config = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(())
}

impl From<&Limits> for v1::Limits {
    fn from(limits: &Limits) -> Self {
        // What is too long for the message is too long for the daemon.
        let millis = |span: Span| u32::try_from(span.0.as_millis()).unwrap_or(u32::MAX);
        Self {
            timeout_ms: limits.timeout.map_or(0, millis),
            idle_timeout_ms: limits.idle_timeout.map_or(0, millis),
            total_timeout_ms: limits.total_timeout.map(millis),
            concurrency: limits.concurrency.unwrap_or(0),
            queue: limits.queue,
            instances: limits.instances.unwrap_or(0).into(),
            memory: limits.memory.map_or(0, |size| size.0),
            cpu_milli: limits.cpu.map_or(0, |cores| cores.0),
            pids: limits.pids.unwrap_or(0),
            max_body: limits.max_body.map(|size| size.0),
        }
    }
}

impl From<v1::Limits> for Limits {
    fn from(limits: v1::Limits) -> Self {
        let span = |millis: u32| Span(std::time::Duration::from_millis(millis.into()));
        let said = |millis: u32| Some(span(millis)).filter(|_| millis > 0);
        Self {
            timeout: said(limits.timeout_ms),
            idle_timeout: said(limits.idle_timeout_ms),
            total_timeout: limits.total_timeout_ms.map(span),
            concurrency: Some(limits.concurrency).filter(|&n| n > 0),
            queue: limits.queue,
            instances: u16::try_from(limits.instances).ok().filter(|&n| n > 0),
            memory: Some(Size(limits.memory)).filter(|size| size.0 > 0),
            cpu: Some(Cores(limits.cpu_milli)).filter(|cores| cores.0 > 0),
            pids: Some(limits.pids).filter(|&n| n > 0),
            max_body: limits.max_body.map(Size),
        }
    }
}

impl From<Grants> for v1::Grants {
    fn from(Grants { net, read, write, env }: Grants) -> Self {
        Self { net, read, write, env }
    }
}

impl From<v1::Grants> for Grants {
    fn from(v1::Grants { net, read, write, env }: v1::Grants) -> Self {
        Self { net, read, write, env }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
