//! What each verb prints, as a table, as JSON and as names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::Fake;
use insta::assert_snapshot;

#[test]
fn list() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["list"]).all(), @"
    exit 0
    --- stdout
    NAME      KIND    PREFIX  STATE    READY  RESTARTS  REQUESTS  SINCE  SOURCE  WEB
    hello     native  /hi     ready    3/3    2         1234      3h     api     -
    markdown  native  /md     backoff  0/3    2         1234      3h     api     -
    ");
    assert_eq!(fake.run(["ls", "-o", "name"]).stdout, "hello\nmarkdown\n");
    let json = fake.run(["list", "-o", "json"]).json();
    assert_eq!(json.as_array().unwrap().len(), 2);
    let mut first = json[0].clone();
    assert!(first.as_object_mut().unwrap().remove("since_ms").unwrap().is_u64());
    insta::assert_json_snapshot!(first, @r#"
    {
      "errors": 5,
      "in_flight": 1,
      "kind": "native",
      "name": "hello",
      "out_of_memory": 1,
      "prefix": "/hi",
      "ready": 3,
      "reason": "",
      "requests": 1234,
      "restarts": 2,
      "sha256": "abababababababababababababababababababababababababababababababab",
      "source": "api",
      "state": "ready",
      "version": "0.1.0",
      "wanted": 3
    }
    "#);
}

#[test]
fn inspect() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["inspect", "hello"]).all(), @r#"
    exit 0
    --- stdout
    name:      hello 0.1.0
    prefix:    /hi
    state:     ready for 3h
    artifact:  native sha256:abababababababababababababababababababababababababababababababab
    source:    api
    requests:  1234 (5 errors, 1 in flight)
    restarts:  2 (1 out of memory)
    probe:     GET /health
    limits:    timeout 30s, idle 500ms, total none, concurrency 256, queue 1024, instances 1, memory 512 MiB, cpu 0.5, pids 1024, body 64 MiB
    grants:    --allow-net example.org:443
    config:    {"who":"Alice"}

    INSTANCE  GENERATION  PID   STATE  RESTARTS  STARTED                   SDK          REASON
    0         7           4242  ready  2         2023-11-14T22:13:20.000Z  valor 0.1.0  -

    LAYER    STATUS  CHECKED   REASON
    seccomp  full    verified  -
    cgroup   absent  reported  no delegated cgroup v2

    last log lines:
    2023-11-14T22:13:20.123Z log info hello: hello\nfrom \u{1b}[31mred
    "#);
    assert_eq!(fake.run(["inspect", "hello", "-o", "name"]).stdout, "hello\n");
    let mut json = fake.run(["inspect", "hello", "-o", "json"]).json();
    json.as_object_mut().unwrap().remove("since_ms");
    insta::assert_json_snapshot!(json, @r#"
    {
      "config": {
        "who": "Alice"
      },
      "errors": 5,
      "grants": {
        "env": [],
        "net": [
          "example.org:443"
        ],
        "read": [],
        "write": []
      },
      "in_flight": 1,
      "instances": [
        {
          "abi": 1,
          "generation": 7,
          "index": 0,
          "pid": 4242,
          "reason": "",
          "restarts": 2,
          "sdk": "valor 0.1.0",
          "started_ms": 1700000000000,
          "state": "ready"
        }
      ],
      "kind": "native",
      "limits": {
        "concurrency": 256,
        "cpu_milli": 500,
        "idle_timeout_ms": 500,
        "instances": 1,
        "max_body": 67108864,
        "memory": 536870912,
        "pids": 1024,
        "queue": 1024,
        "timeout_ms": 30000,
        "total_timeout_ms": null
      },
      "log": [
        {
          "level": "info",
          "message": "hello\nfrom \u001b[31mred",
          "stream": "log",
          "target": "hello",
          "time_ms": 1700000000123
        }
      ],
      "manifest": {
        "manifest": 1,
        "name": "hello"
      },
      "name": "hello",
      "out_of_memory": 1,
      "prefix": "/hi",
      "probe": "/health",
      "ready": 3,
      "reason": "",
      "requests": 1234,
      "restarts": 2,
      "sandbox": [
        {
          "layer": "seccomp",
          "reason": "",
          "status": "full",
          "verified": true
        },
        {
          "layer": "cgroup",
          "reason": "no delegated cgroup v2",
          "status": "absent",
          "verified": false
        }
      ],
      "sha256": "abababababababababababababababababababababababababababababababab",
      "source": "api",
      "state": "ready",
      "version": "0.1.0",
      "wanted": 3
    }
    "#);
}

#[test]
fn a_plugin_that_is_down_says_why_and_cannot_paint_the_terminal() {
    let run = Fake::start().run(["inspect", "sick"]);
    assert!(run.stdout.contains("reason:    it crashed\\n\\u{1b}[2Jtwice\n"), "{}", run.stdout);
    assert!(!run.stdout.contains('\x1b'));
}

#[test]
fn restart_and_unregister() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["restart", "hello"]).all(), @"
    exit 0
    --- stdout
    restarted hello (ready)
    ");
    assert_eq!(fake.run(["restart", "hello", "-o", "json"]).json()["state"], "ready");
    assert_snapshot!(fake.run(["unregister", "a", "b"]).all(), @"
    exit 0
    --- stdout
    unregistered a
    unregistered b
    ");
    assert_eq!(fake.run(["unregister", "a", "b", "-o", "json"]).json(), serde_json::json!(["a", "b"]));
    // One that fails does not keep the others.
    assert_snapshot!(fake.run(["unregister", "a", "missing", "refused", "b"]).all(), @"
    exit 3
    --- stdout
    unregistered a
    unregistered b
    --- stderr
    error: look up: no plugin `missing`
      help: see `valorctl list`
    error: sandbox: property no-network does not hold: no net namespace
      help: enable unprivileged user namespaces
    ");
}

#[test]
fn routes() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["routes"]).all(), @"
    exit 0
    --- stdout
    PREFIX    PLUGIN    STATE
    /hi/deep  markdown  backoff
    /hi       hello     ready
    ");
    assert_eq!(fake.run(["routes", "-o", "name"]).stdout, "/hi/deep\n/hi\n");
    let route = serde_json::json!({"prefix": "/hi", "plugin": "hello", "state": "ready"});
    assert_eq!(fake.run(["routes", "-o", "json"]).json()[1], route);
}

