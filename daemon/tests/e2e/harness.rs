//! A daemon in this process, with a state directory of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tonic::transport::Channel;
use valor_control::v1::control_client::ControlClient;
use valor_control::v1::{InspectRequest, InspectResponse, Plugin, UnregisterRequest};
use valord::app::{App, Running};
use valord::config::{Cli, Config, Environment};
use valord::control;
use valord::store::{Store, StoreError};

use crate::artifacts::{built, command};
use crate::client::{self, Answer, Spec};

/// Nothing that is awaited takes this long; a test that waits longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Valord {
    pub(crate) address: SocketAddr,
    pub(crate) control: ControlClient<Channel>,
    running: Running,
    /// Kept as long as the daemon runs, and longer where a test takes it.
    pub(crate) dir: TempDir,
}

pub(crate) fn config(dir: &Path) -> Config {
    let cli = Cli {
        control: Some(dir.join("control.sock")),
        state_dir: Some(dir.join("state")),
        shim: Some(built("valor-shim")),
        workers: Some(2),
        ..Cli::default()
    };
    let config = Config::load(cli, &Environment::default()).unwrap();
    // Not another test's: the processes of one uid are counted together.
    let first = 0x7100_0000 + std::process::id() * 256;
    Config { drain_timeout: Duration::from_secs(10), plugin_uids: first..first + 256, ..config }
}

impl Valord {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut App)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    pub(crate) async fn start_in(dir: TempDir, change: impl FnOnce(&mut App)) -> Self {
        // Plugins have uids of their own, and must reach their files.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        // What an earlier daemon of this process was cut short at lets go of the store a moment after it has stopped.
        let state = dir.path().join("state");
        let free = async {
            while state.exists() && matches!(Store::open(&state), Err(StoreError::Locked { .. })) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, free).await.expect("the state directory stays locked");
        let config = config(dir.path());
        let control = control::bind(&config.control, "no-such-group").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut app = App::new(config, vec![listener], control);
        change(&mut app);
        let running = app.start().await.unwrap();
        let address = running.addresses()[0];
        let control = client::connect(running.control()).await;
        Self { address, control, running, dir }
    }

    /// Ends it gracefully and hands the state directory back.
    pub(crate) async fn stop(self) -> TempDir {
        let Self { running, dir, control, .. } = self;
        drop(control);
        tokio::time::timeout(PATIENCE, running.stop()).await.expect("the daemon does not stop");
        dir
    }

    pub(crate) async fn try_register(&self, spec: Spec) -> Result<Plugin, tonic::Status> {
        let registered = client::register(self.control.clone(), spec);
        let registered = tokio::time::timeout(PATIENCE, registered).await.expect("register does not return");
        registered.map(|response| response.plugin.unwrap())
    }

    #[track_caller]
    pub(crate) fn register(&self, spec: Spec) -> impl Future<Output = Plugin> {
        let at = std::panic::Location::caller();
        async move { self.try_register(spec).await.unwrap_or_else(|status| panic!("{at}: {status}")) }
    }

    pub(crate) async fn unregister(&self, name: &str) -> Result<(), tonic::Status> {
        let request = UnregisterRequest { name: name.to_owned() };
        self.control.clone().unregister(request).await.map(|_| ())
    }

    pub(crate) async fn inspect(&self, name: &str) -> InspectResponse {
        let request = InspectRequest { name: name.to_owned() };
        self.control.clone().inspect(request).await.unwrap().into_inner()
    }

    pub(crate) async fn plugin(&self, name: &str) -> Plugin {
        self.inspect(name).await.plugin.unwrap()
    }

    /// Of all plugins that there are.
    pub(crate) async fn names(&self) -> Vec<String> {
        let list = self.control.clone().list(valor_control::v1::ListRequest {}).await.unwrap();
        list.into_inner().plugins.into_iter().map(|plugin| plugin.name).collect()
    }

    /// The plugin's process.
    pub(crate) async fn pid(&self, name: &str) -> u32 {
        self.inspect(name).await.instances[0].pid
    }

    /// Waits until a plugin is in this state, and returns it.
    pub(crate) async fn until_state(&self, name: &str, state: &str) -> Plugin {
        let mut last = String::new();
        let waiting = async {
            loop {
                let plugin = self.plugin(name).await;
                if plugin.state == state {
                    return plugin;
                }
                last = format!("{}: {}", plugin.state, plugin.reason);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("{name} does not become {state}, but is {last}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        self.attempt(method, path, body).await.unwrap()
    }

    /// Like [`send`](Self::send), where the connection may be cut in mid-answer.
    pub(crate) async fn attempt(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, hyper::Error> {
        let exchange = async {
            client::whole(client::send(self.address, client::request(method, path, body)).await?).await
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| panic!("{method} {path} is not answered"))
    }

    /// The log of a plugin, as text.
    pub(crate) async fn log(&self, name: &str) -> String {
        let lines = self.inspect(name).await.log;
        lines.iter().map(|line| format!("{} {} {}\n", line.stream, line.level, line.message)).collect()
    }

    pub(crate) async fn until_logged(&self, name: &str, text: &str) -> String {
        let waiting = async {
            loop {
                let log = self.log(name).await;
                if log.contains(text) {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        match found {
            Ok(log) => log,
            Err(_) => panic!("{name} never logs {text:?} but\n{}", self.log(name).await),
        }
    }
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    // The first thread may be gone before the others, which hold the descriptors as long as they live.
    let mut states = threads(pid);
    states.next().is_some_and(|state| !matches!(state, b'Z' | b'X') || states.next().is_some())
}

/// The states of a process's threads, each a letter of proc_pid_stat(5), the first thread's first.
pub(crate) fn threads(pid: u32) -> impl Iterator<Item = u8> {
    let mut tasks: Vec<u32> = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    tasks.sort_unstable();
    tasks.into_iter().filter_map(move |task| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/task/{task}/stat")).ok()?;
        Some(stat.rsplit_once(") ")?.1.as_bytes()[0])
    })
}

pub(crate) async fn until_gone(pid: u32) {
    let waiting = async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("process {pid} does not end"));
}

/// Whether this user may make no namespaces, as in one of the runs of `again.rs`.
pub(crate) fn without_namespaces() -> bool {
    let output = command("unshare").args(["--user", "true"]).output().unwrap();
    !nix::unistd::geteuid().is_root() && !output.status.success()
}
