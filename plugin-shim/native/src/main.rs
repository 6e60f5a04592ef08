//! `valor-shim`: the sandboxed process of one native plugin.
//!
//! ```text
//! valor-shim run --control FD --data FD,..   valord starts it so: handshake, sandbox, load, seal, serve
//! valor-shim inspect < libplugin.so          one-shot: what the file is and needs, as JSON, without running it
//! ```

mod cli;
mod engine;
mod run;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use cli::Command;

fn main() -> ExitCode {
    match command(std::env::args_os().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            // Fails only when nobody reads the log.
            drop(writeln!(std::io::stderr(), "valor-shim: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn command(args: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    match cli::parse(args)? {
        Command::Run(fds) => run::run(&fds),
        Command::Inspect => Ok(valor_shim_core::inspect::run_one_shot()?.into()),
        Command::Print(text) => {
            std::io::stdout().write_all(text.as_bytes()).context("cannot write to stdout")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
