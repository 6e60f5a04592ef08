//! The native engine: loads a library over the C ABI (`valor-abi`) and serves it.
//!
//! ```text
//! main thread     dlopen ── threads ── seal ── entry, ABI ── control loop: Ready, Drain, hang-up, the end
//! worker 0                    wait ───────────────────────── run_worker or create, then it serves
//! worker 1..                  wait ──────────────────────────────────────── created ─ run_worker
//! ```
//!
//! The only place of this program with `unsafe`: it calls the plugin's functions and is called by it. What it relies on is
//! written in `valor-abi`. A plugin that breaks those rules harms its own process, which holds nothing but the plugin.

#![expect(unsafe_code, reason = "it calls a library and is called by it")]

mod body;
mod deferred;
mod exchange;
mod host;
mod library;
mod poll_loop;
mod process;
mod progress;
mod worker;

use std::process::ExitCode;

use valor_shim_core::control::{Listener, Reporter};
use valor_shim_core::program::{self, Failure, Plan, Teller};
use valor_shim_core::wire::control::Step;

use library::Library;
use progress::Progress;

/// Runs the plugin until its sockets are closed, and only then returns. In all other cases the process ends here and now: the
/// plugin's threads may be anywhere, and its exit handlers may take their time.
pub fn serve(plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    process::line_buffered_stdout();
    host::log_to(reporter.clone());
    match program::attend(|teller| begin(plan, teller), listener, reporter, "valor-shim") {
        0 => ExitCode::SUCCESS,
        code => process::end(code.into()),
    }
}

/// Loads the library, closes the sandbox, and lets worker 0 create the plugin.
fn begin(plan: Plan, teller: &Teller) -> Result<usize, Failure> {
    let library = Library::open(&plan.artifact).map_err(Failure::at(Step::Load))?;
    let entry = library.entry().map_err(Failure::at(Step::Abi))?;
    // Its threads use it until the process ends.
    let progress: &'static Progress = Box::leak(Box::new(Progress::new(teller.clone())));
    let count = worker::start(plan, progress)?;
    let (plugin, sdk) = library::describe(entry).map_err(Failure::at(Step::Abi))?;
    progress.begin(plugin, sdk);
    Ok(count)
}
