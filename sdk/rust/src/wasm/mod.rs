//! The guest's side of the message ABI (`valor_abi::message`): one instance, no threads, many requests at once.
//!
//! Everything happens within [`receive`]: frames are handed to their exchanges, then the tasks that they have woken are polled until none is
//! left, then what they had to say is sent. `unsafe` stands in `host` and `random` alone.

mod answer;
mod exchange;
mod executor;
mod fetch;
mod head;
mod host;
mod job;
mod outbox;
mod random;
pub(crate) mod timer;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use valor_abi::message::{self, Message, frames};

use crate::http::{Body, Request};
use crate::outgoing::Outgoing as _;
use crate::plugin::{Define, Serve};
use crate::{Context, Plugin, VluginConfig};

pub use host::alloc;

pub(crate) use executor::spawn;
pub(crate) use fetch::fetch;
pub(crate) use host::{monotonic, wall};
pub(crate) use outbox::log;
pub(crate) use random::fill;

/// `valor_abi_version`.
#[must_use]
pub const fn version() -> i32 {
    message::VERSION
}

/// `valor_receive`, for the plugin that `make` makes.
pub fn receive(make: fn() -> Plugin, ptr: usize, len: usize) {
    let batch = host::take(ptr, len);
    for frame in frames(&batch) {
        let read = frame.and_then(|frame| Message::read(&frame).map(|message| (frame.id, message)));
        match read {
            Ok((id, message)) => handle(make, id, message, &batch),
            Err(error) => broken(error.0),
        }
    }
    let idle = executor::run();
    timer::ask(idle);
    outbox::flush();
}

/// The plugin, once `on_create` has succeeded.
struct Created {
    serve: Rc<dyn Serve>,
    _define: Box<dyn Define>,
}

thread_local! {
    static STARTED: Cell<bool> = const { Cell::new(false) };
    static CREATED: OnceCell<Created> = const { OnceCell::new() };
}

fn handle(make: fn() -> Plugin, id: u32, message: Message<'_>, batch: &Bytes) {
    match message {
        Message::Create { name, config } => {
            if STARTED.replace(true) {
                broken("a second CREATE");
            }
            std::panic::set_hook(Box::new(outbox::panicked));
            start(make, name, config);
        }
        Message::Request { method, target, fields, end, .. } => {
            let exchange = exchange::request(id, end);
            let parts = match head::request(method, target, fields) {
                Ok(parts) => parts,
                Err(error) => return exchange.fail(&format!("the request head cannot be read: {error}")),
            };
            let body = if end { Body::empty() } else { Body::new(exchange::Incoming(exchange.clone())) };
            CREATED.with(|created| match created.get() {
                Some(created) => job::begin(&created.serve, &exchange, Request::from(parts.map(|()| body))),
                None => exchange.fail("the plugin is not created yet"),
            });
        }
        Message::Response { status, fields, end } => {
            exchange::with(id, |it| it.on_response(status, fields, end))
        }
        Message::Data { part, end } => exchange::with(id, |it| it.on_data(batch.slice_ref(part), end)),
        Message::Reset { reason, .. } => exchange::with(id, |it| it.on_reset(reason)),
        Message::Window { credit } => exchange::with(id, |it| it.on_window(credit)),
        Message::Wake { after_ns: None } => timer::fire(),
        Message::Wake { .. } | Message::Created { .. } | Message::Fetch { .. } | Message::Log { .. } => {
            broken("a frame that is the guest's to send");
        }
    }
}

/// CREATE: `on_create` as a task of its own, since it may wait.
fn start(make: fn() -> Plugin, name: &str, config: &[u8]) {
    let config = match config {
        b"" => None,
        json => match serde_json::from_slice(json) {
            Ok(config) => Some(config).filter(|config: &VluginConfig| !config.is_null()),
            Err(error) => {
                return outbox::with(|out| {
                    out.created(Some(&format!("the configuration is no JSON: {error}")))
                });
            }
        },
    };
    let mut cx = Context::new(name, config);
    spawn(async move {
        let mut define = make().0;
        let created = define.create(&mut cx).await;
        if created.is_ok() {
            let serve = define.worker(Arc::new(cx));
            CREATED.with(|slot| drop(slot.set(Created { serve, _define: define })));
        }
        outbox::with(|out| out.created(created.err().as_deref()));
    });
}

#[expect(clippy::panic, reason = "a host that breaks the ABI cannot be told in any other way")]
fn broken(what: &str) -> ! {
    panic!("the host broke the message ABI: {what}")
}
