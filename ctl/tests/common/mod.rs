//! A daemon that only pretends, and the real `valorctl` run against it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod terminal;

use std::ffi::OsStr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use tokio_stream::wrappers::UnixListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};
use valor_control::v1;
use valor_control::v1::control_server::{Control, ControlServer};

/// What the daemon was asked to register.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    pub spec: v1::PluginSpec,
    pub bytes: Vec<u8>,
    pub largest: usize,
}

/// What the daemon was asked to change, and the bytes that came with it.
pub type Changes = Arc<Mutex<Vec<(v1::ReplaceSpec, Vec<u8>)>>>;

/// A daemon on a socket in a directory of its own, and where to run `valorctl`.
pub struct Fake {
    pub dir: tempfile::TempDir,
    pub uploads: Arc<Mutex<Vec<Upload>>>,
    pub logs: Arc<Mutex<Vec<v1::LogsRequest>>>,
    hold: Arc<Hold>,
    pub changes: Changes,
    pub asked_events: Arc<Mutex<Vec<v1::EventsRequest>>>,
    /// Dropped with the test: the server ends.
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Fake {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("control.sock")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let service = Service::default();
        let (uploads, logs) = (Arc::clone(&service.uploads), Arc::clone(&service.logs));
        let hold = Arc::clone(&service.hold);
        let (changes, asked_events) = (Arc::clone(&service.changes), Arc::clone(&service.asked_events));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::UnixListener::from_std(listener).unwrap();
                let serve = tonic::transport::Server::builder()
                    .add_service(ControlServer::new(service))
                    .serve_with_incoming(UnixListenerStream::new(listener));
                tokio::select! { _ = serve => {}, _ = stopped => {} }
            });
        });
        Self { dir, uploads, logs, changes, asked_events, hold, _stop: stop }
    }

    /// Waits until an upload named `hold…` has sent its spec; it is read no further.
    pub fn until_held(&self) {
        let held = self.hold.held.lock().unwrap().recv_timeout(std::time::Duration::from_secs(60));
        held.expect("no upload comes");
    }

    /// Goes on with it.
    pub fn release(&self) {
        self.hold.go.notify_one();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        run(self.dir.path(), args, &[("VALOR_CONTROL", self.path("control.sock").to_str().unwrap())])
    }

    pub fn uploads(&self) -> Vec<Upload> {
        self.uploads.lock().unwrap().clone()
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// All of it, for a snapshot.
    pub fn all(&self) -> String {
        let part = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("--- {name}\n{text}") }
        };
        format!("exit {}\n{}{}", self.code, part("stdout", &self.stdout), part("stderr", &self.stderr))
    }

    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{}", self.all());
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The program under test, with nothing of the tester's environment.
pub fn command<S: AsRef<OsStr>>(
    dir: &Path,
    args: impl IntoIterator<Item = S>,
    env: &[(&str, &str)],
) -> Command {
    #[expect(clippy::disallowed_methods, reason = "runs the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_valorctl"));
    command.args(args).current_dir(dir).env_clear().envs(env.iter().copied()).stdin(Stdio::null());
    command
}

pub fn run<S: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = S>, env: &[(&str, &str)]) -> Run {
    finish(dir, command(dir, args, env).output().unwrap())
}

