//! The verbs that know a whole file: apply, diff, export, reload.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::io::Write as _;

use common::{Fake, Run, command, finish};
use insta::assert_snapshot;

/// One of each, besides one that is wrong.
const FILE: &str = r#"
[[plugins]]
name = "new"
path = "libnew.so"
prefix = "/n"
probe = "/health"
grants = { net = ["a.example:443"] }
limits = { memory = "1GiB" }

[[plugins]]
name = "kept"
path = "libnew.so"

[[plugins]]
name = "changed"
path = "new"
config = { who = "Bob", n = 1 }
grants = { net = ["kept.example:443", "other.example"] }

[[plugins]]
name = "turned-off"
path = "libnew.so"
disabled = true

[[plugins]]
name = "turned-on"
sha256 = "5555555555555555555555555555555555555555555555555555555555555555"
"#;

fn with(file: &str) -> Fake {
    let fake = Fake::start();
    fake.file("libnew.so", &vec![7; 100_000]);
    fake.file("plugins.toml", file.as_bytes());
    fake
}

fn piped(fake: &Fake, args: &[&str], input: &str) -> Run {
    let socket = fake.path("control.sock");
    let mut child = command(fake.dir.path(), args, &[("VALOR_CONTROL", socket.to_str().unwrap())]);
    child.stdin(std::process::Stdio::piped());
    child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    finish(fake.dir.path(), child.wait_with_output().unwrap())
}

