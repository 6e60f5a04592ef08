//! `valorctl events`: every change of state, its cause by name, and who asked.

use std::io::BufRead as _;
use std::time::Duration;

use serde_json::{Value, json};
use valor_control::v1::EventsRequest;

use super::{c, ctl, runtime, rust};
use crate::artifacts::{built, command, misbehave};
use crate::client::Spec;
use crate::harness::Valord;

async fn told(valord: &Valord, name: &str) -> Vec<Value> {
    let text = ctl(valord, &["events", name, "-o", "json"]).await.ok();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Process or plugin, state, cause, and what the operator did.
fn short(event: &Value) -> String {
    let verb = if event["cause"] == "operator" { event["detail"].as_str().unwrap() } else { "" };
    let whose = if event["instance"].is_null() { "all".to_owned() } else { event["instance"].to_string() };
    format!("{whose} {} {} {verb}", event["state"].as_str().unwrap(), event["cause"].as_str().unwrap())
        .trim_end()
        .to_owned()
}

#[tokio::test]
async fn a_life_is_told_with_who_asked() {
    let valord = Valord::start().await;
    let file = rust();
    let registered = ctl(&valord, &["register", file.to_str().unwrap(), "--name", "x"]).await;
    let asked = registered.pid;
    registered.ok();
    ctl(&valord, &["disable", "x"]).await.ok();
    ctl(&valord, &["enable", "x"]).await.ok();
    ctl(&valord, &["unregister", "x"]).await.ok();
    let events = told(&valord, "x").await;
    let story: Vec<String> = events.iter().map(short).collect();
    let expected = [
        "0 starting operator register",
        "0 ready operator register",
        "all ready operator register",
        "all draining operator disable",
        "0 draining operator disable",
        "0 stopped operator disable",
        "all disabled operator disable",
        "0 starting operator enable",
        "all starting operator enable",
        "0 ready operator enable",
        "all ready operator enable",
        "all draining operator unregister",
        "0 draining operator unregister",
        "0 stopped operator unregister",
        "all unregistered operator unregister",
    ];
    assert_eq!(story, expected);
    let uid = nix::unistd::geteuid().as_raw();
    assert!(events.iter().all(|event| event["by"]["uid"] == uid), "{events:?}");
    assert!(events[..3].iter().all(|event| event["by"]["pid"] == asked), "{events:?}");
    assert_ne!(events[3]["by"]["pid"], asked);
    assert_eq!(events[1]["pid"], events[4]["pid"], "a process is known by its pid");
    let serials: Vec<u64> = events.iter().map(|event| event["serial"].as_u64().unwrap()).collect();
    assert!(serials.is_sorted(), "{serials:?}");
    let times: Vec<u64> = events.iter().map(|event| event["time_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times[0] > 1_600_000_000_000, "{times:?}");

    // What can be chosen.
    let last = ctl(&valord, &["events", "--tail", "1", "-o", "json"]).await.ok();
    assert_eq!(short(&serde_json::from_str(&last).unwrap()), "all unregistered operator unregister");
    assert_eq!(ctl(&valord, &["events", "--since", "2100-01-01T00:00:00Z"]).await.ok(), "");
    assert_eq!(ctl(&valord, &["events", "somebody-else"]).await.ok(), "");
    let table = ctl(&valord, &["events", "x", "--tail", "1"]).await.ok();
    assert!(table.contains(&format!(" x unregistered: operator: unregister (by uid {uid}, pid ")), "{table}");
    valord.stop().await;
}

#[tokio::test]
async fn each_way_to_end_has_its_name() {
    let valord = Valord::start_with(|app| {
        app.supervisor.rules.first_pause = Duration::from_millis(1);
        app.supervisor.rules.crashes = 2;
        app.plane.link.hung_grace = Duration::from_millis(100);
    })
    .await;
    for (file, path, cause, exit_code, signal) in [
        ("exit_on_request", "act", "exit", json!(3), json!(null)),
        ("segfault_on_request", "act", "signal", json!(null), json!(11)),
        ("abort_on_request", "act", "signal", json!(null), json!(6)),
        ("says", "data", "violation", json!(null), json!(null)),
        ("says", "control", "violation", json!(null), json!(null)),
        ("spin_on_request", "act", "hung", json!(null), json!(null)),
        ("shuts_down_control", "act", "closed", json!(null), json!(null)),
    ] {
        let act = &*format!("{file}-{path}");
        // Only what spins is to be found out by its deadline.
        let timeout_ms = if cause == "hung" { 300 } else { 0 };
        valord
            .register(Spec::new(misbehave(file), act).limits(|limits| limits.timeout_ms = timeout_ms))
            .await;
        if file == "says" {
            assert_eq!(valord.send("POST", &format!("/{act}/script"), vec![0xff; 64]).await.status, 200);
        }
        let _cut = valord.attempt("GET", &format!("/{act}/{path}"), "").await;
        let waiting = async {
            loop {
                let found = told(&valord, act).await.into_iter().find(|event| event["state"] == "backoff");
                if let Some(event) = found {
                    return event;
                }
            }
        };
        let event = tokio::time::timeout(crate::harness::PATIENCE, waiting).await.expect(act);
        assert_eq!(event["cause"], cause, "{act}: {event}");
        assert_eq!((&event["exit_code"], &event["signal"]), (&exit_code, &signal), "{act}: {event}");
        assert_eq!((&event["instance"], &event["by"]), (&json!(0), &json!(null)), "{act}: {event}");
        assert!(event["detail"].as_str().unwrap().contains("started again in"), "{act}: {event}");
        valord.until_state(act, "ready").await;
        let back: Vec<String> = told(&valord, act).await.iter().map(short).collect();
        assert_eq!(back.iter().filter(|line| *line == "0 ready retry").count(), 1, "{back:?}");
    }
    // Once more is too often.
    let again = "exit_on_request-act";
    let _cut = valord.attempt("GET", &format!("/{again}/act"), "").await;
    valord.until_state(again, "quarantined").await;
    let last = told(&valord, again).await;
    let last: Vec<String> = last[last.len() - 2..].iter().map(short).collect();
    assert_eq!(last, ["0 quarantined exit", "all quarantined exit"]);
    valord.stop().await;
}

#[tokio::test]
async fn each_way_not_to_start_has_its_name() {
    let valord = Valord::start_with(|app| app.supervisor.start_deadline = Duration::from_secs(3)).await;
    let file = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let runtime = file(runtime());
    for (name, args, cause) in [
        ("exits", vec![file(misbehave("create_exits"))], "exit"),
        ("crashes", vec![file(misbehave("constructor_crashes"))], "signal"),
        ("fails", vec![file(misbehave("create_fails"))], "start"),
        ("late", vec![file(misbehave("create_hangs"))], "deadline"),
        ("probed", vec![runtime, "--probe".into(), "/status?code=500".into()], "probe"),
    ] {
        let all: Vec<&str> =
            ["register", "--name", name].into_iter().chain(args.iter().map(String::as_str)).collect();
        assert_eq!(ctl(&valord, &all).await.code, 1, "{name}");
        let story: Vec<String> = told(&valord, name).await.iter().map(short).collect();
        assert_eq!(story, ["0 starting operator register".to_owned(), format!("0 failed {cause}")], "{name}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn a_follower_hears_of_it_as_it_happens_and_of_the_end() {
    let valord = Valord::start().await;
    valord.register(Spec::new(rust(), "x")).await;
    let mut command = command(built("valorctl"));
    command.args(["events", "-f", "--tail", "0", "-o", "json"]);
    command.env("VALOR_CONTROL", valord.dir.path().join("control.sock"));
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, mut heard) = tokio::sync::mpsc::channel(1024);
    std::thread::spawn(move || {
        lines.map_while(Result::ok).for_each(|line| drop(sender.blocking_send(line)));
    });
    // It follows once it hears of something that it was not asked to wait for.
    let request = EventsRequest { follow: true, tail: Some(0), ..EventsRequest::default() };
    let mut own = valord.control.clone().events(request).await.unwrap().into_inner();
    let follows = async {
        loop {
            ctl(&valord, &["replace", "x", c().to_str().unwrap()]).await.ok();
            if let Ok(Some(line)) = tokio::time::timeout(Duration::from_millis(500), heard.recv()).await {
                return line;
            }
        }
    };
    let first = tokio::time::timeout(crate::harness::PATIENCE, follows).await.expect("it hears of nothing");
    assert!(serde_json::from_str::<Value>(&first).unwrap()["serial"].as_u64().unwrap() > 3);
    let event = own.message().await.unwrap().unwrap();
    assert_eq!((event.state.as_str(), event.detail.as_str(), event.serial), ("starting", "replace", 4));
    // The daemon ends: that is told, too, and no failure.
    valord.stop().await;
    let rest = async { while heard.recv().await.is_some() {} };
    tokio::time::timeout(crate::harness::PATIENCE, rest).await.expect("it does not end");
    let waited = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert_eq!(waited.await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_comes_back_by_itself_was_asked_for_by_nobody() {
    let valord = Valord::start().await;
    valord.register(Spec::new(rust(), "x")).await;
    valord.register(Spec::new(rust(), "off")).await;
    ctl(&valord, &["disable", "off"]).await.ok();
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("x", "ready").await;
    let events = told(&valord, "x").await;
    assert!(events.iter().all(|event| event["by"].is_null()), "{events:?}");
    let story: Vec<String> = events.iter().map(short).collect();
    assert_eq!(story, ["0 starting boot", "all starting boot", "0 ready boot", "all ready boot"]);
    let story: Vec<String> = told(&valord, "off").await.iter().map(short).collect();
    assert_eq!(story, ["all disabled boot"]);
    valord.stop().await;
}
