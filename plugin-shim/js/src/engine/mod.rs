//! Serving one plugin: a worker thread with the isolate, and the control loop beside it.

mod isolate;
mod memory;
mod modules;
mod news;
mod poll_loop;
mod rejections;
mod turn;
mod worker;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;

use valor_shim_core::control::{ControlError, Listener, Notice, Reporter};
use valor_shim_core::wire::control::{FromShim, LogLevel, Step};

use crate::Source;
pub(crate) use memory::Refused;
pub(crate) use modules::OneFile;
use news::{News, Newsroom};
pub(crate) use turn::{Cause, Turn, Wreck};
use isolate::Recipe;
use worker::Worker;

/// What the plugin is asked to be built for; there is one version of these Web APIs.
const ABI: u32 = 1;
/// As `valorctl inspect` shows it.
const ENGINE: &str = concat!("quickjs-ng, valor-shim-js ", env!("CARGO_PKG_VERSION"));

/// The stack of the worker; JavaScript gets the smaller part of it.
const STACK: usize = 4 << 20;
const SCRIPT_STACK: usize = 1 << 20;
const OWN_MEMORY: u64 = 24 << 20;

/// What to serve, and with what.
pub struct Plan {
    /// The plugin's file, as this process sees it.
    pub artifact: PathBuf,
    /// The plugin's name.
    pub name: String,
    /// Its configuration as JSON.
    pub config: String,
    /// How much memory it may have, in bytes.
    pub memory: u64,
    /// The data sockets, which do not wait.
    pub sockets: Vec<OwnedFd>,
    /// Closes the sandbox for all threads.
    pub seal: Box<dyn FnOnce() -> Result<(), String>>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("artifact", &self.artifact).finish_non_exhaustive()
    }
}

/// How serving has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All sockets are closed.
    Done,
    /// valord is gone.
    Orphaned,
    /// valord was told what failed.
    Failed,
}

/// Serves the plugin. When it returns, the worker may still be at work: end the process.
///
/// # Errors
///
/// When the control socket fails.
pub fn serve(plan: Plan, listener: &mut Listener, reporter: &Reporter) -> Result<End, ControlError> {
    let failed = |step, message| {
        reporter.send(&FromShim::Failed { step, message })?;
        Ok(End::Failed)
    };
    let recipe = match recipe(&plan) {
        Ok(recipe) => recipe,
        Err(message) => return failed(Step::Load, message),
    };
    let newsroom = Arc::new(Newsroom::new(reporter.clone()));
    let (go, begin) = sync_channel::<()>(1);
    let (news, log, sockets) = (Arc::clone(&newsroom), reporter.clone(), plan.sockets);
    let thread = Builder::new().name("worker-0".to_owned()).stack_size(STACK).spawn(move || {
        // Fails when the start has, and the process ends.
        if begin.recv().is_err() {
            return;
        }
        match Worker::new(recipe, sockets, &log, &news) {
            Ok(mut worker) => worker.run(),
            Err(message) => news.tell(News::NotCreated(message)),
        }
    });
    if let Err(error) = thread {
        let cure = "raise the plugin's limits of threads or memory";
        return failed(Step::Load, format!("cannot start the worker thread: {error}: {cure}"));
    }
    if let Err(message) = (plan.seal)() {
        return failed(Step::Seal, message);
    }
    // Fails only when the thread is gone, which it cannot be yet.
    let _sent: Result<(), _> = go.send(());
    attend(&newsroom, listener, reporter)
}

/// What the isolates are made of. Nothing of the author's runs yet.
fn recipe(plan: &Plan) -> Result<Recipe, String> {
    let bytes = std::fs::read(&plan.artifact).map_err(|error| format!("cannot read the plugin's file: {error}"))?;
    let source = Source::new(format!("{}.js", plan.name), &bytes).map_err(|error| error.to_string())?;
    let text = |variable: OsString| variable.into_string().ok();
    let variables = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    Ok(Recipe { source, config: plan.config.clone(), variables, memory: heap(plan.memory) })
}

/// How much of the plugin's memory its objects may take: the rest is for stacks, bodies under way and the engine itself.
fn heap(memory: u64) -> usize {
    usize::try_from(memory.saturating_sub(OWN_MEMORY).max(memory / 2)).unwrap_or(usize::MAX)
}

/// The control loop.
fn attend(newsroom: &Newsroom, listener: &mut Listener, reporter: &Reporter) -> Result<End, ControlError> {
    loop {
        match listener.wait()? {
            // The data sockets say when those in flight are done: valord closes them then.
            Notice::Drain => {}
            Notice::HungUp => return Ok(End::Orphaned),
            Notice::Poked => {
                for news in newsroom.take() {
                    match news {
                        News::Created => {
                            reporter.send(&FromShim::Ready { abi: ABI, sdk: ENGINE.to_owned() })?;
                        }
                        News::NotCreated(message) => {
                            reporter.send(&FromShim::Failed { step: Step::Create, message })?;
                            return Ok(End::Failed);
                        }
                        News::Broken(message) => {
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