pub fn finish(dir: &Path, output: Output) -> Run {
    let dir = dir.to_str().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(dir, "[DIR]");
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A `valor-shim` that says `json` to `inspect`, whatever it is given.
pub fn shim(dir: &Path, json: &str) -> String {
    script(dir, &format!("[ \"$1\" = inspect ] || exit 9\n/bin/cat <<'END'\n{json}\nEND\n"))
}

/// A `valor-shim` that is this shell script.
pub fn script(dir: &Path, body: &str) -> String {
    let source = dir.join("valor-shim.sh");
    std::fs::write(&source, format!("#!/bin/sh\n{body}")).unwrap();
    let path = dir.join("valor-shim");
    install(&source, &path);
    path.to_str().unwrap().to_owned()
}

/// Copies a program. By another process: while one of ours has it open for writing, a test in another thread that
/// starts a program inherits that for a moment, and to run it would fail with "text file busy".
pub fn install(from: &Path, to: &Path) {
    #[expect(clippy::disallowed_methods, reason = "starts a tool")]
    let status = Command::new("install").args(["-m", "755"]).arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

// ---- the daemon

/// Stops uploads in mid-air.
struct Hold {
    holding: std::sync::mpsc::SyncSender<()>,
    held: Mutex<std::sync::mpsc::Receiver<()>>,
    go: tokio::sync::Notify,
}

impl Default for Hold {
    fn default() -> Self {
        let (holding, held) = std::sync::mpsc::sync_channel(8);
        Self { holding, held: Mutex::new(held), go: tokio::sync::Notify::new() }
    }
}

#[derive(Default)]
struct Service {
    hold: Arc<Hold>,
    uploads: Arc<Mutex<Vec<Upload>>>,
    changes: Changes,
    asked_events: Arc<Mutex<Vec<v1::EventsRequest>>>,
    logs: Arc<Mutex<Vec<v1::LogsRequest>>>,
}

fn plugin(name: &str, prefix: &str, state: &str) -> v1::Plugin {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    v1::Plugin {
        name: name.into(),
        version: "0.1.0".into(),
        prefix: prefix.into(),
        state: state.into(),
        reason: if state == "ready" { String::new() } else { "it crashed\n\x1b[2Jtwice".into() },
        kind: "native".into(),
        sha256: "ab".repeat(32),
        restarts: 2,
        out_of_memory: 1,
        // Three hours and a half ago.
        since_ms: u64::try_from(now.as_millis()).unwrap() - 12_600_000,
        source: "api".into(),
        requests: 1234,
        errors: 5,
        in_flight: 1,
        wanted: 3,
        ready: if state == "ready" { 3 } else { 0 },
        web: public_mode(name).into(),
    }
}

/// How a plugin of this name is published.
fn public_mode(name: &str) -> &'static str {
    match name {
        "public" => "local-with-fallback",
        "listed" => "server",
        _ => "",
    }
}

fn line(time_ms: u64, message: &str) -> v1::LogLine {
    v1::LogLine {
        time_ms,
        stream: "log".into(),
        level: "info".into(),
        target: "hello".into(),
        message: message.into(),
    }
}

fn failure(code: Code, reason: &str, step: &str, message: &str, cure: &str) -> Status {
    let metadata = [("step".to_owned(), step.to_owned()), ("cure".to_owned(), cure.to_owned())];
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, "valor", metadata))
}

/// Names that fail, each in its way.
async fn fate(name: &str) -> Result<(), Status> {
    match name {
        "missing" => {
            Err(failure(Code::NotFound, "NOT_FOUND", "look up", "no plugin `missing`", "see `valorctl list`"))
        }
        "refused" => Err(failure(
            Code::FailedPrecondition,
            "SANDBOX",
            "sandbox",
            "property no-network does not hold: no net namespace",
            "enable unprivileged user namespaces",
        )),
        "broken" => Err(failure(Code::Internal, "CREATE", "create", "on_create panicked\nat line 3", "")),
        "stopping" => Err(Status::unavailable("valord is stopping")),
        "late" => Err(Status::deadline_exceeded("not ready in time")),
        "hang" => std::future::pending().await,
        _ => Ok(()),
    }
}

