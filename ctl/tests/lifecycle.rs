//! The verbs of a plugin's life: replace, restart, enable, disable, drain, events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Fake, run};
use insta::assert_snapshot;
use valor_control::v1;

#[test]
fn replace_sends_only_what_is_named() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["replace", "hello"]).all(), @"
    exit 0
    --- stdout
    replaced hello at /hi (ready)
    --- stderr
    note: it also wants --allow-net example.org:443; replace it again with --grant-requested, or with some of these
    ");
    let library = fake.file("libnew.so", &vec![7; 200_000]);
    let replaced = fake.run([
        "replace",
        "hello",
        &library,
        "--config",
        "1",
        "--probe",
        "/health?deep=1",
        "--instances",
        "3",
        "--allow-net",
        "a.example:443",
        "-q",
    ]);
    assert_eq!((replaced.code, replaced.stderr.as_str()), (0, ""));
    fake.run(["replace", "hello", "--no-probe", "--no-grants", "--prefix", "/new/"]);
    let changes = fake.changes.lock().unwrap().clone();
    let nothing = v1::ReplaceSpec {
        name: "hello".into(),
        limits: Some(v1::Limits::default()),
        grants: Some(v1::Grants::default()),
        ..v1::ReplaceSpec::default()
    };
    assert_eq!(changes[0], (nothing.clone(), Vec::new()));
    let (spec, bytes) = &changes[1];
    assert_eq!((bytes.len(), spec.size, spec.sha256.len()), (200_000, 200_000, 64));
    assert_eq!((spec.file_name.as_str(), spec.config.as_str()), ("libnew.so", "1"));
    assert_eq!(spec.probe.as_deref(), Some("/health?deep=1"));
    assert_eq!(spec.limits, Some(v1::Limits { instances: 3, ..v1::Limits::default() }));
    assert_eq!(spec.grants.as_ref().unwrap().net, ["a.example:443"]);
    let last =
        v1::ReplaceSpec { probe: Some(String::new()), no_grants: true, prefix: "/new".into(), ..nothing };
    assert_eq!(changes[2].0, last);
    let json = fake.run(["replace", "hello", "-o", "json"]).json();
    assert_eq!((&json["name"], &json["replaced"]), (&"hello".into(), &true.into()));
}

#[test]
fn a_failed_replacement_is_1_and_brings_the_last_lines() {
    assert_snapshot!(Fake::start().run(["replace", "silent"]).all(), @r"
    exit 1
    --- stderr
    error: probe: it has answered the probe with 500, where 2xx was expected
      it said at the end:
      | no database
      | \u{1b}[2Jgiving up
      help: see `valorctl logs`
    ");
}

#[test]
fn bad_changes_are_2_and_need_no_daemon() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["replace"][..],
        &["replace", "Has Spaces"],
        &["replace", "x", "--probe", "health"],
        &["replace", "x", "--probe", "/a/../b"],
        &["replace", "x", "--probe", "/a", "--no-probe"],
        &["replace", "x", "--config", "Alice"],
        &["replace", "x", "--replace"],
        &["replace", "x", "--name", "y"],
        &["register", "lib.so", "--probe", "/a b"],
        &["enable"],
        &["disable"],
        &["drain"],
        &["drain", "x", "--wait", "false"],
        &["drain", "x", "--wait=soon"],
        &["events", "--since", "yesterday"],
        &["events", "--tail", "all"],
    ] {
        let run = run(dir.path(), args, &[]);
        // `--wait` takes its value after an equals sign, so that a name may follow; "false" is a name then.
        let expected = if args == ["drain", "x", "--wait", "false"] { 4 } else { 2 };
        assert_eq!(run.code, expected, "{args:?}: {}", run.all());
    }
    assert_eq!(run(dir.path(), ["replace", "x", "no-such-file.so"], &[]).code, 3);
}

