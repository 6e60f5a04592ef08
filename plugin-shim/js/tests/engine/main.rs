//! The engine on its own: its sockets are the test's, and no process is started.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod answers;
mod conformance;
mod failures;
mod fetches;
#[path = "../../../core/tests/daemon/mod.rs"]
mod harness;
mod streams;

use valor_shim_js::serve;

/// The file of a plugin.
fn artifact(source: &str) -> Vec<u8> {
    source.into()
}
