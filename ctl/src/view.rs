//! The JSON that `-o json` prints: the messages of the control API with snake-case names.

use serde::Serialize;
use serde_json::Value;
use valor_control::plugins::Change;
use valor_control::v1;

/// A plugin, also a part of other objects.
#[derive(Debug, Serialize)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    version: String,
    pub(crate) prefix: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    kind: String,
    sha256: String,
    restarts: u64,
    out_of_memory: u64,
    since_ms: u64,
    source: String,
    requests: u64,
    errors: u64,
    in_flight: u32,
    wanted: u32,
    ready: u32,
    /// The mode in which it is published; not there: it is not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) web: String,
}

impl Plugin {
    /// What is said of one that is public.
    pub(crate) fn published(&self) -> String {
        match &*self.web {
            "server" => format!("{} is listed in /_valor/manifest.json, without its code", self.name),
            _ => format!("{}: its code and web configuration are public, see /_valor/", self.name),
        }
    }
}

impl From<v1::Plugin> for Plugin {
    fn from(p: v1::Plugin) -> Self {
        Self {
            name: p.name,
            version: p.version,
            prefix: p.prefix,
            state: p.state,
            reason: p.reason,
            kind: p.kind,
            sha256: p.sha256,
            restarts: p.restarts,
            out_of_memory: p.out_of_memory,
            since_ms: p.since_ms,
            source: p.source,
            requests: p.requests,
            errors: p.errors,
            in_flight: p.in_flight,
            wanted: p.wanted,
            ready: p.ready,
            web: p.web,
        }
    }
}

/// What `inspect` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Detail {
    #[serde(flatten)]
    plugin: Plugin,
    config: Value,
    /// What is published of it besides its code; not there: nothing is.
    #[serde(skip_serializing_if = "Value::is_null")]
    web_config: Value,
    /// What runs JavaScript, where it was asked for; not there: it was not.
    #[serde(skip_serializing_if = "String::is_empty")]
    engine: String,
    /// `null`: none.
    probe: Option<String>,
    limits: Limits,
    grants: Grants,
    manifest: Value,
    instances: Vec<Instance>,
    sandbox: Vec<Layer>,
    log: Vec<LogLine>,
}

impl From<v1::InspectResponse> for Detail {
    fn from(r: v1::InspectResponse) -> Self {
        Self {
            plugin: r.plugin.unwrap_or_default().into(),
            config: json(r.config),
            web_config: json(r.web.unwrap_or_default().config),
            engine: r.engine,
            probe: Some(r.probe).filter(|path| !path.is_empty()),
            limits: r.limits.unwrap_or_default().into(),
            grants: r.grants.unwrap_or_default().into(),
            manifest: json(r.manifest),
            instances: r.instances.into_iter().map(Instance::from).collect(),
            sandbox: r.sandbox.into_iter().map(Layer::from).collect(),
            log: r.log.into_iter().map(LogLine::from).collect(),
        }
    }
}

/// What `register` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Registered {
    #[serde(flatten)]
    pub(crate) plugin: Plugin,
    pub(crate) replaced: bool,
    pub(crate) not_granted: Grants,
}

/// What `apply` has done with a plugin, or `diff` has found.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) action: &'static str,
    /// Who owns what is there; empty: nothing is.
    pub(crate) source: String,
    pub(crate) done: bool,
    pub(crate) changes: Vec<Change>,
    pub(crate) error: Option<String>,
}

/// What `reload` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Reload {
    /// `null`: there is none.
    file: Option<String>,
    plugins: Vec<Reloaded>,
    restart: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Reloaded {
    name: String,
    action: String,
    error: Option<String>,
}

impl From<v1::ReloadResponse> for Reload {
    fn from(r: v1::ReloadResponse) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let plugin = |p: v1::Reloaded| Reloaded { name: p.name, action: p.action, error: some(p.error) };
        Self { file: some(r.file), plugins: r.plugins.into_iter().map(plugin).collect(), restart: r.restart }
    }
}

/// A plugin's limits.
#[derive(Debug, Serialize)]
struct Limits {
    timeout_ms: u32,
    idle_timeout_ms: u32,
    /// `null`: none.
    total_timeout_ms: Option<u32>,
    concurrency: u32,
    queue: u32,
    instances: u32,
    memory: u64,
    /// `null`: what there is.
    cpu_milli: Option<u32>,
    pids: u32,
    max_body: u64,
}

impl From<v1::Limits> for Limits {
    fn from(l: v1::Limits) -> Self {
        Self {
            timeout_ms: l.timeout_ms,
            idle_timeout_ms: l.idle_timeout_ms,
            total_timeout_ms: l.total_timeout_ms.filter(|&ms| ms > 0),
            concurrency: l.concurrency,
            queue: l.queue(),
            instances: l.instances,
            memory: l.memory,
            cpu_milli: Some(l.cpu_milli).filter(|&cpu| cpu > 0),
            pids: l.pids,
            max_body: l.max_body(),
        }
    }
}