#[test]
fn orders_say_what_became_of_each() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["disable", "a", "b"]).all(), @"
    exit 0
    --- stdout
    disabled a (disabled)
    disabled b (disabled)
    ");
    assert_snapshot!(fake.run(["drain", "a", "--wait"]).all(), @"
    exit 0
    --- stdout
    drained a (stopped)
    ");
    assert_snapshot!(fake.run(["drain", "a", "--wait=false"]).all(), @"
    exit 0
    --- stdout
    drain accepted: a (draining)
    ");
    assert_snapshot!(fake.run(["enable", "a", "missing", "refused", "b"]).all(), @"
    exit 3
    --- stdout
    enabled a (ready)
    enabled b (ready)
    --- stderr
    error: look up: no plugin `missing`
      help: see `valorctl list`
    error: sandbox: property no-network does not hold: no net namespace
      help: enable unprivileged user namespaces
    ");
    assert_eq!(fake.run(["restart", "a", "--wait=false", "-o", "json"]).json()["state"], "starting");
    assert_eq!(fake.run(["disable", "a", "b", "-o", "json"]).json().as_array().unwrap().len(), 2);
    assert_eq!(fake.run(["drain", "a", "b", "-o", "name"]).stdout, "a\nb\n");
    for (verb, name, code) in [
        ("enable", "hang", 124),
        ("disable", "hang", 124),
        ("drain", "hang", 124),
        ("replace", "hang", 124),
        ("enable", "late", 124),
        ("disable", "refused", 5),
        ("drain", "missing", 3),
        ("replace", "missing", 3),
        ("enable", "broken", 1),
        ("disable", "stopping", 4),
    ] {
        let run = fake.run([verb, name, "--wait-timeout", "500ms"]);
        assert_eq!(run.code, code, "{verb} {name}: {}", run.all());
    }
}

#[test]
fn events() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["events"]).all(), @r"
    exit 0
    --- stdout
    2023-11-14T22:13:20.001Z hello ready: operator: replace (by uid 1000, pid 77)
    2023-11-14T22:13:20.002Z hello/0 (pid 4242) backoff: signal: it was ended by signal 11 (SIGSEGV)\u{1b}[2J
    2023-11-14T22:13:20.003Z 9 events are left out: they came faster than they were read
    2023-11-14T22:13:20.013Z hello stopped: shutdown
    ");
    let run = fake.run(["events", "-o", "json"]);
    let objects: Vec<serde_json::Value> =
        run.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(objects.len(), 4, "one object a line");
    assert_eq!(
        objects[0],
        serde_json::json!({
            "time_ms": 1_700_000_000_001_u64, "serial": 1, "plugin": "hello", "instance": null, "generation": null,
            "pid": null, "state": "ready", "cause": "operator", "exit_code": null, "signal": null,
            "detail": "replace", "by": {"uid": 1000, "pid": 77}
        })
    );
    assert_eq!((&objects[1]["instance"], &objects[1]["signal"]), (&0.into(), &11.into()));
    assert_eq!(objects[2], serde_json::json!({"time_ms": 1_700_000_000_003_u64, "missed": 9}));
    assert_eq!(fake.run(["events", "-o", "name"]).stdout, "hello\nhello\nhello\n");
    fake.run(["events", "a", "b", "--tail", "3", "--since", "2023-11-14T22:13:20Z", "-f"]);
    let asked = fake.asked_events.lock().unwrap().last().unwrap().clone();
    let expected = v1::EventsRequest {
        names: vec!["a".into(), "b".into()],
        tail: Some(3),
        since_ms: 1_700_000_000_000,
        follow: true,
    };
    assert_eq!(asked, expected);
    assert_eq!(fake.run(["events", "stalls", "--wait-timeout", "200ms"]).code, 124);
}

#[test]
fn a_follower_of_events_prints_each_as_it_comes() {
    use std::io::BufRead as _;
    let fake = Fake::start();
    let socket = fake.path("control.sock");
    let mut child = common::command(
        fake.dir.path(),
        ["events", "-f", "stalls", "-o", "json"],
        &[("VALOR_CONTROL", socket.to_str().unwrap())],
    );
    child.stdout(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap_or_else(|error| panic!("{error}"));
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..4 {
        let line = lines.next().unwrap().unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&line).unwrap().is_object(), "{line}");
    }
    assert!(child.try_wait().unwrap().is_none(), "still waiting for more");
    child.kill().unwrap();
    child.wait().unwrap();
}
