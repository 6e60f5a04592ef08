//! Serving one plugin: a worker thread with the isolate, and the control loop beside it.

mod cpu;
mod isolate;
mod memory;
mod modules;
mod news;
mod rejections;
mod turn;
mod worker;

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;

use serde_json::{Map, Value};
use valor_shim_core::control::{ControlError, Listener, Notice, Reporter};
use valor_shim_core::program::{Plan, chain};
use valor_shim_core::sandbox::EngineProcess;
use valor_shim_core::wire::control::{FromShim, HUNG_UP, LogLevel, Step};

use crate::{Source, deno};
use isolate::Recipe;
pub(crate) use memory::Refused;
pub(crate) use modules::TrialParse;
pub(crate) use news::{News, Newsroom};
pub(crate) use turn::{Cause, Turn, Wreck};

/// What the plugin is asked to be built for; there is one version of these Web APIs.
const ABI: u32 = 1;
/// As `valorctl inspect` shows it.
pub(crate) const ENGINE: &str = concat!("quickjs-ng, valor-shim-js ", env!("CARGO_PKG_VERSION"));

/// The stack of the worker; JavaScript gets the smaller part of it.
const STACK: usize = 4 << 20;
const SCRIPT_STACK: usize = 1 << 20;
const OWN_MEMORY: u64 = 24 << 20;

/// Serves the plugin until valord wants no more of it. When it returns, the worker may still be at work: end the process.
pub fn serve(mut plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    let deno = plan.engine.take().map(Arc::new);
    let end = begin(plan, deno.clone(), reporter).and_then(|newsroom| attend(&newsroom, listener, reporter));
    if let Some(deno) = deno {
        deno.kill();
    }
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Broken) => ExitCode::FAILURE,
        Err(End::Failed { step, message }) => {
            report(reporter.send(&FromShim::Failed { step, message }));
            ExitCode::FAILURE
        }
        Err(End::Control(ControlError::HungUp)) => HUNG_UP.into(),
        Err(End::Control(error)) => {
            report(Err(error));
            ExitCode::FAILURE
        }
    }
}

/// Says on stderr, which is the plugin's log, why valord cannot be told anything.
fn report(sent: Result<(), ControlError>) {
    if let Err(error) = sent {
        // Fails only when nobody reads the log.
        drop(writeln!(std::io::stderr(), "valor-shim-js: {}", chain(&error)));
    }
}

/// Why serving has ended before its time.
enum End {
    /// A step of the start has failed.
    Failed { step: Step, message: String },
    /// There is no way on, and the log says why.
    Broken,
    /// valord is gone, or not understood.
    Control(ControlError),
}

impl From<ControlError> for End {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}

/// Starts the worker, closes the sandbox, and lets the worker create the plugin.
fn begin(plan: Plan, deno: Option<Arc<EngineProcess>>, reporter: &Reporter) -> Result<Arc<Newsroom>, End> {
    let failed = |step| move |message| End::Failed { step, message };
    let serve = server(&plan, deno).map_err(failed(Step::Load))?;
    let newsroom = Arc::new(Newsroom::new(reporter.clone()));
    let (go, begin) = sync_channel::<()>(1);
    let (news, log, sockets) = (Arc::clone(&newsroom), reporter.clone(), plan.sockets);
    let thread = Builder::new().name("worker-0".to_owned()).stack_size(STACK).spawn(move || {
        // Fails when the start has, and the process ends.
        if begin.recv().is_ok() {
            serve(sockets, &log, &news);
        }
    });
    thread.map_err(|error| {
        let cure = "raise the plugin's limits of threads or memory";
        failed(Step::Load)(format!("cannot start the worker thread: {error}: {cure}"))
    })?;
    (plan.seal)().map_err(failed(Step::Seal))?;
    // Fails only when the thread is gone, which it cannot be yet.
    let _sent: Result<(), _> = go.send(());
    Ok(newsroom)
}

type Server = Box<dyn FnOnce(Vec<OwnedFd>, &Reporter, &Arc<Newsroom>) + Send>;

/// What serves the plugin, in this process or by Deno's. Nothing of the author's runs yet.
fn server(plan: &Plan, deno: Option<Arc<EngineProcess>>) -> Result<Server, String> {
    if let Some(process) = deno {
        let file = plan.artifact.to_string_lossy().into_owned();
        let env = env_of(&plan.config, variables());
        let recipe = deno::Recipe { process, file, env };
        return Ok(Box::new(move |sockets, log, news| deno::run(recipe, sockets, log, news)));
    }
    let recipe = recipe(plan)?;
    Ok(Box::new(move |sockets, log, news| worker::run(recipe, sockets, log, news)))
}

/// The environment, which is what was granted.
fn variables() -> Vec<(String, String)> {
    let text = |variable: OsString| variable.into_string().ok();
    std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}

/// Variables, and the members of a configuration that is an object; any other configuration is the member `config`.
fn env_of(config: &str, variables: Vec<(String, String)>) -> Value {
    let mut env: Map<String, Value> =
        variables.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    match serde_json::from_str(config).unwrap_or_default() {
        Value::Object(members) => env.extend(members),
        Value::Null => {}
        other => drop(env.insert("config".to_owned(), other)),
    }
    Value::Object(env)
}

/// What the isolates are made of. Nothing of the author's runs yet.
fn recipe(plan: &Plan) -> Result<Recipe, String> {
    let bytes =
        std::fs::read(&plan.artifact).map_err(|error| format!("cannot read the plugin's file: {error}"))?;
    let source = Source::new(format!("{}.js", plan.name), &bytes).map_err(|error| error.to_string())?;
    Ok(Recipe { source, config: plan.config.clone(), variables: variables(), memory: heap(plan.memory) })
}

/// How much of the plugin's memory its objects may take: the rest is for stacks, bodies under way and the engine itself.
fn heap(memory: u64) -> usize {
    usize::try_from(memory.saturating_sub(OWN_MEMORY).max(memory / 2)).unwrap_or(usize::MAX)
}

/// The control loop.
fn attend(newsroom: &Newsroom, listener: &mut Listener, reporter: &Reporter) -> Result<(), End> {
    loop {
        match listener.wait()? {
            // The data sockets say when those in flight are done: valord closes them then.
            Notice::Drain => {}
            Notice::HungUp => return Err(ControlError::HungUp.into()),
            Notice::Poked => {
                for news in newsroom.take() {
                    match news {
                        News::Created(sdk) => {
                            reporter.send(&FromShim::Ready { abi: ABI, sdk })?;
                        }
                        News::NotCreated(message) => return Err(End::Failed { step: Step::Create, message }),
                        News::Broken(message) => {
                            let (level, target) = (LogLevel::Error, "valor".to_owned());
                            reporter.send(&FromShim::Log { level, target, message })?;
                            return Err(End::Broken);
                        }
                        News::Done => return Ok(()),
                    }
                }
            }
        }
    }
}