#[test]
fn info() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["info"]).all(), @"
    exit 0
    --- stdout
    version:   0.1.0
    protocol:  wire 1, abi 1
    pid:       99
    started:   2023-11-14T22:13:20.000Z
    listen:    127.0.0.1:8080
    control:   /run/valor/control.sock
    state:     /var/lib/valor
    workers:   2
    plugins:   2
    policy:    no-new-privs, seccomp

    LAYER           STATUS  CHECKED   REASON
    user-namespace  full    reported  -
    ");
    let json = fake.run(["info", "-o", "json"]).json();
    assert_eq!((&json["workers"], &json["policy"][1]), (&2.into(), &"seccomp".into()));
    assert_eq!(fake.run(["info", "-o", "name"]).stdout, "0.1.0\n");
}

#[test]
fn logs() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["logs", "hello"]).all(), @r"
    exit 0
    --- stdout
    2023-11-14T22:13:20.000Z log info hello: one
    2023-11-14T22:13:21.000Z log info hello: two\u{7}
    ");
    let run = fake.run(["logs", "hello", "-o", "json"]);
    let objects: Vec<serde_json::Value> =
        run.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(
        objects[0],
        serde_json::json!({
            "time_ms": 1_700_000_000_000_u64, "stream": "log", "level": "info", "target": "hello", "message": "one"
        })
    );
    assert_eq!(fake.run(["logs", "hello", "-o", "name"]).stdout, "one\ntwo\\u{7}\n");
    assert_snapshot!(fake.run(["logs", "cut"]).all(), @r"
    exit 1
    --- stdout
    2023-11-14T22:13:20.000Z log info hello: one
    2023-11-14T22:13:21.000Z log info hello: two\u{7}
    --- stderr
    error: logs: gone
      help: is this the control socket of a valord of this release? see --control and valord's log
    ");
    fake.run(["logs", "hello", "--tail", "3", "--since", "2023-11-14T22:13:20Z", "-f"]);
    fake.run(["logs", "hello", "--tail", "0"]);
    let asked = fake.logs.lock().unwrap().clone();
    let followed = &asked[asked.len() - 2];
    assert_eq!((followed.tail, followed.since_ms, followed.follow), (Some(3), 1_700_000_000_000, true));
    assert_eq!(asked.last().unwrap().tail, Some(0));
}

#[test]
fn a_follower_prints_each_line_as_it_comes() {
    use std::io::BufRead as _;
    let fake = Fake::start();
    let socket = fake.path("control.sock");
    let mut child = common::command(
        fake.dir.path(),
        ["logs", "-f", "stalls", "-o", "name"],
        &[("VALOR_CONTROL", socket.to_str().unwrap())],
    );
    child.stdout(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap_or_else(|error| panic!("{error}"));
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    assert_eq!(lines.next().unwrap().unwrap(), "two\\u{7}");
    assert!(child.try_wait().unwrap().is_none(), "still waiting for more");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let fake = Fake::start();
    let socket = fake.path("control.sock");
    let mut child =
        common::command(fake.dir.path(), ["list"], &[("VALOR_CONTROL", socket.to_str().unwrap())]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = common::finish(
        fake.dir.path(),
        child.stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap(),
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn completions() {
    let fake = Fake::start();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = fake.run(["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("valorctl"), "{shell}");
    }
    assert_eq!(fake.run(["completions", "tcsh"]).code, 2);
}

#[test]
fn names_complete_live_and_quickly_without_a_daemon() {
    let fake = Fake::start();
    let socket = fake.path("control.sock");
    let complete = |words: &[&str], env: &[(&str, &str)]| {
        let index = (words.len() - 1).to_string();
        let env =
            [&[("COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", index.as_str()), ("_CLAP_IFS", "\n")][..], env]
                .concat();
        common::run(fake.dir.path(), ["--"].iter().chain(words), &env)
    };
    let here = [("VALOR_CONTROL", socket.to_str().unwrap())];
    assert_eq!(complete(&["valorctl", "inspect", "h"], &here).stdout, "hello");
    assert_eq!(complete(&["valorctl", "unregister", "hello", "m"], &here).stdout, "markdown");
    let typed = ["valorctl", "--control", socket.to_str().unwrap(), "restart", "h"];
    assert_eq!(complete(&typed, &[]).stdout, "hello");
    assert_eq!(complete(&["valorctl", "inspect", "h"], &[("VALOR_CONTROL", "/no/where")]).stdout, "");
    assert!(complete(&["valorctl", "insp"], &[]).stdout.contains("inspect"));
}
