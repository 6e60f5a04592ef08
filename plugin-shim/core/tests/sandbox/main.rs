//! The sandbox, attacked and used from inside: every case runs in processes of its own, as root and as an ordinary user, with and
//! without namespaces.
//!
//! `cargo test -p valor-shim-core --test sandbox [FILTER]`; a harness of its own, since sandboxes are built by processes with one
//! thread.

#![expect(unsafe_code, reason = "forbidden acts are raw system calls")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::mem_forget,
    reason = "all of this is a test, and the harness its own"
)]

mod escapes;
mod forbidden;
mod harness;
mod honest;
mod layers;
mod lifetime;
mod limits;
mod one_shot;
mod recorder;
mod rules;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cases = [
        layers::cases(),
        escapes::cases(),
        forbidden::cases(),
        honest::cases(),
        limits::cases(),
        lifetime::cases(),
        one_shot::cases(),
        rules::cases(),
    ]
    .concat();
    harness::main(&cases)
}
