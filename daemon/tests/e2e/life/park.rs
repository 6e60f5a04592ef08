//! `disable`, `enable` and `drain`.

use std::time::Duration;

use super::load::Load;
use super::{C, RUST, c, ctl, listed, neighbour_serves, runtime, rust, until_in_flight, with};
use crate::client::{self, Answer, Spec};
use crate::harness::{Valord, is_alive, until_gone};

/// The answer to a prefix whose plugin is switched off: which problem, and no promise that it comes back by itself.
fn off(answer: &Answer, kind: &str) {
    let problem = answer.problem(503, "x");
    assert_eq!(problem["type"], format!("urn:valor:problem:{kind}"), "{problem}");
    let retry = answer.header("retry-after");
    assert_eq!(retry.is_empty(), kind != "draining", "{answer:?}");
}

fn slow(valord: &Valord, path: &'static str) -> tokio::task::JoinHandle<Answer> {
    let response = client::send(valord.address, client::request("GET", path, ""));
    tokio::spawn(async move { client::whole(response.await.unwrap()).await.unwrap() })
}

#[tokio::test]
async fn disabled_is_drained_stopped_and_stays_so() {
    let valord = with(Spec::new(runtime(), "x").limits(|limits| limits.instances = 2)).await;
    let pids: Vec<u32> = valord.inspect("x").await.instances.iter().map(|one| one.pid).collect();
    let neighbours = Load::start(&valord, "/neighbour", 2).await;
    let in_flight = slow(&valord, "/x/slow?ms=700");
    until_in_flight(&valord, "x", 1).await;
    let disabled = ctl(&valord, &["disable", "x"]);
    let meanwhile = async {
        valord.until_state("x", "draining").await;
        off(&valord.get("/x/timer").await, "disabled");
    };
    let (disabled, ()) = tokio::join!(disabled, meanwhile);
    assert_eq!(disabled.ok(), "disabled x (disabled)\n");
    assert_eq!(in_flight.await.unwrap().text(), "slow", "what is in flight is finished");
    for pid in pids {
        assert!(!is_alive(pid), "when it says so, nothing of it runs");
    }
    off(&valord.get("/x/timer").await, "disabled");
    assert_eq!(listed(&valord, "x").await, ("disabled".into(), 0, 2));
    let plugin = valord.plugin("x").await;
    let uid = nix::unistd::geteuid();
    assert!(plugin.reason.starts_with(&format!("disabled by uid {uid}, pid ")), "{}", plugin.reason);
    assert!(plugin.reason.ends_with("`valorctl enable` brings it back"), "{}", plugin.reason);

    // Again, and all that cannot be done to it.
    assert_eq!(ctl(&valord, &["disable", "x"]).await.ok(), "disabled x (disabled)\n");
    assert_eq!(ctl(&valord, &["drain", "x"]).await.ok(), "drained x (disabled)\n");
    ctl(&valord, &["restart", "x"])
        .await
        .fails(5, &["restart: the plugin x is disabled", "help: `valorctl enable`"]);
    ctl(&valord, &["disable", "nobody"]).await.fails(3, &["there is no plugin \"nobody\""]);

    // Over a restart of the daemon, too.
    neighbours.stop().await;
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("neighbour", "ready").await;
    assert_eq!(listed(&valord, "x").await, ("disabled".into(), 0, 2));
    off(&valord.get("/x").await, "disabled");
    neighbour_serves(&valord).await;
    // Its name, prefix and artifact are still its own.
    let taken = valord.try_register(Spec::new(rust(), "y").change(|spec| spec.prefix = "/x".into())).await;
    assert!(taken.unwrap_err().message().contains("belongs to the plugin x"));

    // Asked for twice at once it is done once, and both are told.
    let enable = ["enable", "x"];
    let (one, other) = tokio::join!(ctl(&valord, &enable), ctl(&valord, &enable));
    assert_eq!((one.ok(), other.ok()), ("enabled x (ready)\n".to_owned(), "enabled x (ready)\n".to_owned()));
    assert_eq!(listed(&valord, "x").await, ("ready".into(), 2, 2));
    assert_eq!(valord.get("/x/timer").await.text(), "slept");
    let pid = valord.pid("x").await;
    assert_eq!(ctl(&valord, &["enable", "x"]).await.ok(), "enabled x (ready)\n");
    assert_eq!(valord.pid("x").await, pid, "enabling what is enabled does nothing");
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("x", "ready").await;
    valord.stop().await;
}

