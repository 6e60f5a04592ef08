//! The WebAssembly engine of valor: wasmtime, over `valor-shim-core`. It serves core modules that speak the message ABI of the SDK
//! (`module`), and components of the world `wasi:http/proxy` (`component`).
//!
//! A plugin is compiled once, by the one-shot `compile`; what it has made is the artifact of the process that serves it, and
//! whether it was a module or a component is told by it. Its code is mapped before the seal; nothing of it runs before.

mod compile;
mod component;
mod inspect;
mod load;
mod memory;
mod module;
mod serve;
mod settings;
mod ticker;
mod transpile;

pub use compile::{compile, to_machine_code};
pub use inspect::inspect;
pub use serve::serve;
pub use settings::engine;
pub use transpile::{to_files, transpile};