/// What a plugin may reach.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Grants {
    pub(crate) net: Vec<String>,
    pub(crate) read: Vec<String>,
    pub(crate) write: Vec<String>,
    pub(crate) env: Vec<String>,
}

impl Grants {
    /// As the options that would give them.
    pub(crate) fn options(&self) -> Vec<String> {
        let kinds = [("net", &self.net), ("read", &self.read), ("write", &self.write), ("env", &self.env)];
        kinds
            .iter()
            .flat_map(|(kind, list)| list.iter().map(move |item| format!("--allow-{kind} {item}")))
            .collect()
    }
}

impl From<v1::Grants> for Grants {
    fn from(g: v1::Grants) -> Self {
        Self { net: g.net, read: g.read, write: g.write, env: g.env }
    }
}

#[derive(Debug, Serialize)]
struct Instance {
    index: u32,
    generation: u64,
    pid: u32,
    state: String,
    started_ms: u64,
    sdk: String,
    abi: u32,
    reason: String,
    restarts: u64,
}

impl From<v1::Instance> for Instance {
    fn from(i: v1::Instance) -> Self {
        Self {
            index: i.index,
            generation: i.generation,
            pid: i.pid,
            state: i.state,
            started_ms: i.started_ms,
            sdk: i.sdk,
            abi: i.abi,
            reason: i.reason,
            restarts: i.restarts,
        }
    }
}

#[derive(Debug, Serialize)]
struct Layer {
    layer: String,
    status: String,
    reason: String,
    verified: bool,
}

impl From<v1::Layer> for Layer {
    fn from(l: v1::Layer) -> Self {
        Self { layer: l.layer, status: l.status, reason: l.reason, verified: l.verified }
    }
}

/// A line of a plugin's log.
#[derive(Debug, Serialize)]
pub(crate) struct LogLine {
    time_ms: u64,
    stream: String,
    level: String,
    target: String,
    message: String,
}

impl From<v1::LogLine> for LogLine {
    fn from(l: v1::LogLine) -> Self {
        Self { time_ms: l.time_ms, stream: l.stream, level: l.level, target: l.target, message: l.message }
    }
}

/// A change of a plugin's state.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Change {
        time_ms: u64,
        serial: u64,
        plugin: String,
        /// `null`: of the plugin as a whole.
        instance: Option<u32>,
        generation: Option<u64>,
        pid: Option<u32>,
        state: String,
        cause: String,
        exit_code: Option<i32>,
        signal: Option<i32>,
        detail: String,
        /// `null`: nobody.
        by: Option<Caller>,
    },
    /// So many are left out before the next.
    Gap { time_ms: u64, missed: u64 },
}

#[derive(Debug, Serialize)]
pub(crate) struct Caller {
    uid: u32,
    pid: Option<u32>,
}

impl From<v1::Event> for Event {
    fn from(e: v1::Event) -> Self {
        if e.missed > 0 {
            return Self::Gap { time_ms: e.time_ms, missed: e.missed };
        }
        let pid = |pid: u32| Some(pid).filter(|&pid| pid > 0);
        Self::Change {
            time_ms: e.time_ms,
            serial: e.serial,
            plugin: e.plugin,
            instance: e.instance,
            generation: Some(e.generation).filter(|&generation| generation > 0),
            pid: pid(e.pid),
            state: e.state,
            cause: e.cause,
            exit_code: e.exit_code,
            signal: e.signal,
            detail: e.detail,
            by: e.by.map(|by| Caller { uid: by.uid, pid: pid(by.pid) }),
        }
    }
}

/// A row of the routing table.
#[derive(Debug, Serialize)]
pub(crate) struct Route {
    prefix: String,
    plugin: String,
    state: String,
}

impl From<v1::Route> for Route {
    fn from(r: v1::Route) -> Self {
        Self { prefix: r.prefix, plugin: r.plugin, state: r.state }
    }
}

/// The daemon.
#[derive(Debug, Serialize)]
pub(crate) struct Info {
    version: String,
    protocol: u32,
    abi: u32,
    pid: u32,
    started_ms: u64,
    listen: Vec<String>,
    control: String,
    state_dir: String,
    workers: u32,
    plugins: u32,
    sandbox: Vec<Layer>,
    policy: Vec<String>,
}

impl From<v1::InfoResponse> for Info {
    fn from(i: v1::InfoResponse) -> Self {
        Self {
            version: i.version,
            protocol: i.protocol,
            abi: i.abi,
            pid: i.pid,
            started_ms: i.started_ms,
            listen: i.listen,
            control: i.control,
            state_dir: i.state_dir,
            workers: i.workers,
            plugins: i.plugins,
            sandbox: i.sandbox.into_iter().map(Layer::from).collect(),
            policy: i.policy,
        }
    }
}

/// Text that should be JSON; as text where it is not.
fn json(text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