#[tokio::test]
async fn drained_is_stopped_until_somebody_or_the_next_start_brings_it_back() {
    let valord = with(Spec::new(runtime(), "x")).await;
    let pid = valord.pid("x").await;
    let in_flight = slow(&valord, "/x/slow?ms=700");
    until_in_flight(&valord, "x", 1).await;
    let said = ctl(&valord, &["drain", "x", "--wait=false"]).await.ok();
    assert_eq!(said, "drain accepted: x (draining)\n");
    off(&valord.get("/x/timer").await, "draining");
    assert_eq!(ctl(&valord, &["drain", "x"]).await.ok(), "drained x (stopped)\n");
    assert!(!is_alive(pid));
    assert_eq!(in_flight.await.unwrap().text(), "slow");
    off(&valord.get("/x/timer").await, "stopped");
    assert_eq!(listed(&valord, "x").await, ("stopped".into(), 0, 1));
    assert_eq!(ctl(&valord, &["drain", "x"]).await.ok(), "drained x (stopped)\n");
    neighbour_serves(&valord).await;

    for (verb, done) in [("restart", "restarted"), ("enable", "enabled")] {
        assert_eq!(ctl(&valord, &[verb, "x"]).await.ok(), format!("{done} x (ready)\n"));
        assert_eq!(valord.get("/x/timer").await.text(), "slept");
        ctl(&valord, &["drain", "x"]).await.ok();
    }
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("x", "ready").await;
    assert_eq!(valord.get("/x/timer").await.text(), "slept", "it is not written down");

    // To disable what is drained is more.
    ctl(&valord, &["drain", "x"]).await.ok();
    assert_eq!(ctl(&valord, &["disable", "x"]).await.ok(), "disabled x (disabled)\n");
    off(&valord.get("/x").await, "disabled");
    ctl(&valord, &["unregister", "x"]).await.ok();
    assert_eq!(valord.get("/x").await.status, 404);
    valord.stop().await;
}

#[tokio::test]
async fn who_has_waited_long_enough_gets_124_and_it_goes_on() {
    let valord = Valord::start_with(|app| app.supervisor.drain_timeout = Duration::from_secs(2)).await;
    valord.register(Spec::new(runtime(), "x")).await;
    for (verb, state) in [("drain", "stopped"), ("disable", "disabled")] {
        let pid = valord.pid("x").await;
        let in_flight = slow(&valord, "/x/forever");
        until_in_flight(&valord, "x", 1).await;
        let late = ctl(&valord, &[verb, "x", "--wait-timeout", "300ms"]).await;
        late.fails(124, &[&format!("{verb}: no answer from valord within 300ms"), "--wait-timeout"]);
        // What does not end by itself is cut off at the drain timeout.
        valord.until_state("x", state).await;
        in_flight.await.unwrap().problem(502, "x");
        assert!(!is_alive(pid));
        ctl(&valord, &["enable", "x"]).await.ok();
    }
    valord.stop().await;
}

#[tokio::test]
async fn who_waits_is_told_when_it_is_brought_back_before() {
    let valord = Valord::start_with(|app| app.supervisor.drain_timeout = Duration::from_secs(4)).await;
    valord.register(Spec::new(runtime(), "x")).await;
    for verb in ["drain", "disable"] {
        let pid = valord.pid("x").await;
        let in_flight = slow(&valord, "/x/forever");
        until_in_flight(&valord, "x", 1).await;
        let order = [verb, "x"];
        let back = async {
            valord.until_state("x", "draining").await;
            ctl(&valord, &["enable", "x"]).await.ok();
            assert_eq!(valord.get("/x/timer").await.text(), "slept");
        };
        let (waited, ()) = tokio::join!(ctl(&valord, &order), back);
        let said = format!("{verb}: the plugin was brought back before all of its processes had ended");
        waited.fails(5, &[&said]);
        in_flight.await.unwrap().problem(502, "x");
        until_gone(pid).await;
        assert_eq!(listed(&valord, "x").await, ("ready".into(), 1, 1));
    }
    valord.stop().await;
}

