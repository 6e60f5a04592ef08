//! `valor-shim-wasm`: the sandboxed process of one WebAssembly plugin; the life of one is in [`valor_shim_core::program`].
//!
//! ```text
//! valor-shim-wasm inspect < FILE           what the file is and needs, as JSON
//! valor-shim-wasm compile < FILE > CWASM   machine code for this engine, which `run` maps as its artifact
//! valor-shim-wasm transpile < FILE > FILES a component for browsers: JavaScript and core modules, as `valor_wire::files`
//! valor-shim-wasm engine                   one line: the key of every engine that may run what this one has compiled
//! ```

use std::process::ExitCode;

use valor_shim_core::program::{Profile, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "valor-shim-wasm",
        version: env!("CARGO_PKG_VERSION"),
        what: "The sandboxed process of one WebAssembly plugin",
        profile: Profile { mdwe: false, engine: None },
        one_shots: &[
            ("inspect", valor_shim_wasm::inspect),
            ("compile", valor_shim_wasm::compile),
            ("transpile", valor_shim_wasm::transpile),
            ("engine", valor_shim_wasm::engine),
        ],
        serve: valor_shim_wasm::serve,
    };
    program.main()
}
