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

use valor_abi::VALOR_ABI_VERSION;
use valor_shim_core::control::{ControlError, Listener, Notice, Reporter};
use valor_shim_core::program::Plan;
use valor_shim_core::wire::control::{FromShim, HUNG_UP, LogLevel, Step};

use library::Library;
use progress::{News, Progress};

/// A step of the start that has failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// Which.
    pub(crate) step: Step,
    /// Why, and what to do about it.
    pub(crate) message: String,
}

/// Runs the plugin until its sockets are closed, and only then returns. In all other cases the process ends here and now: the
/// plugin's threads may be anywhere, and its exit handlers may take their time.
pub fn serve(plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    process::line_buffered_stdout();
    host::log_to(reporter.clone());
    let code = match begin(plan, reporter) {
        Ok((progress, sdk)) => match attend(progress, &sdk, listener, reporter) {
            Ok(End::Done) => return ExitCode::SUCCESS,
            Ok(End::Orphaned) | Err(ControlError::HungUp) => HUNG_UP.into(),
            Ok(End::Failed) => 1,
            Err(error) => process::complain(&error),
        },
        Err(Failure { step, message }) => reporter
            .send(&FromShim::Failed { step, message })
            .map_or_else(|error| process::complain(&error), |()| 1),
    };
    process::end(code)
}

/// Why the control loop was left.
enum End {
    /// All workers have returned, their sockets closed.
    Done,
    /// valord is gone.
    Orphaned,
    /// valord was told what failed.
    Failed,
}

/// The control loop.
fn attend(
    progress: &Progress,
    sdk: &str,
    listener: &mut Listener,
    reporter: &Reporter,
) -> Result<End, ControlError> {
    loop {
        match listener.wait()? {
            // The data sockets say when those in flight are done: valord closes them then.
            Notice::Drain => {}
            Notice::HungUp => return Ok(End::Orphaned),
            Notice::Poked => {
                for news in progress.news() {
                    match news {
                        News::Created => {
                            reporter
                                .send(&FromShim::Ready { abi: VALOR_ABI_VERSION, sdk: sdk.to_owned() })?;
                        }
                        News::NotCreated(message) => {
                            reporter.send(&FromShim::Failed { step: Step::Create, message })?;
                            return Ok(End::Failed);
                        }
                        News::Deserted(message) => {
                            let (level, target) = (LogLevel::Error, "valor".to_owned());
                            reporter.send(&FromShim::Log { level, target, message })?;
                            return Ok(End::Failed);
                        }
                        News::Done => return Ok(End::Done),
                    }
                }
            }
        }
    }
}

/// Loads the library, closes the sandbox, and lets worker 0 create the plugin.
fn begin(plan: Plan, reporter: &Reporter) -> Result<(&'static Progress, String), Failure> {
    let failure = |step| move |message| Failure { step, message };
    let library = Library::open(&plan.artifact).map_err(failure(Step::Load))?;
    let entry = library.entry().map_err(failure(Step::Abi))?;
    let count = plan.workers.clamp(1, plan.sockets.len().max(1));
    // Its threads use it until the process ends.
    let progress: &'static Progress = Box::leak(Box::new(Progress::new(count, reporter.clone())));
    worker::spawn(count, plan.sockets, &plan.name, &plan.config, progress).map_err(failure(Step::Load))?;
    (plan.seal)().map_err(failure(Step::Seal))?;
    let (plugin, sdk) = library::describe(entry).map_err(failure(Step::Abi))?;
    progress.begin(plugin);
    Ok((progress, sdk))
}
