//! `valor-shim-js`: the sandboxed process of one JavaScript plugin; the life of one is in [`valor_shim_core::program`].

use std::process::ExitCode;

use valor_shim_core::program::{Profile, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "valor-shim-js",
        version: env!("CARGO_PKG_VERSION"),
        what: "The sandboxed process of one JavaScript plugin",
        profile: Profile { mdwe: true, engine: Some(valor_shim_js::DENO) },
        one_shots: &[("inspect", valor_shim_js::inspect), ("engine", valor_shim_core::inspect::program)],
        serve: valor_shim_js::serve,
    };
    program.main()
}