#[tonic::async_trait]
impl Control for Service {
    async fn register(
        &self,
        request: Request<Streaming<v1::RegisterRequest>>,
    ) -> Result<Response<v1::RegisterResponse>, Status> {
        use v1::register_request::Part;
        let mut parts = request.into_inner();
        let Some(v1::RegisterRequest { part: Some(Part::Spec(spec)) }) = parts.message().await? else {
            return Err(Status::invalid_argument("no spec"));
        };
        fate(&spec.name).await?;
        if spec.name == "taken" && !spec.replace {
            return Err(failure(
                Code::AlreadyExists,
                "NAME_TAKEN",
                "reserve",
                "a plugin named taken exists",
                "take its place with --replace",
            ));
        }
        if spec.name == "fields" {
            let mut details = ErrorDetails::with_bad_request_violation("limits.memory", "less than 16 MiB");
            details.add_bad_request_violation("grants.net", "`x:y` has no port");
            return Err(Status::with_error_details(Code::InvalidArgument, "invalid registration", details));
        }
        if spec.name.starts_with("hold") {
            self.hold.holding.send(()).unwrap();
            self.hold.go.notified().await;
        }
        let mut upload = Upload { spec, ..Upload::default() };
        while let Some(message) = parts.message().await? {
            let Some(Part::Chunk(chunk)) = message.part else {
                return Err(Status::invalid_argument("no chunk"));
            };
            upload.largest = upload.largest.max(chunk.len());
            upload.bytes.extend(chunk);
        }
        let spec = upload.spec.clone();
        self.uploads.lock().unwrap().push(upload);
        let name = if spec.name.is_empty() { "hello" } else { &spec.name };
        let prefix = if spec.prefix.is_empty() { format!("/{name}") } else { spec.prefix };
        let wants = spec.file_name.contains("wants") && !spec.grant_requested;
        Ok(Response::new(v1::RegisterResponse {
            plugin: Some(plugin(name, &prefix, "ready")),
            not_granted: wants
                .then(|| v1::Grants { net: vec!["example.org:443".into()], ..Default::default() }),
            replaced: spec.replace,
        }))
    }

    async fn diff(&self, request: Request<v1::DiffRequest>) -> Result<Response<v1::DiffResponse>, Status> {
        let mut to = request.into_inner().spec.unwrap_or_default();
        fate(&to.name).await?;
        to.limits = Some(v1::Limits { timeout_ms: 5000, total_timeout_ms: Some(0), ..v1::Limits::default() });
        let known = |name: &str| to.name.starts_with(name);
        let mut from = Some(to.clone()).filter(|_| !known("new"));
        if let Some(from) = from.as_mut().filter(|_| known("changed") || known("owned")) {
            from.file_name = "libformer.so".into();
            from.sha256 = "ab".repeat(32);
            from.config = r#"{"who":"Alice","n":1}"#.into();
            from.limits = Some(v1::Limits { timeout_ms: 90_000, ..v1::Limits::default() });
            from.grants = Some(v1::Grants {
                net: vec!["kept.example:443".into(), "gone.example:443".into()],
                env: vec!["TOKEN=\u{202e}secret".into()],
                ..Default::default()
            });
        }
        if let Some(from) = from.as_mut().filter(|_| known("turned")) {
            from.disabled = !to.disabled;
        }
        let source = if known("owned") { "file" } else { "api" };
        let source = if from.is_some() { source } else { "" };
        Ok(Response::new(v1::DiffResponse {
            from,
            stored: to.sha256.starts_with("5555"),
            to: Some(to),
            source: source.into(),
        }))
    }

