//! Replace, restart, unregister, stop, and coming back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::artifacts::{built, misbehave};
use crate::client::{self, Spec};
use crate::harness::{PATIENCE, Valord, until_gone};

fn greeter(someone: &str) -> Spec {
    Spec::new(built("libwith_state_plugin.so"), "greeter").config(&json!(someone))
}

#[tokio::test]
async fn registrations_come_back_and_a_bad_one_is_in_nobodys_way() {
    let valord = Valord::start().await;
    valord.register(greeter("Alice").limits(|limits| limits.timeout_ms = 1234)).await;
    valord
        .register(
            Spec::new(built("libhello_c_plugin.so"), "other").change(|spec| spec.prefix = "/deep/er".into()),
        )
        .await;
    let before = valord.inspect("greeter").await;
    let dir = valord.stop().await;

    let plugins = dir.path().join("state/plugins");
    std::fs::write(plugins.join("damaged.json"), "{ not json").unwrap();
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("greeter", "ready").await;
    valord.until_state("other", "ready").await;
    assert_eq!(valord.get("/greeter?who=you").await.text(), "Alice says hello you!");
    assert_eq!(valord.get("/deep/er").await.status, 200);
    let after = valord.inspect("greeter").await;
    assert_eq!((before.config, before.limits, before.manifest), (after.config, after.limits, after.manifest));
    assert_eq!(before.plugin.unwrap().sha256, after.plugin.unwrap().sha256);

    let damaged = valord.plugin("damaged").await;
    assert_eq!(damaged.state, "failed");
    assert!(damaged.reason.contains("damaged.json"), "{}", damaged.reason);
    valord.unregister("damaged").await.unwrap();
    assert!(!plugins.join("damaged.json").exists());
    valord.stop().await;
}

#[tokio::test]
async fn a_replacement_loses_no_request() {
    let valord = Valord::start().await;
    valord.register(greeter("v0")).await;
    let first = valord.pid("greeter").await;
    let stop = Arc::new(AtomicBool::new(false));
    let (until, address) = (Arc::clone(&stop), valord.address);
    let load = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !until.load(Ordering::Relaxed) {
            let response =
                client::send(address, client::request("GET", "/greeter?who=you", "")).await.unwrap();
            let answer = client::whole(response).await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            seen.push(answer.text().to_owned());
        }
        seen
    });
    for version in 1..=4 {
        valord.register(greeter(&format!("v{version}")).replace()).await;
        assert_eq!(valord.get("/greeter?who=you").await.text(), format!("v{version} says hello you!"));
    }
    stop.store(true, Ordering::Relaxed);
    let seen = load.await.unwrap();
    assert!(seen.is_sorted(), "no older version answers after a newer one");
    until_gone(first).await;
    assert_eq!(valord.plugin("greeter").await.restarts, 0);
    valord.stop().await;
}

#[tokio::test]
async fn a_failed_replacement_changes_nothing() {
    let valord = Valord::start().await;
    valord.register(greeter("Alice")).await;
    let pid = valord.pid("greeter").await;
    let bad =
        Spec::new(misbehave("create_fails"), "greeter").change(|spec| spec.prefix = "/elsewhere".into());
    let refused = valord.try_register(bad.replace()).await.unwrap_err();
    assert!(refused.message().contains("no database"), "{refused}");
    assert_eq!(valord.get("/greeter?who=you").await.text(), "Alice says hello you!");
    assert_eq!(valord.pid("greeter").await, pid);
    // The prefix that it would have had is free again, and the file is what it was.
    valord.register(Spec::new(built("libhello_c_plugin.so"), "elsewhere")).await;
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("greeter", "ready").await;
    assert_eq!(valord.get("/greeter?who=you").await.text(), "Alice says hello you!");
    valord.stop().await;
}

