//! The engine as valord sees it: modules are written as text, honest ones and others.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

#[path = "../../../core/tests/daemon/mod.rs"]
mod harness;
mod hostile;
mod modules;

use valor_shim_wasm::{serve, to_machine_code};

/// The file of a plugin, of a module written as text.
fn artifact(source: &str) -> Vec<u8> {
    to_machine_code(&wat::parse_str(source).unwrap()).unwrap()
}
