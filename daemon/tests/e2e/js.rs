//! JavaScript plugins: the same registration, limits, sandbox, deadlines, logs and grants as for every other kind.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tempfile::TempDir;
use valor_control::v1::Grants;
use valord::app::App;

use crate::artifacts::root;
use crate::client::{self, Spec};
use crate::ctl::valorctl;
use crate::daemon::directory;
use crate::deno;
use crate::harness::{PATIENCE, Valord, until_gone};

mod bad;

/// The engines that can run here.
pub(super) fn engines() -> &'static [&'static str] {
    if deno::has_roots() { &["quickjs", "deno"] } else { &["quickjs"] }
}

/// A daemon that finds Deno.
pub(super) async fn start(change: impl FnOnce(&mut App)) -> Valord {
    Valord::start_with(|app| {
        app.supervisor.deno = Some(deno::program());
        change(app);
    })
    .await
}

pub(super) fn spec(file: &Path, name: &str, engine: &str) -> Spec {
    Spec::new(file, name).change(|spec| spec.engine = engine.into()).replace()
}

/// A module in a file of its own.
pub(super) fn module(source: &str) -> (TempDir, PathBuf) {
    let dir = directory();
    let file = dir.path().join("module.js");
    std::fs::write(&file, source).unwrap();
    (dir, file)
}

/// A daemon with the module at `/x`.
async fn with(source: &str, change: impl FnOnce(Spec) -> Spec) -> Valord {
    let valord = Valord::start().await;
    let (_dir, file) = module(source);
    valord.register(change(Spec::new(file, "x"))).await;
    valord
}

