//! valord is started again: nobody is served before the plugins are back, and nobody waits for long for one that does not come.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use valor_control::v1::ListRequest;

use crate::artifacts::{built, command};
use crate::client::{self, Spec};
use crate::daemon::{Daemon, directory, valord, valord_by};
use crate::harness::{PATIENCE, Valord, until_gone};
use crate::neighbour::Neighbour;

/// A plugin whose start takes half a second.
fn slow(name: &str) -> Spec {
    Spec::new(built("libvalor_test_runtime_plugin.so"), name).config(&json!({ "create": "dawdle" }))
}

/// From now on `on_create` does not come back.
fn hang(dir: &Path, name: &str) {
    let file = dir.join("state/plugins").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"dawdle\""), "{text}");
    std::fs::write(file, text.replace("\"dawdle\"", "\"hang\"")).unwrap();
}

/// A valord that is handed a listening socket, as a service manager does.
async fn over(listener: &TcpListener, name: &str, dir: &Path) -> Daemon {
    let mut shell = command("sh");
    let script = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"";
    shell.args(["-c", script, "sh"]).arg(built("valord")).env("LISTEN_FDNAMES", name);
    let mut command = valord_by(shell, &dir.join("control.sock"), &dir.join("state"));
    command.args(["--boot-timeout", "60s", "--listen", &listener.local_addr().unwrap().to_string()]);
    command.stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    Daemon::run(command, dir).await
}

#[tokio::test]
async fn a_restart_loses_no_request_when_the_listener_survives() {
    let dir = directory();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = over(&listener, "valord.socket", dir.path()).await;
    for spec in [slow("neighbour"), slow("other")] {
        client::register(daemon.control.clone(), spec).await.unwrap();
    }
    // They never pause: some ask while nobody is there, and some in the first moment.
    let address = listener.local_addr().unwrap();
    let clients = [Neighbour::ask(address), Neighbour::ask(address), Neighbour::ask(address)];
    for name in ["valord.socket", "kept-it", "valord.socket"] {
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.end().await.code(), Some(0));
        daemon = over(&listener, name, dir.path()).await;
        // Every plugin, not just the first.
        let answer = client::send(address, client::request("GET", "/other", "")).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    for client in clients {
        client.was_served().await;
    }
}

#[tokio::test]
async fn entries_of_the_plugins_file_are_waited_for() {
    let dir = directory();
    let file = dir.path().join("plugins.json");
    let entry = json!({
        "type": "native", "name": "x", "path": built("libvalor_test_runtime_plugin.so"), "config": { "create": "dawdle" },
    });
    std::fs::write(&file, json!({ "plugins": [entry] }).to_string()).unwrap();
    let valord = Valord::start_in(dir, |app| {
        app.config.plugins = Some(file);
        app.config.boot_timeout = PATIENCE;
    })
    .await;
    assert_eq!(valord.get("/x").await.status, 200);
    valord.stop().await;
}

#[tokio::test]
async fn one_that_does_not_come_back_is_waited_for_no_longer_than_that() {
    let valord = Valord::start().await;
    valord.register(slow("late")).await;
    valord.register(Spec::new(built("libhello_c_plugin.so"), "neighbour")).await;
    let dir = valord.stop().await;
    hang(dir.path(), "late");
    let valord = Valord::start_in(dir, |app| {
        app.config.boot_timeout = Duration::from_millis(100);
        // It would be waited for longer than any test waits.
        app.supervisor.start_deadline = PATIENCE * 10;
    })
    .await;
    assert_eq!(valord.get("/_health").await.status, 200);
    valord.get("/late").await.problem(503, "late");
    valord.until_state("neighbour", "ready").await;
    assert_eq!(valord.get("/neighbour").await.status, 200);
    assert_eq!(valord.plugin("late").await.state, "starting");
    valord.stop().await;
}

/// Whether it has begun to serve by then or not.
#[tokio::test]
async fn sigterm_ends_a_start_that_waits() {
    let dir = directory();
    let mut daemon = Daemon::start(dir.path()).await;
    client::register(daemon.control.clone(), slow("late")).await.unwrap();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.end().await.code(), Some(0));
    hang(dir.path(), "late");

    let control = dir.path().join("control.sock");
    let mut command = valord(&control, &dir.path().join("state"));
    let mut child = command.args(["--boot-timeout", "1h"]).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    let ending = async {
        while tokio::net::UnixStream::connect(&control).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut control = client::connect(&control).await;
        let plugins = control.list(ListRequest {}).await.unwrap().into_inner().plugins;
        assert_eq!(plugins.len(), 1, "{plugins:?}");
        let below = crate::daemon::descendants(pid);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).unwrap();
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(status.code(), Some(0));
        for pid in below {
            until_gone(pid).await;
        }
    };
    tokio::time::timeout(PATIENCE, ending).await.expect("it does not end");
}
