//! A file of plugins and the real `valorctl`: apply, diff, export.

use std::path::Path;

use serde_json::json;
use valor_control::v1;

use super::load::Load;
use super::{C, RUST, c, ctl, rust};
use crate::artifacts::misbehave;
use crate::client::Spec;
use crate::harness::Valord;

/// A plugins file beside the daemon's own directories.
fn write(valord: &Valord, name: &str, plugins: &serde_json::Value) -> String {
    let path = valord.dir.path().join(name);
    std::fs::write(&path, json!({ "plugins": plugins }).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// All that `valorctl` prints, one line a plugin.
fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test]
async fn only_what_differs_is_changed_and_no_request_is_lost() {
    let valord = Valord::start().await;
    valord.register(Spec::new(c(), "other")).await;
    let first = json!([{"name": "same", "path": c()}, {"name": "changes", "path": rust(), "config": 1}]);
    let file = write(&valord, "plugins.json", &first);
    let planned = ctl(&valord, &["diff", "-f", &file]).await;
    assert_eq!((planned.code, planned.stderr.as_str()), (1, ""));
    let sign = |line: &&str| line.starts_with(['+', '-', '~']);
    let signs: Vec<_> = planned.stdout.lines().filter(sign).collect();
    assert_eq!(signs, ["- other", "+ same", "+ changes"]);
    assert_eq!(valord.names().await, ["other"], "diff has changed something");
    let dry = ctl(&valord, &["apply", "-f", &file, "--dry-run", "--prune", "-q"]).await.ok();
    assert!(dry.contains("would unregister other") && dry.contains("would register same"), "{dry}");
    assert_eq!(valord.names().await, ["other"], "a dry run has changed something");
    let done = ctl(&valord, &["apply", "-f", &file, "-q"]).await.ok();
    assert_eq!(lines(&done), ["registered same at /same (ready)", "registered changes at /changes (ready)"]);
    let (same, other) = (valord.pid("same").await, valord.pid("other").await);

    // The other build, and one that is new, under load.
    let load = Load::start(&valord, "/changes", 4).await;
    let steady = Load::of(&valord, "/same", 2, [C, C]).await;
    let second = json!([
        {"name": "same", "path": c()},
        {"name": "changes", "path": c(), "limits": {"concurrency": 99}},
        {"name": "new", "path": c(), "prefix": "/n/e/w"},
    ]);
    let file = write(&valord, "plugins.json", &second);
    let planned = ctl(&valord, &["diff", "-f", &file]).await;
    for text in
        ["~ changes", "limits.concurrency: 256 → 99", "config: 1 → none", "sha256: ", "+ new", "- other"]
    {
        assert!(planned.stdout.contains(text), "{text:?} in {planned:?}");
    }
    assert!(!planned.stdout.contains("same"), "{planned:?}");
    load.begin();
    let done = ctl(&valord, &["apply", "-f", &file]).await;
    load.done();
    assert_eq!(
        (done.code, done.stderr.as_str()),
        (0, "note: not in the file, and left alone without --prune: other\n")
    );
    let expected =
        ["unchanged same", "replaced changes at /changes (ready)", "registered new at /n/e/w (ready)"];
    assert_eq!(lines(&done.stdout), expected);
    load.more(50).await;
    assert_eq!(valord.pid("same").await, same, "what is the same keeps its process");
    assert_eq!(valord.pid("other").await, other);
    assert_eq!(valord.get("/n/e/w").await.text(), C);

    let done = ctl(&valord, &["apply", "-f", &file, "--prune"]).await.ok();
    assert_eq!(lines(&done), ["unregistered other", "unchanged same", "unchanged changes", "unchanged new"]);
    assert_eq!(valord.names().await, ["changes", "new", "same"]);
    ctl(&valord, &["diff", "-f", &file]).await.ok();
    assert_eq!(valord.pid("same").await, same);
    steady.more(10).await;
    assert!(steady.stop().await > 0 && load.stop().await > 0);
    valord.stop().await;
}

#[tokio::test]
async fn prefixes_change_hands_in_one_apply() {
    let valord = Valord::start().await;
    let entry = |name: &str, path, prefix: &str| json!({"name": name, "path": path, "prefix": prefix});
    let file = write(
        &valord,
        "plugins.json",
        &json!([entry("a", rust(), "/x"), entry("b", c(), "/y"), entry("last", c(), "/z")]),
    );
    ctl(&valord, &["apply", "-f", &file]).await.ok();
    let (a, b) = (valord.pid("a").await, valord.pid("b").await);
    let (x, y) = (Load::start(&valord, "/x", 2).await, Load::of(&valord, "/y", 2, [C, RUST]).await);
    // A swap, of which one is also another otherwise, and a chain.
    let mut second = json!([entry("b", c(), "/x"), entry("a", rust(), "/y"), entry("last", c(), "/w")]);
    second[0]["limits"] = json!({"concurrency": 99});
    let file = write(&valord, "plugins.json", &second);
    x.begin();
    y.begin();
    let done = ctl(&valord, &["apply", "-f", &file]).await.ok();
    x.done();
    y.done();
    assert_eq!(
        lines(&done),
        ["replaced b at /x (ready)", "replaced a at /y (ready)", "replaced last at /w (ready)"]
    );
    x.more(50).await;
    y.more(50).await;
    assert!(x.stop().await > 0 && y.stop().await > 0);
    assert_eq!(valord.pid("a").await, a, "a move needs no new process");
    assert_ne!(valord.pid("b").await, b);
    ctl(&valord, &["diff", "-f", &file]).await.ok();
    let events = ctl(&valord, &["events"]).await.stdout;
    assert!(events.contains("move; to /y"), "{events}");

    // What is in the way of one is in the way of all.
    valord.register(Spec::new(c(), "other")).await;
    let third = json!([entry("b", c(), "/y"), entry("a", rust(), "/other"), entry("last", c(), "/w")]);
    let file = write(&valord, "plugins.json", &third);
    let run = ctl(&valord, &["apply", "-f", &file]).await;
    run.fails(1, &["a: prefix: the prefix /other belongs to the plugin other"]);
    assert_eq!((valord.get("/x").await.text(), valord.get("/y").await.text()), (C, RUST));
    valord.stop().await;
}

#[tokio::test]
async fn what_fails_stays_as_it_was_and_stops_nobody() {
    let valord = Valord::start().await;
    let file = write(&valord, "plugins.json", &json!([{"name": "a", "path": rust()}]));
    ctl(&valord, &["apply", "-f", &file]).await.ok();
    let pid = valord.pid("a").await;
    let bad = json!([
        {"name": "a", "path": misbehave("create_fails")},
        {"name": "b", "path": "nowhere.so"},
        {"name": "c", "path": rust(), "limits": {"timeout": "2d"}},
        {"name": "d", "path": rust(), "prefix": "/a"},
        {"name": "e", "path": rust()},
        {"name": "f", "path": rust(), "configg": 1},
    ]);
    let file = write(&valord, "plugins.json", &bad);
    let run = ctl(&valord, &["apply", "-f", &file, "--prune"]).await;
    run.fails(
        1,
        &[
            "no database",
            "plugins.json:1:", // where the entry stands
            "b: path: ",
            "limits.timeout_ms: must be between 1ms and 24h",
            "d: prefix: \"/a\" is taken by a",
            "did you mean `config`?",
        ],
    );
    assert_eq!(lines(&run.stdout), ["registered e at /e (ready)"]);
    assert_eq!(valord.names().await, ["a", "e"]);
    assert_eq!((valord.pid("a").await, valord.get("/a").await.text()), (pid, RUST));
    valord.stop().await;
}

#[tokio::test]
async fn what_is_disabled_in_the_file_has_no_processes() {
    let valord = Valord::start().await;
    let entry = |disabled: bool| json!([{"name": "x", "path": rust(), "disabled": disabled}]);
    let off = write(&valord, "off.json", &entry(true));
    let on = write(&valord, "on.json", &entry(false));
    let apply = async |file: &str| ctl(&valord, &["apply", "-f", file]).await.ok();
    assert_eq!(apply(&off).await, "registered x at /x (disabled)\n");
    assert!(valord.inspect("x").await.instances.is_empty());
    valord.get("/x").await.problem(503, "x");
    assert_eq!(apply(&off).await, "unchanged x\n");
    assert_eq!(apply(&on).await, "enabled x at /x (ready)\n");
    let pid = valord.pid("x").await;
    assert_eq!(valord.get("/x").await.text(), RUST);
    assert_eq!(apply(&on).await, "unchanged x\n");
    assert_eq!(valord.pid("x").await, pid);
    assert_eq!(apply(&off).await, "disabled x at /x (disabled)\n");
    crate::harness::until_gone(pid).await;

    // A plugin that serves is replaced by one that shall not; what it was is finished first.
    apply(&on).await;
    let changed = json!([{"name": "x", "path": c(), "disabled": true}]);
    let changed = write(&valord, "changed.json", &changed);
    assert_eq!(apply(&changed).await, "replaced x at /x (disabled)\n");
    assert!(valord.inspect("x").await.instances.is_empty());
    ctl(&valord, &["enable", "x"]).await.ok();
    assert_eq!(valord.get("/x").await.text(), C);

    // It stays so over a restart of the daemon, and what cannot start is not taken in.
    apply(&changed).await;
    let bad = write(
        &valord,
        "bad.json",
        &json!([{"name": "y", "path": misbehave("create_fails"), "disabled": true}]),
    );
    ctl(&valord, &["apply", "-f", &bad]).await.fails(1, &["no database"]);
    assert_eq!(valord.names().await, ["x"]);
    let valord = Valord::start_in(valord.stop().await, |_| {}).await;
    assert_eq!(valord.plugin("x").await.state, "disabled");
    valord.stop().await;
}

/// Plugins with every kind of setting.
fn settings(granted: &Path) -> Vec<Spec> {
    let one = |name: &str, change: &dyn Fn(&mut v1::PluginSpec)| Spec::new(c(), name).change(change);
    let (read, write) = ("/usr/share".to_owned(), granted.to_str().unwrap().to_owned());
    let grants = v1::Grants {
        net: vec!["b.example:443".into(), "10.0.0.0/8:5432".into(), "*.a.example".into()],
        read: vec![read],
        write: vec![write],
        env: vec!["TOKEN=se'cr\"et\n=".into(), "A=".into(), "PATH".into()],
    };
    let config = r#"{"null": null, "deep": [{"x": [1, 2.5, 1e300, -0.0]}], "ä": "\u202e \\ \" '''", "": {}}"#;
    let all = v1::Limits {
        timeout_ms: 1500,
        idle_timeout_ms: 120_000,
        total_timeout_ms: Some(3_600_000),
        concurrency: 7,
        queue: Some(0),
        instances: 2,
        memory: (256 << 20) + 1,
        max_body: Some(0),
        cpu_milli: 500,
        pids: 900,
    };
    vec![
        one("config", &|spec| (spec.config, spec.prefix) = (config.to_owned(), "/far/away".to_owned())),
        one("grants", &|spec| (spec.grants, spec.probe) = (Some(grants.clone()), "/?health=1".to_owned())),
        one("limits", &|spec| (spec.limits, spec.config) = (Some(all), "\"Alice\"".to_owned())),
        one("off", &|spec| {
            let endless = v1::Limits { total_timeout_ms: Some(0), ..v1::Limits::default() };
            (spec.limits, spec.disabled) = (Some(endless), true);
        }),
    ]
}

/// Which processes there are.
async fn processes(valord: &Valord) -> Vec<(String, Vec<u32>)> {
    let mut found = Vec::new();
    for name in valord.names().await {
        let instances = valord.inspect(&name).await.instances;
        found.push((name, instances.iter().map(|instance| instance.pid).collect()));
    }
    found
}

#[tokio::test]
async fn export_and_apply_of_every_setting_changes_nothing() {
    let valord = Valord::start_with(|app| {
        app.config.limits.total_timeout = Some(std::time::Duration::from_secs(77));
    })
    .await;
    let granted = valord.dir.path().join("granted");
    std::fs::create_dir(&granted).unwrap();
    std::fs::set_permissions(&granted, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    for spec in settings(&granted) {
        valord.register(spec).await;
    }
    let before = processes(&valord).await;
    let json = ctl(&valord, &["export", "-o", "json"]).await.ok();
    let toml = ctl(&valord, &["export", "grants", "limits", "off"]).await.ok();
    for (name, text, known) in [("all.json", &json, 4), ("some.toml", &toml, 3)] {
        let path = valord.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let done = ctl(&valord, &["apply", "-f", path.to_str().unwrap(), "-q"]).await.ok();
        let unchanged = lines(&done).iter().filter(|line| line.starts_with("unchanged ")).count();
        assert_eq!((unchanged, lines(&done).len()), (known, known), "{done}\n{text}");
    }
    ctl(&valord, &["diff", "-f", valord.dir.path().join("all.json").to_str().unwrap()]).await.ok();
    assert_eq!(processes(&valord).await, before, "a process was started anew");

    // What was granted stays there.
    let _kept = valord.stop().await;

    // And elsewhere it makes the same of the same file.
    let other = Valord::start().await;
    let beside = other.dir.path().join("beside");
    std::fs::create_dir(&beside).unwrap();
    let library = beside.join(c().file_name().unwrap());
    std::fs::copy(c(), &library).unwrap();
    let file = beside.join("plugins.json");
    std::fs::write(&file, &json).unwrap();
    ctl(&other, &["apply", "-f", file.to_str().unwrap(), "-q"]).await.ok();
    assert_eq!(ctl(&other, &["export", "-o", "json"]).await.ok(), json);

    // A file that is not the one of the hash is none.
    std::fs::copy(rust(), &library).unwrap();
    ctl(&other, &["unregister", "config", "grants", "limits", "off"]).await.ok();
    let run = ctl(&other, &["apply", "-f", file.to_str().unwrap()]).await;
    run.fails(1, &["sha256: ", "correct `path` or `sha256`"]);
    assert!(other.names().await.is_empty());
    other.stop().await;
}
