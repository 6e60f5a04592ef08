//! Several processes of one plugin.

use std::collections::HashSet;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::JoinSet;

use super::load::Load;
use super::{RUST, ctl, listed, neighbour_serves, runtime, rust, until_in_flight, with};
use crate::client::{self, Spec};
use crate::harness::{PATIENCE, Valord, until_gone};

fn end(pid: u32) {
    assert!(pid > 1);
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn requests_are_spread_and_one_crash_costs_its_share() {
    let valord = Valord::start_with(|app| {
        app.plane.workers = 1;
        app.supervisor.rules.first_pause = Duration::from_secs(3600);
        app.supervisor.rules.longest_pause = Duration::from_secs(3600);
    })
    .await;
    valord.register(Spec::new(rust(), "neighbour")).await;
    valord.register(Spec::new(runtime(), "x").limits(|limits| limits.instances = 3)).await;
    let mut waiting = JoinSet::new();
    for _ in 0..6 {
        let response = client::send(valord.address, client::request("GET", "/x/forever", ""));
        waiting.spawn(async move { client::whole(response.await.unwrap()).await.unwrap() });
    }
    until_in_flight(&valord, "x", 6).await;
    let victim = valord.inspect("x").await.instances[1].pid;
    end(victim);
    until_gone(victim).await;
    // Two of six were there, and are told at once; the others wait on.
    for _ in 0..2 {
        waiting.join_next().await.unwrap().unwrap().problem(502, "x");
    }
    until_in_flight(&valord, "x", 4).await;
    let counted = async {
        while valord.plugin("x").await.restarts == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the end is not noticed");
    assert_eq!(listed(&valord, "x").await, ("ready".into(), 2, 3));
    let detail = valord.inspect("x").await;
    assert!(detail.plugin.unwrap().reason.starts_with("2 of 3 processes serve; another: "));
    let states: Vec<_> = detail.instances.iter().map(|one| (one.state.as_str(), one.restarts)).collect();
    assert_eq!(states, [("ready", 0), ("backoff", 1), ("ready", 0)]);
    assert!(detail.instances[1].reason.contains("signal 9 (SIGKILL)"), "{:?}", detail.instances[1]);
    for _ in 0..10 {
        assert_eq!(valord.get("/x/timer").await.text(), "slept", "its peers go on");
    }
    neighbour_serves(&valord).await;
    drop(waiting);
    valord.stop().await;
}

#[tokio::test]
async fn a_restart_never_costs_capacity() {
    let valord = with(Spec::new(rust(), "x").limits(|limits| limits.instances = 3)).await;
    let before: HashSet<u32> = valord.inspect("x").await.instances.iter().map(|one| one.pid).collect();
    let load = Load::start(&valord, "/x", 4).await;
    let restarted = {
        let restart = ctl(&valord, &["restart", "x"]);
        tokio::pin!(restart);
        loop {
            tokio::select! {
                ran = &mut restart => break ran,
                shown = listed(&valord, "x") => assert_eq!(shown, ("ready".into(), 3, 3)),
            }
        }
    };
    assert_eq!(restarted.ok(), "restarted x (ready)\n");
    load.more(20).await;
    load.stop().await;
    let after: HashSet<u32> = valord.inspect("x").await.instances.iter().map(|one| one.pid).collect();
    assert_eq!((after.len(), before.intersection(&after).count()), (3, 0));
    for pid in before {
        until_gone(pid).await;
    }
    // One after the other: a process starts when the one before it is ready.
    let told = ctl(&valord, &["events", "x", "-o", "json"]).await.ok();
    let of_restart = told.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let steps: Vec<String> = of_restart
        .filter(|event| {
            event["detail"] == "restart" && (event["state"] == "starting" || event["state"] == "ready")
        })
        .map(|event| format!("{}{}", event["state"].as_str().unwrap(), event["instance"]))
        .collect();
    let expected = ["starting0", "ready0", "starting1", "ready1", "starting2", "ready2", "readynull"];
    assert_eq!(steps, expected);
    valord.stop().await;
}

#[tokio::test]
async fn more_and_fewer_processes_without_losing_a_request() {
    let valord = Valord::start_with(|app| app.config.max_instances = 4).await;
    valord.register(Spec::new(rust(), "x")).await;
    let load = Load::start(&valord, "/x", 4).await;
    for count in ["4", "1", "2"] {
        ctl(&valord, &["replace", "x", "--instances", count]).await.ok();
        let count: u32 = count.parse().unwrap();
        assert_eq!(listed(&valord, "x").await, ("ready".into(), count, count));
        load.more(20).await;
    }
    load.stop().await;
    let most =
        "limits.instances: 5 is more than 4, the most that this valord allows: max_instances in valord.toml";
    ctl(&valord, &["replace", "x", "--instances", "5"]).await.fails(2, &[most]);
    assert_eq!(listed(&valord, "x").await, ("ready".into(), 2, 2));
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("x", "ready").await;
    assert_eq!(valord.inspect("x").await.instances.len(), 2, "the number is kept");
    assert_eq!(valord.get("/x").await.text(), RUST);
    valord.stop().await;
}
