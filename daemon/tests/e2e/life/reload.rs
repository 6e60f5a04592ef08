//! The plugins file is read again: by `valorctl reload`, and by SIGHUP.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::json;
use valor_control::v1::{EventsRequest, InspectRequest};

use super::load::Load;
use super::{C, RUST, c, ctl, neighbour_serves, rust};
use crate::artifacts::misbehave;
use crate::client::Spec;
use crate::daemon::{Daemon, directory, valord};
use crate::harness::{PATIENCE, Valord};

fn write(file: &Path, plugins: &serde_json::Value) {
    std::fs::write(file, json!({ "plugins": plugins }).to_string()).unwrap();
}

/// A daemon that serves a file, all of which has been brought.
async fn serving(plugins: &serde_json::Value) -> (Valord, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plugins.json");
    write(&file, plugins);
    let valord = Valord::start_in(dir, |app| app.config.plugins = Some(file.clone())).await;
    // It comes after what is brought at the start.
    ctl(&valord, &["reload"]).await.ok();
    (valord, file)
}

#[tokio::test]
async fn only_what_differs_is_changed_and_no_request_is_lost() {
    let first = json!([
        {"name": "same", "path": c()}, {"name": "changes", "path": rust()},
        {"name": "goes", "path": c()}, {"name": "off", "path": c()},
    ]);
    let (valord, file) = serving(&first).await;
    valord.register(Spec::new(rust(), "neighbour")).await;
    let load = Load::start(&valord, "/changes", 4).await;
    let steady = Load::of(&valord, "/same", 2, [C, C]).await;
    let (same, goes, off) = (valord.pid("same").await, valord.pid("goes").await, valord.pid("off").await);
    assert_eq!(
        ctl(&valord, &["reload"]).await.ok(),
        "unchanged same\nunchanged changes\nunchanged goes\nunchanged off\n"
    );

    let second = json!([
        {"name": "same", "path": c()}, {"name": "changes", "path": c()},
        {"name": "off", "path": c(), "disabled": true},
        // The prefix is free by then.
        {"name": "new", "path": c(), "prefix": "/goes"},
    ]);
    write(&file, &second);
    load.begin();
    let said = ctl(&valord, &["reload"]).await.ok();
    load.done();
    assert_eq!(said, "unregistered goes\nunchanged same\nreplaced changes\ndisabled off\nregistered new\n");
    load.more(50).await;
    assert_eq!(valord.pid("same").await, same, "what is the same keeps its process");
    assert_eq!(valord.names().await, ["changes", "neighbour", "new", "off", "same"]);
    assert_eq!(valord.get("/goes").await.text(), C);
    valord.get("/off").await.problem(503, "off");
    for pid in [goes, off] {
        crate::harness::until_gone(pid).await;
    }
    let events = ctl(&valord, &["events", "-o", "json"]).await;
    for text in [
        r#""cause":"reload""#,
        r#""state":"reloaded""#,
        r#""detail":"1 registered, 1 replaced, 1 disabled, 1 unregistered, 1 unchanged""#,
    ] {
        assert!(events.stdout.contains(text), "{text} in {}", events.stdout);
    }
    neighbour_serves(&valord).await;
    steady.more(10).await;
    assert!(steady.stop().await > 0 && load.stop().await > 0);

    // What the file owns stays the file's, for apply, too.
    ctl(&valord, &["enable", "off"])
        .await
        .fails(5, &["belongs to the plugins file", "take `disabled` away there"]);
    let listed = ctl(&valord, &["list", "-o", "json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let sources: Vec<_> =
        listed.as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["file", "api", "file", "file", "file"]);
    let other = file.with_file_name("other.json");
    write(&other, &json!([{"name": "same", "path": rust()}, {"name": "off", "path": c(), "disabled": true}]));
    let run = ctl(&valord, &["apply", "-f", other.to_str().unwrap(), "--prune"]).await;
    run.fails(1, &["same: belongs to valord's plugins file", "change it there and `valorctl reload`"]);
    assert_eq!(run.stdout, "unregistered neighbour\nunchanged off\n", "nothing of the file's is pruned");
    assert_eq!(valord.pid("same").await, same);
    valord.stop().await;
}

#[tokio::test]
async fn prefixes_change_hands_at_once_and_no_request_is_lost() {
    let entry = |name: &str, path, prefix: &str| json!({"name": name, "path": path, "prefix": prefix});
    let (valord, file) =
        serving(&json!([entry("a", rust(), "/x"), entry("b", c(), "/y"), entry("z", c(), "/z")])).await;
    let pids = [valord.pid("a").await, valord.pid("b").await];
    let (x, y) = (Load::start(&valord, "/x", 2).await, Load::of(&valord, "/y", 2, [C, RUST]).await);
    // They swap, and somebody new comes where a third one leaves.
    write(
        &file,
        &json!([
            entry("a", rust(), "/y"),
            entry("b", c(), "/x"),
            entry("z", c(), "/elsewhere"),
            entry("new", rust(), "/z"),
        ]),
    );
    x.begin();
    y.begin();
    let said = ctl(&valord, &["reload"]).await.ok();
    x.done();
    y.done();
    assert_eq!(said, "replaced a\nreplaced b\nreplaced z\nregistered new\n");
    x.more(50).await;
    y.more(50).await;
    assert!(x.stop().await > 0 && y.stop().await > 0);
    assert_eq!([valord.pid("a").await, valord.pid("b").await], pids, "a move needs no new process");
    assert_eq!((valord.get("/z").await.text(), valord.get("/elsewhere").await.text()), (RUST, C));
    let unchanged = ctl(&valord, &["reload"]).await.ok();
    assert_eq!(unchanged, "unchanged a\nunchanged b\nunchanged z\nunchanged new\n");
    valord.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_changes_nothing() {
    let (valord, file) =
        serving(&json!([{"name": "a", "path": rust()}, {"name": "b", "path": rust()}])).await;
    let pids = [valord.pid("a").await, valord.pid("b").await];
    std::fs::write(&file, "{\"plugins\": [\n{]}").unwrap();
    let run = ctl(&valord, &["reload"]).await;
    run.fails(1, &["plugins.json:2:2: key must be a string", "nothing was changed"]);
    std::fs::remove_file(&file).unwrap();
    ctl(&valord, &["reload"]).await.fails(1, &["cannot read ", "plugins.json"]);
    let events = ctl(&valord, &["events"]).await.stdout;
    assert!(
        events.contains(" valord failed: reload: ") && events.contains(":2:2: key must be a string"),
        "{events}"
    );

    // An entry that is wrong is not one that is gone, nor is any while a name cannot be read.
    std::fs::write(
        &file,
        json!({"plugins": [{"name": "a", "path": rust(), "prefx": "/x"}, {"path": "b"}]}).to_string(),
    )
    .unwrap();
    ctl(&valord, &["reload"]).await.fails(1, &["did you mean `prefix`?", "missing field `name`"]);
    // A version that does not start does not take the place of one that does.
    write(
        &file,
        &json!([{"name": "a", "path": misbehave("create_fails")}, {"name": "b", "path": "nowhere.so"}]),
    );
    let run = ctl(&valord, &["reload"]).await;
    run.fails(1, &["a: create: no database", "b: ", "plugins.json:1:", "path: "]);
    assert_eq!([valord.pid("a").await, valord.pid("b").await], pids);
    assert_eq!((valord.get("/a").await.text(), valord.get("/b").await.text()), (RUST, RUST));

    write(&file, &json!([]));
    assert_eq!(ctl(&valord, &["reload"]).await.ok(), "unregistered a\nunregistered b\n");
    assert!(valord.names().await.is_empty());
    valord.stop().await;
}

#[tokio::test]
async fn one_reload_at_a_time() {
    let (valord, file) = serving(&json!([{"name": "a", "path": rust()}])).await;
    write(&file, &json!([{"name": "a", "path": c()}]));
    let reload = || ctl(&valord, &["reload"]);
    let (first, second, third) = tokio::join!(reload(), reload(), reload());
    let mut said = [first.ok(), second.ok(), third.ok()];
    said.sort();
    assert_eq!(said, ["replaced a\n", "unchanged a\n", "unchanged a\n"]);
    valord.stop().await;
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_reload() {
    let valord = Valord::start().await;
    valord.register(Spec::new(rust(), "a")).await;
    let run = ctl(&valord, &["reload"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("valord has no plugins file"), "{run:?}");
    assert_eq!(valord.names().await, ["a"]);
    valord.stop().await;
}

/// What valord tells the service manager, until it says this.
fn told(socket: &UnixDatagram, until: &str) -> String {
    let mut all = String::new();
    let mut buffer = [0; 4096];
    while !all.contains(until) {
        let n = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{error}; so far {all}"));
        all.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
    }
    all
}

#[tokio::test]
async fn sighup_reloads_as_a_service_manager_wants_it() {
    let dir = directory();
    let file = dir.path().join("plugins.json");
    let settings = dir.path().join("valord.toml");
    std::fs::write(&settings, "plugins = \"plugins.json\"\n[http]\nmax_head = \"8KiB\"\n").unwrap();
    write(&file, &json!([{"name": "a", "path": rust()}]));
    let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = valord(&dir.path().join("control.sock"), &dir.path().join("state"));
    command.arg("--config").arg(&settings).env("NOTIFY_SOCKET", dir.path().join("notify"));
    let mut daemon = Daemon::run(command, dir.path()).await;
    told(&manager, "READY=1");

    write(&file, &json!([{"name": "a", "path": c()}]));
    std::fs::write(&settings, "plugins = \"plugins.json\"\nworkers = 3\n").unwrap();
    daemon.signal(Signal::SIGHUP);
    let said = told(&manager, "RELOADING=1\nMONOTONIC_USEC=");
    let said = if said.contains("READY=1") { said } else { told(&manager, "READY=1") };
    assert!(said.contains("READY=1"), "{said}");
    // It is done when that is said.
    let plugin =
        daemon.control.clone().inspect(InspectRequest { name: "a".into() }).await.unwrap().into_inner();
    assert_eq!(plugin.plugin.unwrap().source, "file");
    let answer = crate::client::send(daemon.address, crate::client::request("GET", "/a", "")).await.unwrap();
    assert_eq!(crate::client::whole(answer).await.unwrap().text(), C);
    let mut events = daemon.control.clone().events(EventsRequest::default()).await.unwrap().into_inner();
    let mut reloaded = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        reloaded
            .extend((event.cause == "reload" && event.by.is_none()).then_some((event.plugin, event.state)));
    }
    assert!(reloaded.contains(&(String::new(), "reloaded".to_owned())), "{reloaded:?}");
    assert!(reloaded.contains(&("a".to_owned(), "ready".to_owned())), "{reloaded:?}");

    let reload = crate::ctl::valorctl(&dir.path().join("control.sock"), ["reload"]).await;
    assert_eq!((reload.code, reload.stdout.as_str()), (0, "unchanged a\n"));
    assert!(
        reload.stderr.contains("a restart of valord is needed for valord.toml: http.max_head, workers"),
        "{reload:?}"
    );
    std::fs::write(&settings, "workrs = 3\n").unwrap();
    let reload = crate::ctl::valorctl(&dir.path().join("control.sock"), ["reload"]).await;
    assert!(reload.code == 0 && reload.stderr.contains("did you mean `workers`?"), "{reload:?}");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.end().await.code(), Some(0));
}
