//! What sort of plugin a file is: told by its content, shown everywhere, and kept.

use std::path::PathBuf;

use serde_json::{Value, json};
use valord::supervisor::Shims;

use crate::artifacts::built;
use crate::client::Spec;
use crate::ctl::valorctl;
use crate::daemon::directory;
use crate::harness::Valord;
use crate::listing::{listing, until_as_before};

#[tokio::test]
async fn a_kind_is_shown_and_kept() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_plugin.so"), "x")).await;
    assert_eq!(valord.plugin("x").await.kind, "native");
    let control = valord.dir.path().join("control.sock");
    let listed = valorctl(&control, ["list"]).await.stdout;
    let words: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        (&words[0][..3], &words[1][..3]),
        (&["NAME", "KIND", "PREFIX"][..], &["x", "native", "/x"][..])
    );
    let dir = valord.stop().await;
    let file = dir.path().join("state/plugins/x.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["kind"], "native");
    // As daemons wrote it that knew no other kind.
    kept.as_object_mut().unwrap().remove("kind");
    std::fs::write(&file, kept.to_string()).unwrap();
    let valord = Valord::start_in(dir, |_| {}).await;
    assert_eq!(valord.until_state("x", "ready").await.kind, "native");
    valord.stop().await;
}

/// A shim that is not installed is missed by name, whoever asks.
#[tokio::test]
async fn a_kind_without_its_shim_is_refused_by_name() {
    let (shims, shop) = (directory(), directory());
    let native = shims.path().join("valor-shim");
    std::fs::copy(built("valor-shim"), &native).unwrap();
    let valord = Valord::start_with(|app| app.supervisor.shims = Shims::beside(native)).await;
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    for (name, content, kind, shim) in [
        ("x.js", &b"export default {};\n"[..], "js", "valor-shim-js"),
        ("x.wasm", b"\0asm\x01\0\0\0", "wasm", "valor-shim-wasm"),
        ("x-component.wasm", b"\0asm\x0d\0\x01\0", "wasi", "valor-shim-wasm"),
    ] {
        let file: PathBuf = shop.path().join(name);
        std::fs::write(&file, content).unwrap();
        let refused = valord.try_register(Spec::new(&file, "x")).await.expect_err(name);
        let message = refused.message();
        for part in [shim, &format!("of the kind {kind}"), &format!("install {shim} beside valord")] {
            assert!(message.contains(part), "{name}: {message}");
        }
        assert!(valord.names().await.is_empty(), "{name}");
        until_as_before(&state, &before).await;
    }
    valord.register(Spec::new(built("libhello_plugin.so"), "x")).await;
    valord.stop().await;
}

/// Where the plugins file says what an entry is, it must be that.
#[tokio::test]
async fn an_entry_of_another_kind_is_refused() {
    let dir = directory();
    let file = dir.path().join("plugins.json");
    let of = |kind: &str| json!({ "type": kind, "name": kind, "path": built("libhello_plugin.so") });
    std::fs::write(&file, json!({ "plugins": [of("native"), of("wasm")] }).to_string()).unwrap();
    let valord = Valord::start_with(|app| app.config.plugins = Some(file)).await;
    let reached = async {
        while valord.names().await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, reached).await.unwrap();
    let wrong = valord.until_state("wasm", "failed").await;
    assert!(wrong.reason.contains("the file is of the kind native, not wasm"), "{}", wrong.reason);
    assert_eq!(valord.until_state("native", "ready").await.kind, "native");
    valord.stop().await;
}
