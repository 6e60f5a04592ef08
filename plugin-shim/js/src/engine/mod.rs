//! Serving one plugin: a worker thread with the isolate, and the control loop beside it.

mod isolate;
mod memory;
mod modules;
mod rejections;
mod turn;
mod web;
mod worker;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value};
use valor_shim_core::control::{Listener, Reporter};
use valor_shim_core::program::{self, Failure, Plan, Teller, Workers};
use valor_shim_core::sandbox::EngineProcess;
use valor_shim_core::wire::control::Step;

use crate::{Source, deno};
use isolate::Recipe;
pub(crate) use memory::Refused;
pub(crate) use modules::TrialParse;
pub(crate) use turn::{Cause, Turn, Wreck};

/// What the plugin is asked to be built for; there is one version of these Web APIs.
pub(crate) const ABI: u32 = 1;
/// As `valorctl inspect` shows it.
pub(crate) const ENGINE: &str = concat!("quickjs-ng, valor-shim-js ", env!("CARGO_PKG_VERSION"));

/// The stack of the worker; JavaScript gets the smaller part of it.
const STACK: usize = 4 << 20;
const SCRIPT_STACK: usize = 1 << 20;
const OWN_MEMORY: u64 = 24 << 20;

/// Serves the plugin until valord wants no more of it. When it returns, the worker may still be at work: end the process.
pub fn serve(mut plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    let deno = plan.engine.take().map(Arc::new);
    let begin = |teller: &Teller| begin(plan, deno.clone(), teller.clone());
    let code = program::attend(begin, listener, reporter, "valor-shim-js");
    if let Some(deno) = deno {
        deno.kill();
    }
    code.into()
}

/// Starts the worker, closes the sandbox, and lets the worker create the plugin.
fn begin(plan: Plan, deno: Option<Arc<EngineProcess>>, teller: Teller) -> Result<usize, Failure> {
    let serve = server(&plan, deno).map_err(Failure::at(Step::Load))?;
    let (mut workers, sockets) = (Workers::default(), plan.sockets);
    workers.spawn(STACK, move || teller.ended(serve(sockets, &teller)))?;
    workers.begin(plan.seal)
}

/// What a worker does, until it has ended for a reason that was told already or not.
type Server = Box<dyn FnOnce(Vec<OwnedFd>, &Teller) -> Result<bool, Failure> + Send>;

/// What serves the plugin, in this process or by Deno's. Nothing of the author's runs yet.
fn server(plan: &Plan, deno: Option<Arc<EngineProcess>>) -> Result<Server, String> {
    if let Some(process) = deno {
        let file = plan.artifact.to_string_lossy().into_owned();
        let env = env_of(&plan.config, variables());
        let recipe = deno::Recipe { process, file, env, background: plan.background };
        return Ok(Box::new(move |sockets, teller| deno::serve(recipe, sockets, teller)));
    }
    let recipe = recipe(plan)?;
    Ok(Box::new(move |sockets, teller| worker::serve(recipe, sockets, teller)))
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
    Ok(Recipe {
        source,
        config: plan.config.clone(),
        variables: variables(),
        memory: heap(plan.memory),
        background: plan.background,
    })
}

/// How much of the plugin's memory its objects may take: the rest is for stacks, bodies under way and the engine itself.
fn heap(memory: u64) -> usize {
    usize::try_from(memory.saturating_sub(OWN_MEMORY).max(memory / 2)).unwrap_or(usize::MAX)
}
