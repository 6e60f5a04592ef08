//! The WebAssembly engine of valor: wasmtime, over `valor-shim-core`. It serves core modules that speak the message ABI of the SDK,
//! and components of the world `wasi:http/proxy`.
//!
//! A plugin is compiled once, by the one-shot `compile`; what it has made is the artifact of the process that serves it, and
//! whether it was a module or a component is told by it.

mod compile;
mod inspect;
mod settings;

pub use compile::compile;
pub use inspect::inspect;
pub use settings::engine;

use std::process::ExitCode;

use valor_shim_core::control::{Listener, Reporter};
use valor_shim_core::program::Plan;

/// Serves the plugin until valord wants no more of it.
pub fn serve(plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    drop(plan);
    let _: (&mut Listener, &Reporter) = (listener, reporter);
    ExitCode::FAILURE
}
