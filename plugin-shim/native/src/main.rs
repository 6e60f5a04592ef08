//! `valor-shim`: the sandboxed process of one native plugin; the life of one is in [`valor_shim_core::program`].

use std::process::ExitCode;

use valor_shim_core::inspect;
use valor_shim_core::program::{Profile, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "valor-shim",
        version: env!("CARGO_PKG_VERSION"),
        what: "The sandboxed process of one native plugin",
        profile: Profile { mdwe: true, engine: None },
        one_shots: &[("inspect", inspect::native)],
        serve: valor_shim::serve,
    };
    program.main()
}