#[test]
fn diff_tells_what_differs() {
    let fake = with(FILE);
    assert_snapshot!(fake.run(["diff", "-f", "plugins.toml"]).all(), @r#"
    exit 1
    --- stdout
    - hello
    - markdown
    + new
        grants.net: +a.example:443
        limits.memory: 1GiB
        prefix: /n
        probe: /health
    ~ changed
        config.who: Alice → Bob
        grants.env: -TOKEN=\u{202e}secret
        grants.net: +other.example -gone.example:443
        limits.timeout: 90s → 5s
        limits.total_timeout: 0
        sha256: abababababab → 2c4b101169bf
    ~ turned-off
        disabled: true
    ~ turned-on
        disabled: true → none
    "#);
    let json = fake.run(["diff", "-f", "plugins.toml", "-o", "json"]);
    assert_eq!(json.code, 1);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let actions: Vec<_> =
        json.as_array().unwrap().iter().map(|step| step["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["unregister", "unregister", "register", "replace", "disable", "enable"]);
    let change = &json[3]["changes"][0];
    assert_eq!(*change, serde_json::json!({"field": "config.who", "from": "Alice", "to": "Bob"}));
    assert!(fake.uploads().is_empty(), "nothing is done");
    // The daemon has two plugins that none of these files names.
    let same =
        "plugins = [{ name = \"hello\", path = \"libnew.so\" }, { name = \"markdown\", path = \"new\" }]";
    let same = piped(&fake, &["diff", "-f", "-"], same);
    assert_eq!((same.code, same.stdout.as_str(), same.stderr.as_str()), (0, "", ""));
}

#[test]
fn apply_does_what_differs_and_only_that() {
    let fake = with(FILE);
    assert_snapshot!(fake.run(["apply", "-f", "plugins.toml", "--dry-run"]).all(), @r#"
    exit 0
    --- stdout
    would register new
        grants.net: +a.example:443
        limits.memory: 1GiB
        prefix: /n
        probe: /health
    unchanged kept
    would replace changed
        config.who: Alice → Bob
        grants.env: -TOKEN=\u{202e}secret
        grants.net: +other.example -gone.example:443
        limits.timeout: 90s → 5s
        limits.total_timeout: 0
        sha256: abababababab → 2c4b101169bf
    would disable turned-off
        disabled: true
    would enable turned-on
        disabled: true → none
    --- stderr
    note: not in the file, and left alone without --prune: hello, markdown
    "#);
    assert!(fake.uploads().is_empty());
    assert_snapshot!(fake.run(["apply", "-f", "plugins.toml"]).all(), @"
    exit 0
    --- stdout
    registered new at /n (ready)
    unchanged kept
    replaced changed at /changed (ready)
    disabled turned-off at /hi (disabled)
    enabled turned-on at /hi (ready)
    --- stderr
    note: not in the file, and left alone without --prune: hello, markdown
    ");
    let uploads = fake.uploads();
    let names: Vec<_> = uploads.iter().map(|upload| upload.spec.name.as_str()).collect();
    assert_eq!(names, ["new", "changed"]);
    let new = &uploads[0];
    assert_eq!(
        (new.bytes.len(), new.spec.size, new.spec.file_name.as_str()),
        (100_000, 100_000, "libnew.so")
    );
    assert_eq!(
        (new.spec.prefix.as_str(), new.spec.probe.as_str(), new.spec.replace),
        ("/n", "/health", true)
    );
    assert_eq!(new.spec.limits.as_ref().unwrap().memory, 1 << 30);
    assert_eq!(uploads[1].spec.config, r#"{"n":1,"who":"Bob"}"#);
    assert_snapshot!(fake.run(["apply", "-f", "plugins.toml", "--prune", "-q", "-o", "name"]).all(), @"
    exit 0
    --- stdout
    hello
    markdown
    new
    kept
    changed
    turned-off
    turned-on
    ");
    let json = fake.run(["apply", "-f", "plugins.toml", "--prune", "-o", "json"]).json();
    let done: Vec<_> =
        json.as_array().unwrap().iter().map(|step| (&step["name"], &step["action"], &step["done"])).collect();
    assert_eq!(done.len(), 7);
    assert!(done.iter().all(|(.., done)| *done == true), "{done:?}");
    assert_eq!(done[0], (&"hello".into(), &"unregister".into(), &true.into()));
}

#[test]
fn what_valord_keeps_is_not_sent_again() {
    let hash = "55".repeat(32);
    let file = format!("plugins = [{{ name = \"new\", path = \"libgone.so\", sha256 = \"{hash}\" }}]");
    let fake = with(&file);
    let run = fake.run(["apply", "-f", "plugins.toml", "-q"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let upload = &fake.uploads()[0];
    assert!(upload.bytes.is_empty() && upload.spec.stored && upload.spec.size == 0);
    assert_eq!((upload.spec.sha256.as_str(), upload.spec.file_name.as_str()), (hash.as_str(), "libgone.so"));
}

#[test]
fn one_failing_entry_does_not_stop_the_others() {
    let hash = "66".repeat(32);
    let file = format!(
        r#"
plugins = [
  {{ name = "new-a", path = "nothing/here.so" }},
  {{ name = "new-b", path = "libnew.so", prefx = "/b" }},
  {{ name = "refused", path = "libnew.so" }},
  {{ name = "owned", path = "libnew.so" }},
  {{ name = "new-c", path = "libnew.so", sha256 = "{hash}" }},
  {{ name = "new-d", sha256 = "{hash}" }},
  {{ name = "new-e", path = "libnew.so" }},
]
"#
    );
    let fake = with(&file);
    assert_snapshot!(fake.run(["apply", "-f", "plugins.toml"]).all(), @"
    exit 1
    --- stdout
    registered new-e at /new-e (ready)
    --- stderr
    note: not in the file, and left alone without --prune: hello, markdown
    error: plugins.toml:3:3: new-a: path: ./nothing/here.so is no file: build the plugin, or correct the path
    error: plugins.toml:5:3: refused: sandbox: property no-network does not hold: no net namespace
      help: enable unprivileged user namespaces
    error: plugins.toml:7:3: new-c: sha256: ./libnew.so has 2c4b101169bf328cd4a882e640a8b57eb3acf76518b3d105869905cf629e791c
      help: correct `path` or `sha256`
    error: plugins.toml:8:3: new-d: sha256: valord keeps no such artifact
      help: say with `path` where it is
    error: plugins.toml:4:41: new-b: prefx: unknown key `prefx`: did you mean `prefix`?
    error: owned: belongs to valord's plugins file
      help: change it there and `valorctl reload`
    ");
    assert_eq!(fake.uploads().len(), 1);
    let run = fake.run(["apply", "-f", "plugins.toml", "-o", "json", "-q"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(run.code, 1);
    assert_eq!(json[0]["error"], "owned: belongs to valord's plugins file");
    assert_eq!(
        (&json[1]["name"], &json[1]["done"], &json[1]["error"]),
        (&"new-e".into(), &true.into(), &().into())
    );
    assert_snapshot!(fake.run(["diff", "-f", "plugins.toml"]).stdout, @r#"
    - hello
    - markdown
    ~ owned (belongs to valord's plugins file)
        config.n: 1 → none
        config.who: Alice → none
        grants.env: -TOKEN=\u{202e}secret
        grants.net: -kept.example:443 -gone.example:443
        limits.timeout: 90s → 5s
        limits.total_timeout: 0
        sha256: abababababab → 2c4b101169bf
    + new-e
        prefix: /new-e
    "#);
}

#[test]
fn what_is_no_file_is_told_before_anything_is_done() {
    let fake = with("[[plugins]]\nname = \n");
    assert_snapshot!(fake.run(["apply", "-f", "plugins.toml"]).all(), @"
    exit 2
    --- stderr
    error: plugins.toml:2:8: string values must be quoted, expected literal string
    ");
    assert_eq!(fake.run(["diff", "-f", "no-such-file.toml"]).code, 3);
    assert_eq!(fake.run(["apply"]).code, 2);
    assert_snapshot!(piped(&fake, &["apply", "-f", "-"], "{\"plugin\": []}").all(), @"
    exit 2
    --- stderr
    error: stdin:1:12: unknown key `plugin`: did you mean `plugins`?
    ");
    assert_eq!(fake.run(["apply", "-f", "plugins.toml", "-o", "toml"]).code, 2, "there is nothing to write");
}

#[test]
fn export_is_a_plugins_file() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["export"]).all(), @r#"
    exit 0
    --- stdout
    [[plugins]]
    name = "hello"
    path = "libhello.so"
    sha256 = "abababababababababababababababababababababababababababababababab"
    prefix = "/hello"
    probe = "/health"

    [plugins.limits]
    timeout = "30s"
    idle_timeout = "500ms"
    total_timeout = "0"
    concurrency = 256
    queue = 0
    instances = 2
    memory = "512MiB"
    max_body = "0"

    [plugins.grants]
    env = ["TOKEN=secret"]

    [plugins.config]
    n = [1, 2.5, true]
    who = "Alice"

    [[plugins]]
    name = "markdown"
    path = "libmarkdown.so"
    sha256 = "abababababababababababababababababababababababababababababababab"
    prefix = "/markdown"
    probe = "/health"
    disabled = true

    [plugins.limits]
    timeout = "30s"
    idle_timeout = "500ms"
    total_timeout = "0"
    concurrency = 256
    queue = 0
    instances = 2
    memory = "512MiB"
    max_body = "0"

    [plugins.grants]
    env = ["TOKEN=secret"]

    [plugins.config]
    n = [1, 2.5, true]
    who = "Alice"
    "#);
    let json = fake.run(["export", "markdown", "-o", "json"]).json();
    assert_eq!(json["plugins"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&json["plugins"][0]["disabled"], &json["plugins"][0]["config"]["n"][1]),
        (&true.into(), &2.5.into())
    );
    let toml = fake.run(["export", "-o", "toml"]);
    assert_eq!((toml.code, &toml.stdout), (0, &fake.run(["export"]).stdout));
    assert_eq!(fake.run(["export", "-o", "name"]).stdout, "hello\nmarkdown\n");
    assert_eq!(fake.run(["export", "missing", "hello"]).code, 3);
    let evil = fake.run(["export", "evil"]);
    assert!(evil.code == 1 && evil.stderr.contains("-o json"), "{}", evil.all());
    assert!(!fake.run(["export", "evil", "-o", "json"]).stdout.contains('\u{202e}'));
}

#[test]
fn reload_tells_what_came_of_it() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["reload"]).all(), @"
    exit 1
    --- stdout
    unregistered gone
    unchanged a
    replaced b
    registered c
    --- stderr
    note: a restart of valord is needed for valord.toml: http.max_head, workers
    error: d: create: no database; see what it said
    error: an entry: /etc/valor/plugins.toml:7:1: missing field `name`
    ");
    let run = fake.run(["reload", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &json["file"]), (1, &"/etc/valor/plugins.toml".into()));
    assert_eq!(json["plugins"][4]["error"], "create: no database; see what it said");
    assert_eq!(json["restart"], serde_json::json!(["http.max_head", "workers"]));
    assert_eq!(fake.run(["reload", "-q", "-o", "name"]).stdout, "gone\na\nb\nc\n");
}
