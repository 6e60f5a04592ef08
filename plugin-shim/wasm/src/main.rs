//! `valor-shim-wasm`: the sandboxed process of one WebAssembly plugin.

use wasmtime as _;

fn main() {}