    async fn export(
        &self,
        request: Request<v1::ExportRequest>,
    ) -> Result<Response<v1::ExportResponse>, Status> {
        let name = request.into_inner().name;
        fate(&name).await?;
        let hostile = if name == "evil" { "\u{202e}" } else { "" };
        let spec = v1::PluginSpec {
            file_name: format!("lib{name}.so"),
            sha256: "ab".repeat(32),
            prefix: format!("/{name}"),
            config: format!(r#"{{"who":"Alice{hostile}","n":[1,2.5,true]}}"#),
            limits: Some(v1::Limits {
                timeout_ms: 30_000,
                idle_timeout_ms: 500,
                total_timeout_ms: Some(0),
                concurrency: 256,
                queue: Some(0),
                instances: 2,
                memory: 512 << 20,
                max_body: Some(0),
                ..v1::Limits::default()
            }),
            grants: Some(v1::Grants { env: vec!["TOKEN=secret".into()], ..Default::default() }),
            probe: "/health".into(),
            disabled: name == "markdown",
            name,
            ..v1::PluginSpec::default()
        };
        Ok(Response::new(v1::ExportResponse { spec: Some(spec), source: "api".into() }))
    }

    async fn reload(&self, _: Request<v1::ReloadRequest>) -> Result<Response<v1::ReloadResponse>, Status> {
        let one = |name: &str, action: &str, error: &str| v1::Reloaded {
            name: name.into(),
            action: action.into(),
            error: error.into(),
        };
        Ok(Response::new(v1::ReloadResponse {
            file: "/etc/valor/plugins.toml".into(),
            plugins: vec![
                one("gone", "unregister", ""),
                one("a", "keep", ""),
                one("b", "replace", ""),
                one("c", "register", ""),
                one("d", "replace", "create: no database; see what it said"),
                one("", "register", "/etc/valor/plugins.toml:7:1: missing field `name`"),
            ],
            restart: vec!["http.max_head".into(), "workers".into()],
        }))
    }

    async fn r#move(&self, request: Request<v1::MoveRequest>) -> Result<Response<v1::MoveResponse>, Status> {
        let places = request.into_inner().places;
        let plugins = places.iter().map(|place| plugin(&place.name, &place.prefix, "ready")).collect();
        Ok(Response::new(v1::MoveResponse { plugins }))
    }

    async fn unregister(
        &self,
        request: Request<v1::UnregisterRequest>,
    ) -> Result<Response<v1::UnregisterResponse>, Status> {
        fate(&request.into_inner().name).await?;
        Ok(Response::new(v1::UnregisterResponse {}))
    }

    async fn list(&self, _: Request<v1::ListRequest>) -> Result<Response<v1::ListResponse>, Status> {
        let plugins = vec![plugin("hello", "/hi", "ready"), plugin("markdown", "/md", "backoff")];
        Ok(Response::new(v1::ListResponse { plugins }))
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        let name = request.into_inner().name;
        fate(&name).await?;
        let state = if name == "hello" { "ready" } else { "quarantined" };
        let layer = |layer: &str, status: &str, reason: &str, verified| v1::Layer {
            layer: layer.into(),
            status: status.into(),
            reason: reason.into(),
            verified,
        };
        Ok(Response::new(v1::InspectResponse {
            plugin: Some(plugin(&name, "/hi", state)),
            config: r#"{"who":"Alice"}"#.into(),
            limits: Some(v1::Limits {
                timeout_ms: 30_000,
                idle_timeout_ms: 500,
                total_timeout_ms: None,
                concurrency: 256,
                queue: Some(1024),
                instances: 1,
                memory: 512 << 20,
                cpu_milli: 500,
                pids: 1024,
                max_body: Some(64 << 20),
            }),
            grants: Some(v1::Grants { net: vec!["example.org:443".into()], ..Default::default() }),
            manifest: r#"{"manifest":1,"name":"hello"}"#.into(),
            instances: vec![v1::Instance {
                index: 0,
                generation: 7,
                pid: 4242,
                state: state.into(),
                started_ms: 1_700_000_000_000,
                sdk: "valor 0.1.0".into(),
                abi: 1,
                reason: String::new(),
                restarts: 2,
            }],
            sandbox: vec![
                layer("seccomp", "full", "", true),
                layer("cgroup", "absent", "no delegated cgroup v2", false),
            ],
            engine: String::new(),
            web: None,
            probe: "/health".into(),
            log: vec![line(1_700_000_000_123, "hello\nfrom \x1b[31mred")],
        }))
    }

