//! The native engine's side of the C ABI: one tokio runtime a worker, the shim's pump inside of it.
//!
//! The only place of the SDK with `unsafe`. What it relies on of the shim is written in `valor-abi`; in short: pointers in
//! arguments live during the call, exchanges until we release them, the host and its workers until the process ends.

#![expect(unsafe_code, reason = "it calls the shim's functions and is called by it")]

mod answer;
mod bytes;
mod exchange;
mod fetch;
mod head;
mod host;
mod job;
mod worker;

use std::ffi::c_int;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use valor_abi::{VALOR_ABI_VERSION, valor_host, valor_plugin, valor_worker, valor_worker_args};

use crate::plugin::Define;
use crate::{Context, Plugin};

pub(crate) use fetch::fetch;
pub(crate) use host::log;

/// The vtable of the plugin `E`.
#[must_use]
pub const fn table<E: Entry>() -> valor_plugin {
    #[expect(clippy::cast_possible_truncation, reason = "the size of a small struct")]
    let size = size_of::<valor_plugin>() as u32;
    valor_plugin {
        abi: VALOR_ABI_VERSION,
        size,
        sdk: concat!("valor ", env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast(),
        create: None,
        run_worker: Some(run_worker::<E>),
        on_request: Some(worker::on_request),
        on_event: Some(exchange::on_event),
        on_release: Some(exchange::on_release),
    }
}

/// What `#[vlugin]` implements: where the one instance of the plugin lives.
pub trait Entry {
    /// It.
    fn instance() -> &'static Instance;
}

/// A plugin of this process: made on worker 0, shared by all, gone when the last worker returns.
#[derive(Debug)]
pub struct Instance {
    make: fn() -> Plugin,
    created: Mutex<Option<Created>>,
}

/// A plugin whose `on_create` has succeeded.
#[derive(Clone)]
struct Created {
    define: Arc<dyn Define>,
    cx: Arc<Context>,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Created")
    }
}

impl Instance {
    /// An instance that is made when worker 0 starts.
    #[must_use]
    pub const fn new(make: fn() -> Plugin) -> Self {
        Self { make, created: Mutex::new(None) }
    }

    fn set(&self, created: Option<Created>) {
        *self.created.lock().unwrap_or_else(PoisonError::into_inner) = created;
    }

    fn get(&self) -> Option<Created> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `run_worker` of the ABI.
///
/// # Safety
///
/// As the ABI says: the arguments are valid until it returns, the host for the life of the process.
unsafe extern "C" fn run_worker<E: Entry>(
    host: *const valor_host,
    worker: *mut valor_worker,
    args: *const valor_worker_args,
) -> c_int {
    // SAFETY: the caller's promise is the one that is asked for.
    let args = unsafe { worker::Args::new(host, worker, args) };
    // Nothing may unwind into the shim; what is caught here is a fault of the SDK, not of a handler.
    let run = AssertUnwindSafe(|| args.and_then(|args| worker::run(&args, E::instance())));
    let ran = std::panic::catch_unwind(run);
    match ran {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            log(crate::log::Level::Error, module_path!(), &error.to_string());
            1
        }
        Err(_) => 1,
    }
}
