//! The real `valord`: signals, exit codes, and what it leaves behind.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tonic::transport::Channel;
use valor_control::v1::control_client::ControlClient;
use valor_control::v1::{InspectRequest, ListRequest};

use crate::artifacts::{built, command};
use crate::client::{self, Spec};
use crate::harness::{PATIENCE, until_gone};

/// Killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) control: ControlClient<Channel>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended, which is what the test wanted.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// One that every user may enter.
pub(crate) fn directory() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    dir
}

pub(crate) fn valord(control: &Path, state: &Path) -> std::process::Command {
    valord_by(command(built("valord")), control, state)
}

/// By way of a program that becomes valord.
pub(crate) fn valord_by(
    mut command: std::process::Command,
    control: &Path,
    state: &Path,
) -> std::process::Command {
    command.args(["--listen", "127.0.0.1:0", "--drain-timeout", "5s", "--control"]).arg(control);
    command.arg("--state-dir").arg(state).env("VALOR_LOG", "info").env("NO_COLOR", "1");
    command.stderr(Stdio::piped()).stdin(Stdio::null());
    command
}

impl Daemon {
    pub(crate) async fn start(dir: &Path) -> Self {
        Self::run(valord(&dir.join("control.sock"), &dir.join("state")), dir).await
    }

    pub(crate) async fn run(command: std::process::Command, dir: &Path) -> Self {
        Self::try_run(command, dir).await.expect("valord does not start")
    }

    /// `Err`: it has ended before it served.
    pub(crate) async fn try_run(
        mut command: std::process::Command,
        dir: &Path,
    ) -> Result<Self, std::process::ExitStatus> {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        // Its log ends when it does, so this ends, too.
        for line in lines.by_ref().map(Result::unwrap) {
            if let Some((_, text)) = line.split_once("serving http://") {
                address = text.trim().parse().ok();
            }
            if line.contains("ready control=") {
                break;
            }
        }
        let Some(address) = address else { return Err(child.wait().unwrap()) };
        std::thread::spawn(move || lines.for_each(drop));
        let control = client::connect(&dir.join("control.sock")).await;
        Ok(Self { child, address, control })
    }

    /// What it was given as stdin and stdout.
    pub(crate) fn pipes(&mut self) -> (ChildStdin, ChildStdout) {
        (self.child.stdin.take().unwrap(), self.child.stdout.take().unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All processes below it.
    pub(crate) fn processes(&self) -> Vec<u32> {
        descendants(self.pid())
    }

    /// Waits until there are these and no others: what was given up may end a moment after the answer.
    pub(crate) async fn until_processes(&self, expected: &[u32]) {
        let waiting = async {
            while self.processes() != expected {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            assert_eq!(self.processes(), expected, "a process stays behind");
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) async fn end(&mut self) -> std::process::ExitStatus {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("valord does not end")
    }
}

/// All processes below one.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut found = Vec::new();
    for child in children.split_whitespace().map(|pid| pid.parse().unwrap()) {
        found.push(child);
        found.extend(descendants(child));
    }
    found
}

/// The parent of a process.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn kill_9_leaves_no_process_behind() {
    let dir = directory();
    let mut daemon = Daemon::start(dir.path()).await;
    for name in ["one", "two"] {
        client::register(daemon.control.clone(), Spec::new(built("libhello_c_plugin.so"), name))
            .await
            .unwrap();
    }
    let spinning = client::send(daemon.address, client::request("GET", "/one", ""));
    assert_eq!(spinning.await.unwrap().status(), 200);
    let below = daemon.processes();
    assert!(below.len() >= 6, "outer process, init and plugin, twice: {below:?}");
    daemon.signal(Signal::SIGKILL);
    daemon.end().await;
    for pid in below {
        until_gone(pid).await;
    }

    // And the next one starts over the rest: a stale socket, a stale lock.
    let daemon = Daemon::start(dir.path()).await;
    let plugins = daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
    assert_eq!(plugins.iter().map(|plugin| &*plugin.name).collect::<Vec<_>>(), ["one", "two"]);
}

#[tokio::test]
async fn sigterm_is_a_graceful_end() {
    let dir = directory();
    let mut daemon = Daemon::start(dir.path()).await;
    let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), "x");
    client::register(daemon.control.clone(), spec).await.unwrap();
    let slow = client::send(daemon.address, client::request("GET", "/x/slow?ms=300", ""));
    let slow = tokio::spawn(async move { client::whole(slow.await.unwrap()).await.unwrap() });
    let name = || InspectRequest { name: "x".into() };
    while daemon.control.clone().inspect(name()).await.unwrap().into_inner().plugin.unwrap().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let below = daemon.processes();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(slow.await.unwrap().text(), "slow");
    let status = daemon.end().await;
    assert!(status.success(), "{status}");
    for pid in below {
        until_gone(pid).await;
    }
    assert!(!dir.path().join("control.sock").exists());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let dir = directory();
    let mut daemon = Daemon::start(dir.path()).await;
    let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), "x");
    client::register(daemon.control.clone(), spec).await.unwrap();
    let forever = client::send(daemon.address, client::request("GET", "/x/forever", ""));
    tokio::spawn(async move { drop(forever.await) });
    let name = || InspectRequest { name: "x".into() };
    while daemon.control.clone().inspect(name()).await.unwrap().into_inner().plugin.unwrap().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let below = daemon.processes();
    daemon.signal(Signal::SIGTERM);
    // It has taken the first when nobody is accepted any more.
    let refused = async { while tokio::net::TcpStream::connect(daemon.address).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    daemon.signal(Signal::SIGINT);
    let status = daemon.end().await;
    assert!(status.success(), "{status}");
    for pid in below {
        until_gone(pid).await;
    }
}

#[tokio::test]
async fn two_daemons_do_not_share() {
    let dir = directory();
    let daemon = Daemon::start(dir.path()).await;
    let (control, state, other) =
        (dir.path().join("control.sock"), dir.path().join("state"), dir.path().join("other"));
    for (mut second, said) in [
        (valord(&control, &other), "owns the control socket"),
        (valord(&other, &state), "uses the state directory"),
    ] {
        let output = second.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(said) && text.contains(&format!("(pid {})", daemon.child.id())), "{text}");
    }
    let output = valord(&control, &state).arg("--no-such-flag").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        client::send(daemon.address, client::request("GET", "/_health", ""))
            .await
            .unwrap()
            .status()
            .is_success()
    );
}