    async fn restart(
        &self,
        request: Request<v1::RestartRequest>,
    ) -> Result<Response<v1::RestartResponse>, Status> {
        let v1::RestartRequest { name, no_wait } = request.into_inner();
        fate(&name).await?;
        let state = if no_wait { "starting" } else { "ready" };
        Ok(Response::new(v1::RestartResponse { plugin: Some(plugin(&name, "/hi", state)) }))
    }

    async fn enable(
        &self,
        request: Request<v1::EnableRequest>,
    ) -> Result<Response<v1::EnableResponse>, Status> {
        let v1::EnableRequest { name, no_wait } = request.into_inner();
        fate(&name).await?;
        let state = if no_wait { "starting" } else { "ready" };
        Ok(Response::new(v1::EnableResponse { plugin: Some(plugin(&name, "/hi", state)) }))
    }

    async fn disable(
        &self,
        request: Request<v1::DisableRequest>,
    ) -> Result<Response<v1::DisableResponse>, Status> {
        let v1::DisableRequest { name, no_wait } = request.into_inner();
        fate(&name).await?;
        let state = if no_wait { "draining" } else { "disabled" };
        Ok(Response::new(v1::DisableResponse { plugin: Some(plugin(&name, "/hi", state)) }))
    }

    async fn drain(&self, request: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        let v1::DrainRequest { name, no_wait } = request.into_inner();
        fate(&name).await?;
        let state = if no_wait { "draining" } else { "stopped" };
        Ok(Response::new(v1::DrainResponse { plugin: Some(plugin(&name, "/hi", state)) }))
    }

    async fn replace(
        &self,
        request: Request<Streaming<v1::ReplaceRequest>>,
    ) -> Result<Response<v1::RegisterResponse>, Status> {
        use v1::replace_request::Part;
        let mut parts = request.into_inner();
        let Some(v1::ReplaceRequest { part: Some(Part::Spec(spec)) }) = parts.message().await? else {
            return Err(Status::invalid_argument("no spec"));
        };
        fate(&spec.name).await?;
        let mut bytes = Vec::new();
        while let Some(message) = parts.message().await? {
            let Some(Part::Chunk(chunk)) = message.part else {
                return Err(Status::invalid_argument("no chunk"));
            };
            bytes.extend(chunk);
        }
        if spec.name == "silent" {
            let metadata = [
                ("step".to_owned(), "probe".to_owned()),
                ("cure".to_owned(), "see `valorctl logs`".to_owned()),
                ("output".to_owned(), "no database\n\x1b[2Jgiving up".to_owned()),
            ];
            let details = ErrorDetails::with_error_info("PLUGIN_FAILED", "valor", metadata);
            let message = "it has answered the probe with 500, where 2xx was expected";
            return Err(Status::with_error_details(Code::Unknown, message, details));
        }
        let plugin = plugin(&spec.name, "/hi", "ready");
        self.changes.lock().unwrap().push((spec, bytes));
        let wants = v1::Grants { net: vec!["example.org:443".into()], ..Default::default() };
        Ok(Response::new(v1::RegisterResponse {
            plugin: Some(plugin),
            not_granted: Some(wants),
            replaced: true,
        }))
    }

    type EventsStream = Pin<Box<dyn Stream<Item = Result<v1::Event, Status>> + Send>>;
    type BundleStream = Pin<Box<dyn Stream<Item = Result<v1::BundlePart, Status>> + Send>>;

