//! Files that are no plugins are refused by name, and leave nothing; the same words are had without a daemon.

use tonic_types::StatusExt as _;

use super::{CREATED, file, guest};
use crate::artifacts::built;
use crate::client::Spec;
use crate::ctl::valorctl;
use crate::daemon::directory;
use crate::harness::Valord;
use crate::listing::{listing, until_as_before};

/// A function that looks as if this crate had called for it: imports are blamed on who does.
fn brought_by(name: &str, import: &str) -> String {
    guest(CREATED, "nop").replacen(
        "(memory (export",
        &format!("(import {import} (func $foreign)) (func ${name} (call $foreign)) (memory (export"),
        1,
    )
}

/// Step, message and cure.
async fn refusal(valord: &Valord, spec: Spec) -> String {
    let refused = valord.try_register(spec).await.unwrap_err();
    let info = refused.get_details_error_info().unwrap();
    format!("{}: {}: {:?}", info.metadata["step"], refused.message(), info.metadata.get("cure"))
}

fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

async fn refused(valord: &Valord, spec: Spec, parts: &[&str]) {
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    says(&refusal(valord, spec).await, parts);
    assert!(valord.names().await.is_empty(), "{parts:?}");
    until_as_before(&state, &before).await;
}

async fn daemon() -> Valord {
    let deadline = std::time::Duration::from_secs(5);
    Valord::start_with(|app| app.supervisor.start_deadline = deadline).await
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_before_it_is_compiled() {
    let valord = daemon().await;
    let browser = brought_by("chrono::offset::local::now", "\"__wbindgen_placeholder__\" \"__wbg_new0_1\"");
    let shim = built("valor-shim-wasm");
    for (text, parts) in [
        ("(module)", &["valor_receive", "#[vlugin]"][..]),
        (&*brought_by("f", "\"env\" \"take_all\""), &["env", "take_all"]),
        (&browser, &["__wbg_new0_1", "chrono"]),
        (
            "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32))))",
            &["preview 1", "wasm32-wasip2"],
        ),
        // What a linker leaves before it is wrapped: a module where a component is meant.
        (
            "(module (func (export \"wasi:http/incoming-handler@0.2.0#handle\") (param i32 i32)))",
            &["core module of a component", "wasm-tools component new"],
        ),
        ("(component)", &["another world", "wasi:http/incoming-handler"]),
        (
            "(component (core module $m (func (export \"run\") (result i32) (i32.const 0))) (core instance $i (instantiate $m))
              (func $run (result (result)) (canon lift (core func $i \"run\"))) (instance $r (export \"run\" (func $run)))
              (export \"wasi:cli/run@0.2.0\" (instance $r)))",
            &["a program, not a service"],
        ),
        ("(component (import \"wasi:gpio/pins@0.2.0\" (instance)))", &["another world"]),
    ] {
        let (_dir, file) = file(text);
        refused(&valord, Spec::new(&file, "x"), parts).await;
        let looked = valorctl(
            &valord.dir.path().join("no.sock"),
            ["check", file.to_str().unwrap(), "--shim", shim.to_str().unwrap()],
        )
        .await;
        assert_ne!(looked.code, 0, "{looked:?}");
        for part in parts {
            let said = format!("{}{}", looked.stdout, looked.stderr);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words(&said).contains(&words(part)), "{part}: {looked:?}");
        }
    }
    assert_eq!(super::compiled(&valord).await, 0);
    valord.stop().await;
}

#[tokio::test]
async fn a_file_that_is_not_what_its_name_says_is_refused() {
    let valord = daemon().await;
    let whole = wat::parse_str(guest(CREATED, "nop")).unwrap();
    let dir = directory();
    for (name, content, parts) in [
        ("libx.so", &b"just some words\n"[..], &["libx.so:1:6", "because it is text"][..]),
        ("x.wasm", b"just some words\n", &["because it is text"]),
        ("half.wasm", &whole[..whole.len() / 2], &["truncated"]),
        ("newer.wasm", b"\0asm\x02\0\0\0", &["newer WebAssembly", "version"]),
        ("empty.wasm", b"\0asm\x01\0\0\0", &["valor_receive"]),
    ] {
        let file = dir.path().join(name);
        std::fs::write(&file, content).unwrap();
        refused(&valord, Spec::new(&file, "x"), parts).await;
    }
    // A module is one whatever it is called.
    let file = dir.path().join("libreally.so");
    std::fs::write(&file, whole).unwrap();
    assert_eq!(valord.register(Spec::new(&file, "x")).await.kind, "wasm");
    assert_eq!(valord.get("/x").await.text(), "n1");
    valord.stop().await;
}

#[tokio::test]
async fn what_fails_as_it_starts_says_how() {
    let valord = daemon().await;
    let small = |spec: Spec| spec.limits(|limits| limits.memory = 128 << 20);
    let large =
        guest(CREATED, "nop").replace("(memory (export \"memory\") 4)", "(memory (export \"memory\") 4096)");
    let cases = [
        (guest("unreachable", "nop"), &["create", "unreachable"][..]),
        (guest("(call $spin)", "nop"), &["create", "5s"]),
        (guest("(call $grow)", "nop"), &["create", "memory limit"]),
        (guest("nop", "nop"), &["5s"]),
        (guest(CREATED, "(loop $l (br $l))"), &["5s"]),
        (guest(CREATED, "unreachable"), &["unreachable"]),
        (guest(CREATED, "(call $grow)"), &["memory limit"]),
        (large, &["memory limit"]),
    ];
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    let all = cases.iter().enumerate().map(|(number, (text, parts))| {
        let (dir, file) = file(text);
        let spec = small(Spec::new(file, &format!("x{number}")));
        let valord = &valord;
        async move {
            says(&refusal(valord, spec).await, parts);
            drop(dir);
        }
    });
    futures_util::future::join_all(all).await;
    assert!(valord.names().await.is_empty());
    until_as_before(&state, &before).await;
    valord.stop().await;
}
