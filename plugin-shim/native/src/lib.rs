//! The native engine of valor: loads a library over the C ABI and serves it, over `valor-shim-core`. As a library it lets a test or
//! a measurement run it in its own process; `valor-shim` is the program.

mod engine;

pub use engine::serve;