    async fn events(
        &self,
        request: Request<v1::EventsRequest>,
    ) -> Result<Response<Self::EventsStream>, Status> {
        let request = request.into_inner();
        self.asked_events.lock().unwrap().push(request.clone());
        let by = Some(v1::Caller { uid: 1000, pid: 77 });
        let event = |serial, state: &str, cause: &str, detail: &str| v1::Event {
            time_ms: 1_700_000_000_000 + serial,
            serial,
            plugin: "hello".into(),
            state: state.into(),
            cause: cause.into(),
            detail: detail.into(),
            ..v1::Event::default()
        };
        let events = [
            v1::Event { by, ..event(1, "ready", "operator", "replace") },
            v1::Event {
                instance: Some(0),
                generation: 7,
                pid: 4242,
                signal: Some(11),
                ..event(2, "backoff", "signal", "it was ended by signal 11 (SIGSEGV)\x1b[2J")
            },
            v1::Event { time_ms: 1_700_000_000_003, missed: 9, ..v1::Event::default() },
            event(13, "stopped", "shutdown", ""),
        ];
        let events = tokio_stream::iter(events.map(Ok));
        Ok(Response::new(if request.names.iter().any(|name| name == "stalls") {
            Box::pin(events.chain(tokio_stream::pending()))
        } else {
            Box::pin(events)
        }))
    }

    type LogsStream = Pin<Box<dyn Stream<Item = Result<v1::LogLine, Status>> + Send>>;

    async fn logs(&self, request: Request<v1::LogsRequest>) -> Result<Response<Self::LogsStream>, Status> {
        let request = request.into_inner();
        fate(&request.name).await?;
        self.logs.lock().unwrap().push(request.clone());
        let lines =
            tokio_stream::iter([Ok(line(1_700_000_000_000, "one")), Ok(line(1_700_000_001_000, "two\x07"))]);
        match request.name.as_str() {
            "cut" => {
                Ok(Response::new(Box::pin(lines.chain(tokio_stream::once(Err(Status::internal("gone")))))))
            }
            "stalls" => Ok(Response::new(Box::pin(lines.chain(tokio_stream::pending())))),
            _ => Ok(Response::new(Box::pin(lines))),
        }
    }

    async fn routes(&self, _: Request<v1::RoutesRequest>) -> Result<Response<v1::RoutesResponse>, Status> {
        let route = |prefix: &str, plugin: &str, state: &str| v1::Route {
            prefix: prefix.into(),
            plugin: plugin.into(),
            state: state.into(),
        };
        Ok(Response::new(v1::RoutesResponse {
            routes: vec![route("/hi/deep", "markdown", "backoff"), route("/hi", "hello", "ready")],
        }))
    }

    async fn bundle(&self, _: Request<v1::BundleRequest>) -> Result<Response<Self::BundleStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::iter(bundle().into_iter().map(Ok)))))
    }

    async fn info(&self, _: Request<v1::InfoRequest>) -> Result<Response<v1::InfoResponse>, Status> {
        Ok(Response::new(v1::InfoResponse {
            version: "0.1.0".into(),
            protocol: 1,
            abi: 1,
            pid: 99,
            started_ms: 1_700_000_000_000,
            listen: vec!["127.0.0.1:8080".into()],
            control: "/run/valor/control.sock".into(),
            state_dir: "/var/lib/valor".into(),
            workers: 2,
            plugins: 2,
            sandbox: vec![v1::Layer {
                layer: "user-namespace".into(),
                status: "full".into(),
                ..Default::default()
            }],
            policy: vec!["no-new-privs".into(), "seccomp".into()],
        }))
    }
}

/// Two files that valord publishes.
fn bundle() -> Vec<v1::BundlePart> {
    use sha2::Digest as _;
    use v1::bundle_part::Part;
    let file = |path: &str, bytes: &[u8]| {
        let sha256 = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let header = v1::Header { name: "cache-control".into(), value: "no-cache".into() };
        let file =
            v1::BundleFile { path: path.into(), size: bytes.len() as u64, sha256, headers: vec![header] };
        [Part::File(file), Part::Chunk(bytes.to_vec())].map(|part| v1::BundlePart { part: Some(part) })
    };
    [file("_valor/manifest.json", b"{\"version\":1}"), file("sw.js", b"import \"/_valor/sw.js\";\n")].concat()
}