#[tokio::test]
async fn several_processes_serve_and_one_may_die() {
    let valord = Valord::start_with(|app| app.supervisor.rules.first_pause = Duration::from_millis(1)).await;
    valord
        .register(Spec::new(built("libhello_c_plugin.so"), "many").limits(|limits| limits.instances = 3))
        .await;
    let instances = valord.inspect("many").await.instances;
    let pids: std::collections::HashSet<u32> = instances.iter().map(|instance| instance.pid).collect();
    assert_eq!((instances.len(), pids.len()), (3, 3));
    let victim = instances[1].pid;
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(victim.cast_signed()),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    until_gone(victim).await;
    for _ in 0..20 {
        assert_eq!(valord.get("/many").await.status, 200, "nothing was in flight, so nobody notices");
    }
    let replaced = async {
        loop {
            let instance = &valord.inspect("many").await.instances[1];
            if instance.state == "ready" && instance.pid != victim {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, replaced).await.unwrap();
    let instances = valord.inspect("many").await.instances;
    assert!(pids.contains(&instances[0].pid) && pids.contains(&instances[2].pid));
    valord.stop().await;
}

#[tokio::test]
async fn nothing_stays_of_what_is_unregistered() {
    let valord = Valord::start().await;
    valord.register(greeter("Alice")).await;
    let pid = valord.pid("greeter").await;
    let state = valord.dir.path().join("state");
    assert!(state.join("data/greeter").is_dir());
    valord.unregister("greeter").await.unwrap();
    assert_eq!(valord.get("/greeter").await.status, 404);
    until_gone(pid).await;
    assert!(!state.join("plugins/greeter.json").exists() && !state.join("data/greeter").exists());
    let collected = async {
        while std::fs::read_dir(state.join("artifacts")).unwrap().count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, collected).await.expect("the artifact stays");
    assert_eq!(valord.unregister("greeter").await.unwrap_err().code(), tonic::Code::NotFound);
    valord.register(greeter("Bob")).await;
    valord.stop().await;
}

#[tokio::test]
async fn restart_is_a_new_process_beside_the_old_one() {
    let valord = Valord::start().await;
    valord.register(greeter("Alice")).await;
    let pid = valord.pid("greeter").await;
    let request = valor_control::v1::RestartRequest { name: "greeter".into(), no_wait: false };
    valord.control.clone().restart(request).await.unwrap();
    assert_ne!(valord.pid("greeter").await, pid);
    until_gone(pid).await;
    assert_eq!(valord.get("/greeter?who=you").await.status, 200);
    valord.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libvalor_test_runtime_plugin.so"), "x")).await;
    let pid = valord.pid("x").await;
    let slow = client::send(valord.address, client::request("GET", "/x/slow?ms=500", ""));
    let slow = tokio::spawn(async move { client::whole(slow.await.unwrap()).await.unwrap() });
    while valord.plugin("x").await.in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let address = valord.address;
    valord.stop().await;
    assert_eq!(slow.await.unwrap().text(), "slow");
    until_gone(pid).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_those_that_hang() {
    let valord = Valord::start_with(|app| {
        app.config.drain_timeout = Duration::from_millis(100);
        app.supervisor.drain_timeout = Duration::from_millis(100);
    })
    .await;
    valord.register(Spec::new(misbehave("spin_on_request"), "spins")).await;
    valord.register(Spec::new(built("libvalor_test_runtime_plugin.so"), "sleeps")).await;
    let pids = [valord.pid("spins").await, valord.pid("sleeps").await];
    for path in ["/spins/act", "/sleeps/forever"] {
        let request = client::send(valord.address, client::request("GET", path, ""));
        tokio::spawn(async move { drop(request.await) });
    }
    while valord.plugin("spins").await.in_flight + valord.plugin("sleeps").await.in_flight < 2 {
        tokio::task::yield_now().await;
    }
    // The harness waits for it, but not for ever.
    valord.stop().await;
    for pid in pids {
        until_gone(pid).await;
    }
}
