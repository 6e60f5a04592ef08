//! The life of a plugin process, in order.

use std::error::Error;
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;

use valor_wire::control::{BACKGROUND, Step};

use super::{Program, chain};
use crate::control::Control;
use crate::sandbox::{self, EngineProcess, Fds, Outcome, fds};

/// What to serve, and with what.
pub struct Plan {
    /// The plugin's file, as this process sees it.
    pub artifact: PathBuf,
    /// The plugin's name.
    pub name: String,
    /// Its configuration as JSON.
    pub config: String,
    /// How many workers are wanted.
    pub workers: usize,
    /// How much memory it may have, in bytes, for engines that count it.
    pub memory: u64,
    /// valord takes word of work that outlives its requests.
    pub background: bool,
    /// What it may reach of files, for engines that hand them out one by one.
    pub files: Files,
    /// The data sockets; socket `i` belongs to worker `i % workers`.
    pub sockets: Vec<OwnedFd>,
    /// The process of an engine that is a program of its own; it waits to be let go.
    pub engine: Option<EngineProcess>,
    /// Closes the sandbox for all threads.
    pub seal: Box<dyn FnOnce() -> Result<(), String>>,
}

/// Files and directories as the plugin process sees them.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The plugin's own directory.
    pub data: Option<PathBuf>,
    /// Granted for reading.
    pub read: Vec<PathBuf>,
    /// Granted for writing.
    pub write: Vec<PathBuf>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("artifact", &self.artifact)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Serves one plugin until valord wants no more of it.
pub(super) fn run(program: &Program, fds: &Fds) -> Result<ExitCode, Box<dyn Error>> {
    let control = fds::adopt(fds.control).map_err(|error| format!("--control: {error}"))?;
    let mut control = Control::new(control);
    let setup = control.greet(&format!("{} {}", program.name, program.version))?;

    let mut confined = match sandbox::enter(&setup, fds, program.profile) {
        Ok(Outcome::Plugin(confined)) => confined,
        // The outer process or the init: the plugin has lived and died.
        Ok(Outcome::Exit(code)) => return Ok(code.into()),
        Err(error) => {
            control.fail(Step::Sandbox, chain(&error))?;
            return Err(error.into());
        }
    };

    let start = control.report(confined.reports.clone())?;
    let sockets = fds::adopt_all(&fds.data).map_err(|error| format!("--data: {error}"))?;
    let background = control.is_offered(BACKGROUND);
    let (mut listener, reporter) = control.split()?;
    let plan = Plan {
        artifact: confined.plugin_path.clone(),
        name: setup.plugin,
        config: start.config.to_string(),
        workers: usize::from(start.workers),
        memory: setup.memory,
        background,
        files: Files { data: confined.data_path.clone(), read: setup.read, write: setup.write },
        sockets,
        engine: confined.engine.take(),
        seal: Box::new(move || confined.seal().map(drop).map_err(|error| chain(&error))),
    };
    Ok((program.serve)(plan, &mut listener, &reporter))
}