/// Waits until the plugin's log has a line with this in it.
pub(super) async fn logged(valord: &Valord, part: &str) -> String {
    let control = valord.dir.path().join("control.sock");
    let mut last = None;
    let waiting = async {
        loop {
            let logs = last.insert(valorctl(&control, ["logs", "x"]).await);
            if let Some(line) = logs.stdout.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, waiting).await;
    found.unwrap_or_else(|_| panic!("nobody logs {part:?}, but {last:?}"))
}

#[tokio::test]
async fn the_examples_answer() {
    let valord = Valord::start().await;
    let control = valord.dir.path().join("control.sock");
    let hello = root().join("examples/hello-js/hello.js");
    let registered = valorctl(&control, ["register", hello.to_str().unwrap()]).await;
    assert!(registered.stdout.contains("hello-js"), "{registered:?}");
    let plugin = valord.plugin("hello-js").await;
    assert_eq!((&*plugin.kind, &*plugin.state, &*plugin.version), ("js", "ready", "0.1.0"));
    assert_eq!(valord.get("/hello-js").await.text(), "OK response from a plugin in JavaScript\n");

    let with_state = root().join("examples/with-state-js/with-state.js");
    valord.register(Spec::new(with_state, "state").config(&json!("Alice"))).await;
    for times in 1..=3 {
        let answer = valord.get("/state?who=Bob").await;
        assert_eq!(answer.text(), format!("{{\"greeting\":\"Alice says hello Bob!\",\"times\":{times}}}"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(valord.get("/state").await.status, 400);
    valord.stop().await;
}

#[tokio::test]
async fn it_is_confined_as_native_plugins_are() {
    let valord = with("export default { fetch: () => new Response('x') }", |spec| spec).await;
    let sandbox = valord.inspect("x").await.sandbox;
    for layer in ["no-new-privs", "seccomp", "mdwe"] {
        let found = sandbox.iter().find(|found| found.layer == layer);
        assert_eq!(found.unwrap_or_else(|| panic!("no {layer}")).status, "full", "{layer}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_before_it_runs() {
    let valord = Valord::start().await;
    for (source, parts) in [
        ("export default {\n  fetch( {\n};", &["module.js:3:2"][..]),
        ("import fs from 'node:fs';\nexport default { fetch() {} };", &["node:fs", "one file"]),
        ("export const x = 1;", &["no handler", "export default"]),
        ("null.x;", &["TypeError", "x.js:1:"]),
        ("/* valor { nonsense } */ x", &["JSON"]),
    ] {
        let (_dir, file) = module(source);
        let refused = valord.try_register(Spec::new(file, "x")).await.expect_err(source);
        for part in parts {
            assert!(refused.message().contains(part), "{source}: {}", refused.message());
        }
        assert!(valord.names().await.is_empty(), "{source}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let valord = with("export default { fetch: (r) => new Response(r.body) }", |spec| spec).await;
    let body: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251) as u8).collect();
    let answer = valord.send("POST", "/x", Bytes::from(body.clone())).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == body);

    client::echoes_part_by_part(valord.address, "/x").await;
    valord.stop().await;
}

#[tokio::test]
async fn an_error_is_a_500_and_its_line_is_in_the_log() {
    let valord =
        with("export default {\n  async fetch() {\n    throw new RangeError('too far');\n  },\n};", |spec| {
            spec
        })
        .await;
    valord.get("/x").await.problem(500, "x");
    logged(&valord, "RangeError: too far").await;
    let control = valord.dir.path().join("control.sock");
    let text = valorctl(&control, ["logs", "x"]).await.stdout;
    assert!(text.contains("x.js:3:"), "{text}");
    valord.stop().await;
}

#[tokio::test]
async fn a_handler_that_never_answers_meets_its_deadline() {
    let source = "export default { fetch: (r) => r.url.endsWith('/never') ? new Promise(() => {}) : new Response('fine') }";
    let valord = with(source, |spec| spec.limits(|limits| limits.timeout_ms = 3000)).await;
    valord.get("/x/never").await.problem(504, "x");
    assert_eq!(valord.get("/x").await.text(), "fine");
    valord.stop().await;
}

#[tokio::test]
async fn code_that_spins_is_stopped_and_a_fresh_context_answers() {
    let source = "let n = 0; export default { fetch(r) { if (r.url.endsWith('/spin')) for (;;); return new Response(`${++n}`); } }";
    // valord's own patience with the process is not what is tested.
    let valord = Valord::start_with(|app| app.plane.link.hung_grace = PATIENCE).await;
    let (_dir, file) = module(source);
    valord.register(Spec::new(file, "x").limits(|limits| limits.timeout_ms = 3000)).await;
    let pid = valord.pid("x").await;
    assert_eq!(valord.get("/x").await.text(), "1");
    valord.get("/x/spin").await.problem(504, "x");
    logged(&valord, "did not come to an end").await;
    assert_eq!(valord.get("/x").await.text(), "1", "a fresh one");
    assert_eq!((valord.pid("x").await, valord.plugin("x").await.restarts), (pid, 0), "in the same process");
    valord.stop().await;
}

#[tokio::test]
async fn a_memory_hog_loses_its_context_and_nobody_else_notices() {
    let source = "const kept = []; let n = 0; export default { fetch(r) {
        if (r.url.endsWith('/hog')) for (;;) kept.push(new Uint8Array(1 << 20));
        return new Response(`${++n}`); } }";
    let valord = with(source, |spec| spec.limits(|limits| limits.memory = 128 << 20)).await;
    let (_dir, file) = module("export default { fetch: () => new Response('neighbour') }");
    valord.register(Spec::new(file, "y")).await;
    assert_eq!(valord.get("/x").await.text(), "1");
    let hog = valord.get("/x/hog").await;
    assert!(hog.status >= 500, "{hog:?}");
    assert_eq!(valord.get("/y").await.text(), "neighbour");
    logged(&valord, "memory limit").await;
    assert_eq!(valord.get("/x").await.text(), "1", "a fresh one");
    assert_eq!(valord.plugin("x").await.restarts, 0);
    valord.stop().await;
}

#[tokio::test]
async fn a_fetch_needs_a_grant_but_for_other_plugins() {
    let valord = Valord::start().await;
    let source = "export default { async fetch(r) {
        try { return await fetch(new URL(r.url).searchParams.get('url')); }
        catch (error) { return new Response(`${error.name}: ${error.message}`, { status: 502 }); } } }";
    let (_dir, file) = module(source);
    let (_other, target) =
        module("export default { fetch: (r) => new Response(`target ${r.url.split('?')[1]}`) }");
    let granted = Grants { net: vec![valord.address.to_string()], ..Grants::default() };
    valord.register(Spec::new(&file, "x")).await;
    valord.register(Spec::new(&file, "granted").change(|spec| spec.grants = Some(granted))).await;
    valord.register(Spec::new(target, "target")).await;
    let url = format!("http://{}/target", valord.address);
    assert_eq!(valord.get("/x?url=/target%3Fa").await.text(), "target a");
    assert_eq!(valord.get(&format!("/granted?url={url}%3Fb")).await.text(), "target b");
    let refused = valord.get(&format!("/x?url={url}")).await;
    assert_eq!(refused.status, 502);
    assert!(
        refused.text().starts_with("TypeError: fetch of ") && refused.text().contains("refused"),
        "{}",
        refused.text()
    );
    // Through itself, as often as it may: requests keep their depth.
    let deep = format!("{}/target", "/x?url=".repeat(20));
    assert_eq!(valord.get(&deep).await.status, 502);
    valord.stop().await;
}

#[tokio::test]
async fn a_process_that_is_killed_is_replaced() {
    let valord = with("export default { fetch: () => new Response('here') }", |spec| spec).await;
    let pid = valord.pid("x").await;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    until_gone(pid).await;
    let back = async { while valord.get("/x").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, back).await.unwrap();
    assert_ne!(valord.pid("x").await, pid);
    valord.stop().await;
}
