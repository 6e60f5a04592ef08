//! `valorctl replace`: all or nothing, and nobody notices.

use std::time::Duration;

use serde_json::json;

use super::load::Load;
use super::{C, RUST, c, ctl, neighbour_serves, runtime, rust, until_in_flight, with};
use crate::artifacts::misbehave;
use crate::client::{self, Spec};
use crate::harness::{Valord, until_gone};

#[tokio::test]
async fn two_builds_alternate_and_no_request_fails() {
    let valord = with(Spec::new(rust(), "x").limits(|limits| limits.instances = 2)).await;
    let neighbours = Load::start(&valord, "/neighbour", 1).await;
    let load = Load::start(&valord, "/x", 4).await;
    let mut pids = Vec::new();
    for version in 1..=6 {
        pids.extend(valord.inspect("x").await.instances.iter().map(|instance| instance.pid));
        let file = if version % 2 == 1 { c() } else { rust() };
        load.begin();
        let said = ctl(&valord, &["replace", "x", file.to_str().unwrap()]).await.ok();
        load.done();
        assert_eq!(said, "replaced x at /x (ready)\n");
        assert_eq!(valord.get("/x").await.text(), if version % 2 == 1 { C } else { RUST });
        load.more(20).await;
    }
    assert!(load.stop().await > 120);
    neighbours.stop().await;
    for pid in pids {
        until_gone(pid).await;
    }
    let plugin = valord.plugin("x").await;
    assert_eq!((plugin.restarts, plugin.errors, plugin.ready, plugin.wanted), (0, 0, 2, 2));
    valord.stop().await;
}

