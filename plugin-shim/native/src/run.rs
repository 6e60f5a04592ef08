//! The life of a plugin process, in order.

use std::process::ExitCode;

use anyhow::Context;
use valor_shim_core::control::Control;
use valor_shim_core::sandbox::{self, Fds, Outcome};
use valor_shim_core::wire::control::Step;

use crate::engine::{self, Plan};

const SOFTWARE: &str = concat!("valor-shim ", env!("CARGO_PKG_VERSION"));

/// Serves one plugin until valord wants no more of it.
pub(crate) fn run(fds: &Fds) -> anyhow::Result<ExitCode> {
    let mut control = Control::new(engine::adopt(fds.control).context("--control")?);
    let setup = control.greet(SOFTWARE)?;

    let confined = match sandbox::enter(&setup, fds) {
        Ok(Outcome::Plugin(confined)) => confined,
        // The outer process or the init: the plugin has lived and died.
        Ok(Outcome::Exit(code)) => return Ok(code.into()),
        Err(error) => {
            control.fail(Step::Sandbox, engine::chain(&error))?;
            return Err(error.into());
        }
    };

    let start = control.report(confined.reports.clone())?;
    let sockets = engine::adopt_all(&fds.data).context("--data")?;
    let (mut listener, reporter) = control.split()?;
    let plan = Plan {
        library: confined.plugin_path.clone(),
        name: setup.plugin,
        config: start.config.to_string(),
        workers: usize::from(start.workers),
        sockets,
        seal: Box::new(move || confined.seal().map(drop).map_err(|error| engine::chain(&error))),
    };
    Ok(engine::serve(plan, &mut listener, &reporter))
}
