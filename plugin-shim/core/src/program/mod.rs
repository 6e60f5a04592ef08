//! A shim as a program. Each kind of plugin has one; they differ in their engine only.
//!
//! ```text
//! valor-shim run --control FD --data FD,..   valord starts it so: handshake, sandbox, load, seal, serve
//! valor-shim inspect < FILE                  one-shot: what the file is and needs, as JSON, without running it
//! ```
//!
//! A new engine writes a [`Program`]: how far its process is confined ([`Profile`]), how it reads an artifact, and how it serves one.
//! Its [`serve`](Program::serve) is [`attend()`] with what begins it: that loads the artifact of the [`Plan`] and starts [`Workers`], which closes
//! the sandbox before anything of the plugin runs. The workers create the plugin, tell `Ready` or `Failed` by their [`Teller`], and pump the
//! data sockets by [`serve::Worker`](crate::serve::Worker) until valord closes them.

mod attend;
mod cli;
mod run;
mod workers;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

pub use attend::{Failure, News, Teller, attend};
use cli::Command;
pub use run::{Files, Plan};
pub use workers::Workers;

use crate::control::{Listener, Reporter};
use crate::one_shot::OneShotError;
pub use crate::sandbox::Profile;

/// One shim.
#[derive(Debug)]
pub struct Program {
    /// What it is called, such as `valor-shim`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it is, in a sentence without its full stop.
    pub what: &'static str,
    /// How its process is confined.
    pub profile: Profile,
    /// What it does besides serving: a verb each, with standard input and output. `inspect` is one of them.
    pub one_shots: &'static [OneShot],
    /// Serves a plugin until valord wants no more of it.
    pub serve: fn(Plan, &mut Listener, &Reporter) -> ExitCode,
}

/// A verb, and what it does in a process of its own, which has given up everything before it reads.
pub type OneShot = (&'static str, fn() -> Result<(), OneShotError>);

impl Program {
    /// The whole of `main`.
    #[must_use]
    pub fn main(&self) -> ExitCode {
        self.command(std::env::args_os().skip(1)).unwrap_or_else(|error| {
            // Fails only when nobody reads the log.
            drop(writeln!(std::io::stderr(), "{}: {}", self.name, chain(&*error)));
            ExitCode::FAILURE
        })
    }

    fn command(&self, args: impl Iterator<Item = OsString>) -> Result<ExitCode, Box<dyn Error>> {
        match cli::parse(self, args)? {
            Command::Run(fds) => return run::run(self, &fds),
            Command::OneShot(run) => run()?,
            Command::Print(text) => std::io::stdout().write_all(text.as_bytes())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
