//! One runtime with one context: the Web APIs, the author's module, and the calls into both.

use std::rc::Rc;

use rquickjs::function::IntoArgs;
use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Function, Module, Object, Persistent, Runtime, Value,
};

use super::SCRIPT_STACK;
use super::memory::Counted;
use super::modules::OneFile;
use super::rejections::Rejections;
use super::turn::{Cause, Wreck};
use super::web;
use crate::Source;
use crate::host::{self, Host};

/// A function of the glue.
type Call = Persistent<Function<'static>>;

/// Fields are dropped in order: what the runtime owns before the runtime.
pub(super) struct Isolate {
    on_request: Call,
    on_event: Call,
    on_timer: Call,
    on_unhandled: Call,
    rejections: Rejections,
    context: Context,
    _runtime: Runtime,
    host: Rc<Host>,
}

/// What an isolate is made with.
pub(super) struct Recipe {
    pub(super) source: Source,
    /// JSON of the configuration.
    pub(super) config: String,
    pub(super) variables: Vec<(String, String)>,
    pub(super) memory: usize,
    /// valord takes word of work that outlives its requests.
    pub(super) background: bool,
}

impl Isolate {
    /// Makes one and evaluates the author's module, whose outcome `host` hears.
    pub(super) fn new(recipe: &Recipe, host: Rc<Host>) -> Result<Self, String> {
        let broken = |error: rquickjs::Error| {
            format!("cannot make a JavaScript context: {error}: raise its memory limit")
        };
        let memory = Counted::new(recipe.memory, host.refused.clone());
        let runtime = Runtime::new_with_alloc(memory).map_err(broken)?;
        runtime.set_max_stack_size(SCRIPT_STACK);
        runtime.set_loader(OneFile, OneFile);
        let turn = Rc::clone(&host.turn);
        runtime.set_interrupt_handler(Some(Box::new(move || turn.is_over())));
        let rejections = Rejections::default();
        runtime.set_host_promise_rejection_tracker(Some(rejections.tracker()));
        let context = Context::full(&runtime).map_err(broken)?;
        let [begin, on_request, on_event, on_timer, on_unhandled] =
            context.with(|ctx| load(&ctx, &host).catch(&ctx).map_err(|error| describe(&error)))?;
        let isolate = Self {
            on_request,
            on_event,
            on_timer,
            on_unhandled,
            rejections,
            context,
            _runtime: runtime,
            host,
        };
        isolate.create(recipe, begin)?;
        Ok(isolate)
    }

    /// Evaluates the author's module.
    fn create(&self, recipe: &Recipe, begin: Call) -> Result<(), String> {
        let source = &recipe.source;
        self.turn(Cause::default(), |ctx| {
            let env = environment(ctx, recipe).catch(ctx).map_err(|error| describe(&error))?;
            let module = Module::declare(ctx.clone(), source.name(), source.text());
            let module = module.catch(ctx).map_err(|error| source.explain(&error))?;
            let (module, done) = module.eval().catch(ctx).map_err(|error| describe(&error))?;
            let started =
                begin.restore(ctx).and_then(|begin| begin.call::<_, ()>((done, module.namespace()?, env)));
            started.catch(ctx).map_err(|error| describe(&error))
        })
    }

    /// A request has come.
    pub(super) fn request(&self, cause: Cause, args: (u32, &str, &str, bool)) {
        self.call(cause, &self.on_request, args);
    }

    /// Something has happened to an exchange: response, readable, writable, cancelled.
    pub(super) fn event(&self, cause: Cause, args: (u32, bool, bool, bool, bool)) {
        self.call(cause, &self.on_event, args);
    }

    /// A timer is due.
    pub(super) fn timer(&self, cause: Cause, id: u32) {
        self.call(cause, &self.on_timer, (id,));
    }

    fn call<A>(&self, cause: Cause, function: &Call, args: A)
    where
        A: for<'js> IntoArgs<'js>,
    {
        let called = self.turn(cause, |ctx| {
            let function = function.clone().restore(ctx).map_err(|error| error.to_string())?;
            function.call::<_, ()>(args).catch(ctx).map_err(|error| describe(&error))
        });
        // The glue catches what the author throws: this is the end of the memory or of the turn, or a fault of ours.
        if let Err(message) = called {
            let memory = self.host.refused.get();
            self.host.turn.wreck(if memory { Wreck::Memory } else { Wreck::Broken });
            if !memory && !message.is_empty() {
                self.host.say(&message);
            }
        }
    }

    /// Runs `work` and all jobs that follow from it.
    fn turn(&self, cause: Cause, work: impl FnOnce(&Ctx<'_>) -> Result<(), String>) -> Result<(), String> {
        let turn = &self.host.turn;
        turn.begin(cause);
        let result = self.context.with(|ctx| {
            work(&ctx)?;
            loop {
                while turn.wrecked().is_none() && ctx.execute_pending_job() {}
                let unhandled = self.rejections.take(&ctx).map_err(|error| error.to_string())?;
                if turn.wrecked().is_some() || unhandled.is_empty() {
                    return Ok(());
                }
                for reason in unhandled {
                    let function =
                        self.on_unhandled.clone().restore(&ctx).map_err(|error| error.to_string())?;
                    function.call::<_, ()>((reason,)).catch(&ctx).map_err(|error| describe(&error))?;
                }
            }
        });
        turn.end();
        result
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        self.rejections.clear();
    }
}

/// Loads the Web APIs and returns the functions of the glue.
fn load(ctx: &Ctx<'_>, host: &Rc<Host>) -> rquickjs::Result<[Call; 5]> {
    ctx.globals().set("valorHost", host::object(ctx, host)?)?;
    let main = Module::import(ctx, web::MAIN)?.finish::<Object<'_>>()?;
    let function = |name| Ok::<_, rquickjs::Error>(Persistent::save(ctx, main.get::<_, Function<'_>>(name)?));
    Ok([
        function("begin")?,
        function("onRequest")?,
        function("onEvent")?,
        function("onTimer")?,
        function("onUnhandled")?,
    ])
}

/// What handlers get as `env`: variables, and the members of a configuration that is an object; any other configuration
/// is its member `config`.
fn environment<'js>(ctx: &Ctx<'js>, recipe: &Recipe) -> rquickjs::Result<Object<'js>> {
    let env = Object::new(ctx.clone())?;
    for (name, value) in &recipe.variables {
        env.set(name.as_str(), value.as_str())?;
    }
    let config: Value<'js> = ctx.json_parse(recipe.config.as_str())?;
    match config.as_object().filter(|object| !object.is_array()) {
        Some(object) => {
            for field in object.props::<String, Value<'js>>() {
                let (name, value) = field?;
                env.set(name, value)?;
            }
        }
        None if config.is_null() => {}
        None => env.set("config", config)?,
    }
    Ok(env)
}

/// An error with its stack.
fn describe(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => {
            let stack = exception.stack().unwrap_or_default();
            // Frames of ours are nobody's business.
            let frames = stack.lines().filter(|line| !line.contains("valor:"));
            let message = exception.message().unwrap_or_default();
            std::iter::once(message.as_str()).chain(frames).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}