#[tokio::test]
async fn what_is_disabled_can_be_replaced_and_stays_disabled() {
    let valord = with(Spec::new(rust(), "x")).await;
    ctl(&valord, &["disable", "x"]).await.ok();
    let said = ctl(&valord, &["replace", "x", c().to_str().unwrap(), "--memory", "64M"]).await.ok();
    assert_eq!(said, "replaced x at /x (disabled)\n");
    off(&valord.get("/x").await, "disabled");
    assert_eq!(listed(&valord, "x").await, ("disabled".into(), 0, 1));
    // A version that does not start changes nothing, and does not enable it either.
    let bad = crate::artifacts::misbehave("create_fails");
    ctl(&valord, &["replace", "x", bad.to_str().unwrap()]).await.fails(1, &["no database"]);
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    assert_eq!(listed(&valord, "x").await, ("disabled".into(), 0, 1));
    ctl(&valord, &["enable", "x"]).await.ok();
    assert_eq!(valord.get("/x").await.text(), C, "the new build was kept");
    valord.stop().await;
}

#[tokio::test]
async fn what_cannot_be_started_stays_disabled() {
    let valord = with(Spec::new(rust(), "x")).await;
    ctl(&valord, &["disable", "x"]).await.ok();
    let artifact = valord.dir.path().join("state/artifacts").join(valord.plugin("x").await.sha256);
    let kept = std::fs::read(&artifact).unwrap();
    std::fs::remove_file(&artifact).unwrap();
    let failed = ctl(&valord, &["enable", "x"]).await;
    failed.fails(1, &["artifact"]);
    assert_eq!(valord.plugin("x").await.state, "disabled");
    off(&valord.get("/x").await, "disabled");
    std::fs::write(&artifact, kept).unwrap();
    std::fs::set_permissions(&artifact, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
    ctl(&valord, &["enable", "x"]).await.ok();
    assert_eq!(valord.get("/x").await.text(), RUST);
    valord.stop().await;
}

#[tokio::test]
async fn crashing_plugins_can_be_switched_off() {
    let valord = Valord::start_with(|app| {
        app.supervisor.rules.first_pause = Duration::from_secs(3600);
        app.supervisor.rules.longest_pause = Duration::from_secs(3600);
    })
    .await;
    valord.register(Spec::new(crate::artifacts::misbehave("exit_on_request"), "x")).await;
    valord.get("/x/act").await.problem(502, "x");
    valord.until_state("x", "backoff").await;
    assert_eq!(ctl(&valord, &["drain", "x"]).await.ok(), "drained x (stopped)\n");
    off(&valord.get("/x/ok").await, "stopped");
    ctl(&valord, &["restart", "x"]).await.ok();
    assert_eq!(valord.get("/x/ok").await.text(), "ok\n");
    valord.stop().await;
}

#[tokio::test]
async fn the_plugins_file_says_what_is_served_and_a_drain_is_only_for_now() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plugins.json");
    let entry = serde_json::json!({"type": "native", "name": "x", "path": rust(), "prefix": "/x"});
    std::fs::write(&file, serde_json::json!({ "plugins": [entry] }).to_string()).unwrap();
    let plugins = || Some(file.clone());
    let valord = Valord::start_with(|app| app.config.plugins = plugins()).await;
    let waiting = async { while ctl(&valord, &["inspect", "x"]).await.code != 0 {} };
    tokio::time::timeout(crate::harness::PATIENCE, waiting).await.unwrap();
    valord.until_state("x", "ready").await;
    let cure = "write `disabled = true` there and `valorctl reload`, or `valorctl drain` it for now";
    ctl(&valord, &["disable", "x"])
        .await
        .fails(5, &["disable: the plugin x belongs to the plugins file", cure]);
    ctl(&valord, &["replace", "x", "--concurrency", "3"]).await.fails(5, &["belongs to the plugins file"]);
    assert_eq!(valord.get("/x").await.text(), RUST);
    ctl(&valord, &["drain", "x"]).await.ok();
    off(&valord.get("/x").await, "stopped");
    let state = valord.stop().await;
    let valord = Valord::start_in(state, |app| app.config.plugins = plugins()).await;
    valord.until_state("x", "ready").await;
    valord.stop().await;
}
