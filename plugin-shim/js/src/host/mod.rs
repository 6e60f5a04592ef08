//! What the Web APIs ask of the engine. Arguments come from our own glue; what authors pass has been converted and checked there.

mod address;
mod background;
mod bytes;
mod crypto;
mod exchange;
mod gcm;
mod lines;
mod pattern;
mod text;
mod timers;
mod url;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use rquickjs::{Ctx, Function, Object, Result};
use valor_shim_core::control::Reporter;
use valor_shim_core::serve::{self, Exchange};
use valor_shim_core::wire::ResetCode;
use valor_shim_core::wire::control::LogLevel;

use crate::engine::{Cause, Refused, Turn, Wreck};
pub(crate) use address::url;
pub(crate) use lines::{text_of, write_head};
use timers::Timers;

/// The state behind one isolate's glue.
pub(crate) struct Host {
    core: Arc<serve::Worker>,
    pub(crate) log: Reporter,
    pub(crate) turn: Rc<Turn>,
    pub(crate) refused: Refused,
    pub(crate) timers: RefCell<Timers>,
    exchanges: RefCell<HashMap<u32, Held>>,
    background: background::Works,
    /// Numbers of exchanges; those of a former isolate are not used again.
    next: Cell<u32>,
    outcome: RefCell<Option<Outcome>>,
}

/// An exchange, and the request that it is for: itself, or the parent of a fetch.
struct Held {
    exchange: Exchange,
    cause: Cause,
}

/// What became of the author's module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has a handler.
    Created,
    /// It has none, or throws.
    Failed(String),
}

impl Host {
    /// `next`: the first number for its exchanges.
    pub(crate) fn new(core: Arc<serve::Worker>, log: Reporter, next: u32) -> Rc<Self> {
        Rc::new(Self {
            core,
            log,
            turn: Rc::default(),
            refused: Refused::default(),
            timers: RefCell::default(),
            exchanges: RefCell::default(),
            background: background::Works::default(),
            next: Cell::new(next),
            outcome: RefCell::default(),
        })
    }

    /// Keeps a request under a number.
    pub(crate) fn admit(&self, exchange: Exchange, deadline: Option<Instant>) -> (u32, Cause) {
        let id = self.next_id();
        let cause = Cause { request: Some(id), parent: exchange.parent(), deadline };
        // Refused only when it is over already: it has no answer then.
        let _over: std::result::Result<(), serve::Refused> = exchange.set_user(id as usize);
        self.exchanges.borrow_mut().insert(id, Held { exchange, cause });
        (id, cause)
    }

    /// A number that no exchange has.
    pub(crate) fn next_id(&self) -> u32 {
        let mut id = self.next.get();
        while self.exchanges.borrow().contains_key(&id) {
            id = id.wrapping_add(1);
        }
        self.next.set(id.wrapping_add(1));
        id
    }

    /// What a turn is for that begins with an event of exchange `id`.
    pub(crate) fn cause_of(&self, id: u32) -> Option<Cause> {
        self.exchanges.borrow().get(&id).map(|held| held.cause)
    }

    /// Ends everything in flight but the requests that `next`, the host of a fresh isolate, will begin; how many requests that were.
    pub(crate) fn abandon(&self, why: &str, next: &Self, waiting: &[u32]) -> usize {
        self.background.abandon();
        let mut all = std::mem::take(&mut *self.exchanges.borrow_mut());
        let kept = waiting.iter().filter_map(|id| all.remove_entry(id));
        next.exchanges.borrow_mut().extend(kept);
        let requests = all.iter().filter(|(id, held)| held.cause.request == Some(**id)).count();
        for held in all.into_values() {
            held.exchange.reset(ResetCode::Internal, why);
        }
        requests
    }

    /// A line of the shim's own in the plugin's log.
    pub(crate) fn say(&self, message: &str) {
        self.log.log(LogLevel::Error, "valor", message);
    }

    /// What became of the module, once.
    pub(crate) fn take_outcome(&self) -> Option<Outcome> {
        self.outcome.borrow_mut().take()
    }

    /// Calls `call` with exchange `id`, if it is still there. Not held meanwhile: `call` must not run JavaScript.
    fn with<T>(&self, id: u32, call: impl FnOnce(&Exchange) -> T) -> Option<T> {
        self.exchanges.borrow().get(&id).map(|held| call(&held.exchange))
    }
}

/// The object that the glue imports as `valor:host`.
pub(crate) fn object<'js>(ctx: &Ctx<'js>, host: &Rc<Host>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    exchange::install(ctx, &object, host)?;
    timers::install(ctx, &object, host)?;
    background::install(ctx, &object, host)?;
    text::install(ctx, &object)?;
    url::install(ctx, &object)?;
    pattern::install(ctx, &object)?;
    crypto::install(ctx, &object)?;

    let own = Rc::clone(host);
    object.set(
        "created",
        Function::new(ctx.clone(), move || *own.outcome.borrow_mut() = Some(Outcome::Created))?,
    )?;
    let own = Rc::clone(host);
    let failed = move |message: String| *own.outcome.borrow_mut() = Some(Outcome::Failed(message));
    object.set("failed", Function::new(ctx.clone(), failed)?)?;
    let own = Rc::clone(host);
    let exhausted = move || {
        let refused = own.refused.get();
        if refused {
            own.turn.wreck(Wreck::Memory);
        }
        refused
    };
    object.set("exhausted", Function::new(ctx.clone(), exhausted)?)?;
    let own = Rc::clone(host);
    let log = move |level: u8, text: String| {
        let level = match level {
            0 => LogLevel::Trace,
            1 => LogLevel::Debug,
            3 => LogLevel::Warn,
            4 => LogLevel::Error,
            _ => LogLevel::Info,
        };
        own.log.log(level, "console", &text);
    };
    object.set("log", Function::new(ctx.clone(), log)?)?;
    object.set("userAgent", concat!("valor/", env!("CARGO_PKG_VERSION")))?;
    Ok(object)
}

/// Bytes of a header as a string, each a character.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}