#[tokio::test]
async fn what_is_not_named_stays_as_it_was() {
    let valord = with(
        Spec::new(runtime(), "x")
            .config(&json!({"a": 1}))
            .limits(|limits| limits.timeout_ms = 1234)
            .change(|spec| spec.prefix = "/deep/x".into()),
    )
    .await;
    let before = valord.inspect("x").await;
    ctl(&valord, &["replace", "x", "--concurrency", "7", "--allow-env", "A=b", "--probe", "/timer"])
        .await
        .ok();
    let after = valord.inspect("x").await;
    let limits = after.limits.unwrap();
    assert_eq!((limits.timeout_ms, limits.concurrency), (1234, 7));
    assert_eq!((&before.config, &before.manifest), (&after.config, &after.manifest));
    assert_eq!(after.grants.unwrap().env, ["A"]);
    assert_eq!(after.probe, "/timer");
    let sha256 = before.plugin.unwrap().sha256;
    assert_eq!(after.plugin.unwrap().sha256, sha256);
    assert_eq!(valord.get("/deep/x/config").await.text(), r#"{"a":1}"#);
    // Another artifact: the settings stay.
    ctl(&valord, &["replace", "x", c().to_str().unwrap(), "--probe", "/health"]).await.ok();
    let changed = valord.inspect("x").await;
    assert_ne!(changed.plugin.unwrap().sha256, sha256);
    assert_eq!(changed.limits.unwrap(), limits);
    assert_eq!((changed.config.as_str(), changed.probe.as_str()), (r#"{"a":1}"#, "/health"));
    // Of grants, a kind that is named takes the place of the former; and all may be taken away.
    ctl(&valord, &["replace", "x", "--no-probe", "--no-grants", "--config", "null", "--prefix", "/y"])
        .await
        .ok();
    let last = valord.inspect("x").await;
    assert_eq!((last.probe.as_str(), last.config.as_str()), ("", ""));
    assert!(last.grants.unwrap().env.is_empty());
    assert_eq!(valord.get("/y").await.text(), C);
    assert_eq!(valord.get("/deep/x").await.status, 404);
    // All of it is written down.
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("x", "ready").await;
    assert_eq!(valord.inspect("x").await.limits.unwrap(), limits);
    assert_eq!(valord.get("/y").await.text(), C);
    valord.stop().await;
}

#[tokio::test]
async fn on_any_failure_the_old_one_serves_on() {
    let valord = with(Spec::new(rust(), "x").limits(|limits| limits.timeout_ms = 1500)).await;
    let pid = valord.pid("x").await;
    let file = valord.dir.path().join("state/plugins/x.json");
    let kept = std::fs::read(&file).unwrap();
    let load = Load::start(&valord, "/x", 2).await;
    let runtime = runtime();
    let text = valord.dir.path().join("text.so");
    std::fs::write(&text, "no library").unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    for (args, code, said) in [
        (vec![path(&misbehave("create_fails"))], 1, &["create: ", "no database"][..]),
        (vec![path(&misbehave("create_exits"))], 1, &["create: ", "exited with code"]),
        (vec![path(&misbehave("constructor_crashes"))], 1, &["create: ", "signal 11 (SIGSEGV)"]),
        (vec![path(&text)], 1, &["syntax: text.so:1:4: ", "a plugin is one ES module"]),
        (
            vec![path(&runtime), "--probe".into(), "/status?code=503".into()],
            1,
            &[
                "probe: it has answered the probe with 503 Service Unavailable, where 2xx was expected",
                "help: see `valorctl logs`",
            ],
        ),
        (
            vec![path(&runtime), "--probe".into(), "/status?code=302".into()],
            1,
            &["probe: it has answered the probe with 302 Found"],
        ),
        (vec![path(&runtime), "--probe".into(), "/panic".into()], 1, &["probe: ", "told to panic"]),
        (
            vec![path(&runtime), "--probe".into(), "/forever".into()],
            1,
            &["probe: it has not answered the probe within"],
        ),
        (
            vec![path(&misbehave("segfault_on_request")), "--probe".into(), "/act".into()],
            1,
            &["probe: ", "signal 11 (SIGSEGV)"],
        ),
        (
            vec![path(&runtime), "--config".into(), r#"{"create":"fail"}"#.into()],
            1,
            &["create: ", "told to fail"],
        ),
        (
            vec!["--prefix".into(), "/neighbour".into()],
            5,
            &["prefix: the prefix /neighbour belongs to the plugin neighbour"],
        ),
        (vec!["--memory".into(), "1K".into()], 2, &["limits.memory"]),
    ] {
        let all: Vec<&str> = ["replace", "x"].into_iter().chain(args.iter().map(String::as_str)).collect();
        ctl(&valord, &all).await.fails(code, said);
        assert_eq!(valord.pid("x").await, pid, "{all:?}");
        assert_eq!(std::fs::read(&file).unwrap(), kept, "{all:?}");
        load.more(4).await;
    }
    ctl(&valord, &["replace", "nobody"]).await.fails(3, &["there is no plugin \"nobody\"", "valorctl list"]);
    // None of them ever got a client's request: the load has seen no answer but the old one's.
    load.stop().await;
    let plugin = valord.plugin("x").await;
    assert_eq!((&*plugin.state, &*plugin.reason, plugin.restarts), ("ready", "", 0));
    neighbour_serves(&valord).await;
    valord.stop().await;
}

#[tokio::test]
async fn each_process_is_probed_also_when_it_comes_back() {
    let valord = with(
        Spec::new(runtime(), "x")
            .limits(|limits| limits.instances = 2)
            .change(|spec| spec.probe = "/slow?ms=1".into()),
    )
    .await;
    let requests = async || -> u64 {
        let counters: serde_json::Value =
            serde_json::from_str(valord.get("/x/counters").await.text()).unwrap();
        counters["requests"].as_u64().unwrap()
    };
    assert_eq!(valord.plugin("x").await.requests, 0, "a probe is no client's request");
    assert!(requests().await >= 2, "the probe came first, then this");
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    let plugin = valord.until_state("x", "ready").await;
    assert_eq!((plugin.requests, valord.inspect("x").await.probe.as_str()), (0, "/slow?ms=1"));
    valord.stop().await;
}

#[tokio::test]
async fn streams_finish_or_end_at_the_drain_timeout() {
    let valord = Valord::start_with(|app| app.supervisor.drain_timeout = Duration::from_secs(2)).await;
    valord.register(Spec::new(runtime(), "x")).await;
    let pid = valord.pid("x").await;
    let ask = |path: &'static str| {
        let response = client::send(valord.address, client::request("GET", path, ""));
        tokio::spawn(async move { client::whole(response.await?).await })
    };
    let (short, endless, waiting) =
        (ask("/x/sse?n=20&ms=20"), ask("/x/sse?n=1000000&ms=20"), ask("/x/forever"));
    until_in_flight(&valord, "x", 3).await;
    ctl(&valord, &["replace", "x", c().to_str().unwrap()]).await.ok();
    assert_eq!(valord.get("/x").await.text(), C, "new requests do not wait for old ones");
    let short = short.await.unwrap().unwrap();
    assert_eq!((short.status, short.text().matches("data:").count()), (200, 20));
    let cut = endless.await.unwrap();
    assert!(cut.is_err(), "a stream that is cut does not look whole: {cut:?}");
    let problem = waiting.await.unwrap().unwrap().problem(502, "x");
    assert_eq!(problem["type"], "urn:valor:problem:plugin-crashed");
    until_gone(pid).await;
    let told = async {
        let said = "replace; 2 requests were cut off after 2s";
        while !ctl(&valord, &["events", "x", "-o", "json"]).await.ok().contains(said) {}
    };
    tokio::time::timeout(crate::harness::PATIENCE, told).await.expect("nobody is told of it");
    valord.stop().await;
}

#[tokio::test]
async fn one_change_at_a_time() {
    let valord = Valord::start_with(|app| app.supervisor.start_deadline = Duration::from_secs(4)).await;
    valord.register(Spec::new(runtime(), "x")).await;
    let hangs = ctl(&valord, &["replace", "x", "--config", r#"{"create":"hang"}"#]);
    let meanwhile = async {
        // A second process of it shows that the first change is under way.
        let starting = async {
            while !ctl(&valord, &["events", "x", "-o", "json"]).await.ok().contains(r#""detail":"replace""#) {
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, starting).await.unwrap();
        for args in [
            &["replace", "x", "--concurrency", "3"][..],
            &["restart", "x"],
            &["disable", "x"],
            &["drain", "x"],
        ] {
            ctl(&valord, args)
                .await
                .fails(5, &["state: another change of this plugin is under way", "help: try again"]);
        }
        ctl(&valord, &["enable", "x"]).await.ok();
        assert_eq!(valord.get("/x/timer").await.text(), "slept");
    };
    let (hung, ()) = tokio::join!(hangs, meanwhile);
    hung.fails(1, &["create: the plugin was not ready within 4s"]);
    assert_eq!(valord.get("/x/timer").await.text(), "slept");
    ctl(&valord, &["replace", "x", "--concurrency", "3"]).await.ok();
    valord.stop().await;
}

#[tokio::test]
async fn whole_registrations_still_take_a_place_and_forget_the_settings() {
    let valord = with(Spec::new(rust(), "x").limits(|limits| limits.concurrency = 3)).await;
    ctl(&valord, &["disable", "x"]).await.ok();
    let file = c();
    let said = ctl(&valord, &["register", file.to_str().unwrap(), "--name", "x", "--replace"]).await.ok();
    assert_eq!(said, "replaced x at /x (ready)\n");
    assert_eq!(valord.inspect("x").await.limits.unwrap().concurrency, 256);
    assert_eq!(valord.get("/x").await.text(), C);
    valord.stop().await;
}
