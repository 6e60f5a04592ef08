//! WebAssembly modules: the same registration, limits, sandbox, deadlines, logs and grants as for every other kind, and compiled once.

mod bad;
mod faults;
mod once;
mod sdk;

use std::path::PathBuf;

use tempfile::TempDir;
use valor_control::v1::{Event, EventsRequest};

use crate::client::Spec;
use crate::daemon::directory;
use crate::harness::{PATIENCE, Valord};

/// What the guest answers to CREATE.
const CREATED: &str = "(call $send (i32.const 0) (i32.const 12))";

/// The guest of the shim's own tests, which does what the first letter of the path says.
fn guest(create: &str, start: &str) -> String {
    let text = include_str!("../../../../plugin-shim/wasm/tests/engine/guest.wat");
    text.replace("BODY_VERSION", "(i32.const 1)").replace("BODY_CREATE", create).replace("BODY_START", start)
}

/// That guest, whole: compiled in no time, and `/` answers `n` and a digit.
pub(crate) fn small() -> (TempDir, PathBuf) {
    file(&guest(CREATED, "nop"))
}

/// A module or a component in a file of its own.
pub(crate) fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = directory();
    let file = dir.path().join("module.wasm");
    std::fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    (dir, file)
}

/// A daemon with the guest at `/x`, which has all the patience with its process: the engine stops what spins.
async fn with(change: impl FnOnce(Spec) -> Spec) -> Valord {
    let valord = Valord::start_with(|app| app.plane.link.hung_grace = PATIENCE).await;
    let (_dir, file) = file(&guest(CREATED, "nop"));
    valord.register(change(Spec::new(file, "x"))).await;
    valord
}

pub(crate) async fn events(valord: &Valord) -> Vec<Event> {
    let mut events = valord.control.clone().events(EventsRequest::default()).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        all.push(event);
    }
    all
}

/// How often the daemon says that something was compiled.
pub(crate) async fn compiled(valord: &Valord) -> usize {
    events(valord).await.iter().filter(|event| event.state == "compiling").count()
}

#[tokio::test]
async fn a_module_answers_confined_and_by_its_kind() {
    let valord = with(|spec| spec).await;
    let plugin = valord.plugin("x").await;
    assert_eq!((&*plugin.kind, &*plugin.state), ("wasm", "ready"));
    for times in 1..=3 {
        let answer = valord.get("/x").await;
        assert_eq!((answer.status, answer.text()), (200, &*format!("n{times}")));
        assert_eq!(answer.header("a-b"), "xy");
    }
    let sandbox = valord.inspect("x").await.sandbox;
    for layer in ["no-new-privs", "seccomp", "seal"] {
        let found = sandbox.iter().find(|found| found.layer == layer);
        assert_eq!(found.unwrap_or_else(|| panic!("no {layer}")).status, "full", "{layer}");
    }
    valord.stop().await;
}
