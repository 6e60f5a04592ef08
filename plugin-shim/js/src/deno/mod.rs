//! Deno as the engine: a process beside this one, in the same sandbox, that runs the author's module.
//!
//! ```text
//! valord ◄─ data sockets ─► worker: exchanges ◄─ frames over Deno's standard input ─► boot/*.mjs ◄─► the author's module
//! ```
//!
//! This process speaks the wire and checks every frame of Deno's; Deno has no socket but that one, so that its permissions, its filter
//! and the namespaces all say no to a network. `fetch` is replaced by one that travels in the frames.

mod channel;
mod exchanges;
mod frames;
mod worker;

use std::path::Path;

use valor_shim_core::sandbox::EngineProfile;
use valor_shim_core::wire::control::Setup;

pub(crate) use worker::{Recipe, serve};

macro_rules! boot {
    ($($name:literal),* $(,)?) => {
        &[
            // The same as QuickJS has.
            ("handlers.mjs", include_str!("../web/handlers.js")),
            $((concat!($name, ".mjs"), include_str!(concat!("boot/", $name, ".mjs")))),*
        ]
    };
}

/// How the sandbox starts it.
pub const PROFILE: EngineProfile = EngineProfile {
    suffix: ".js",
    files: boot!["channel", "exchange", "fetch", "log", "main", "request", "response", "serve"],
    arguments,
    variables: &[
        ("DENO_DIR", "/tmp/.deno"),
        ("DENO_NO_PROMPT", "1"),
        ("DENO_NO_UPDATE_CHECK", "1"),
        ("HOME", "/tmp"),
        ("NO_COLOR", "1"),
        ("TMPDIR", "/tmp"),
    ],
};

/// What the engine itself takes besides the heap.
const OWN_MEMORY: u64 = 48 << 20;

fn arguments(setup: &Setup) -> Vec<String> {
    let heap = setup.memory.saturating_sub(OWN_MEMORY).max(setup.memory / 2) >> 20;
    let own = [format!("/plugin/{}.js", setup.plugin)];
    let places = [setup.data.as_ref().map(|_| "/data".to_owned()), Some("/tmp".to_owned())];
    let places: Vec<String> = places.into_iter().flatten().collect();
    let paths = |paths: &[std::path::PathBuf]| paths.iter().map(|path| text(path)).collect::<Vec<_>>();
    let write = [places.clone(), paths(&setup.write)].concat();
    let read = [own.to_vec(), places, paths(&setup.read), paths(&setup.write)].concat();
    let names: Vec<String> = setup.env.iter().map(|(name, _)| name.clone()).collect();
    let mut arguments: Vec<String> = [
        "run",
        "--no-prompt",
        "--no-remote",
        "--no-npm",
        "--no-config",
        "--no-lock",
        "--no-code-cache",
        "--quiet",
    ]
    .map(str::to_owned)
    .into();
    arguments.push(format!("--v8-flags=--max-old-space-size={heap}"));
    arguments.push(format!("--allow-read={}", list(&read)));
    arguments.push(format!("--allow-write={}", list(&write)));
    if !names.is_empty() {
        arguments.push(format!("--allow-env={}", list(&names)));
    }
    arguments.push("/engine/main.mjs".to_owned());
    arguments
}

/// A comma within an item is written twice.
fn list(items: &[String]) -> String {
    items.iter().map(|item| item.replace(',', ",,")).collect::<Vec<_>>().join(",")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
