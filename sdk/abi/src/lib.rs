//! The C ABI between `valor-shim` and a native plugin, version 1. `sdk/include/valor.h` is generated from this file.
//!
//! A plugin exports one symbol, [`ENTRY_SYMBOL`], of type [`valor_entry`]. It returns a static [`valor_plugin`].
//! **The plugin brings the loop, the shim brings the protocol**: for every worker the shim starts a thread and calls
//! [`valor_plugin::run_worker`]; the plugin waits there, in whatever runtime it likes, for the worker's descriptors and calls
//! [`valor_host::pump`] when one is ready. `pump` reads, calls [`valor_plugin::on_request`] and
//! [`valor_plugin::on_event`], and writes what was answered. A plugin that leaves `run_worker` empty gets the shim's loop.
//!
//! # Rules
//!
//! - An **exchange** is one request with its response, or one fetch. Its functions ([`valor_host::read`],
//!   [`valor_host::respond`], [`valor_host::write`], [`valor_host::reset`], [`valor_host::stop`],
//!   [`valor_host::release`]), [`valor_host::fetch`], [`valor_host::flush`] and [`valor_host::log`] are legal from any thread.
//!   [`valor_host::pump`] and [`valor_host::created`] belong to the worker's own thread.
//! - Each exchange that the plugin is given, or makes by `fetch`, is released exactly once by
//!   [`valor_host::release`]. Releasing a request that was not answered answers it with an error.
//! - Callbacks run on the worker's thread, from within `pump`, and may call every function but `pump`. Once `on_release` was
//!   called for a `user` pointer it is never used again.
//! - No panic, exception or `longjmp` may leave a callback.
//! - Pointers in arguments are valid during the call, unless said otherwise. Strings are not NUL-terminated.
//!
//! A plugin that is a core WebAssembly module has an ABI of its own, which passes messages: [`message`].

#![no_std]
#![allow(non_camel_case_types, reason = "these are the names that C sees")]

extern crate alloc;

pub mod message;

use core::ffi::{c_char, c_int, c_void};

/// The version that this crate describes.
pub const VALOR_ABI_VERSION: u32 = 1;

/// The exported symbol, NUL-terminated.
pub const ENTRY_SYMBOL: &[u8] = b"valor_plugin_entry\0";

/// The section (ELF, wasm custom section) that holds the manifest as JSON.
pub const MANIFEST_SECTION: &str = "valor-manifest";

/// Bytes that belong to somebody else.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_str {
    /// The first byte; may be null when `len` is 0.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

/// Bytes with an owner. Whoever holds them calls `release(context)` once, from any thread. Without `release` they
/// are copied by the function that takes them, before it returns.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_bytes {
    /// The first byte; may be null when `len` is 0.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
    /// Frees them, or null.
    pub release: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// The argument of `release`.
    pub context: *mut c_void,
}

/// One header field; the name is in lower case.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_field {
    /// A token in lower case.
    pub name: valor_str,
    /// Without line breaks and control characters.
    pub value: valor_str,
}

/// A request head: what `on_request` is given, and what `fetch` takes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_request {
    /// For example `GET`.
    pub method: valor_str,
    /// Path and query; for `fetch` a URL, or a path on this valord.
    pub target: valor_str,
    /// The header fields.
    pub fields: *const valor_field,
    /// How many.
    pub field_count: usize,
    /// In `on_request`: one block that holds all values and the names that are not static, so that they can be
    /// copied at once. Empty in `fetch`.
    pub block: valor_str,
    /// Milliseconds left for the response head, 0 for no limit.
    pub deadline_ms: u32,
    /// In `on_request`: not 0 when there is no body.
    pub end: u32,
}

/// A response head: what `respond` takes, and what `response` gives.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_response {
    /// 200 to 599.
    pub status: u32,
    /// From `response`: not 0 when there is no body.
    pub end: u32,
    /// The header fields.
    pub fields: *const valor_field,
    /// How many.
    pub field_count: usize,
}

/// One request with its response, or one fetch.
#[repr(C)]
#[derive(Debug)]
pub struct valor_exchange {
    _opaque: [u8; 0],
}

/// One worker of the plugin process.
#[repr(C)]
#[derive(Debug)]
pub struct valor_worker {
    _opaque: [u8; 0],
}

/// Done.
pub const VALOR_OK: c_int = 0;
/// Not now: an event will follow, once [`valor_host::set_user`] was called.
pub const VALOR_PENDING: c_int = 1;
/// `read`: the body is over.
pub const VALOR_END: c_int = 2;
/// The exchange was cancelled: by the client, the deadline or the daemon.
pub const VALOR_CANCELLED: c_int = -1;
/// An argument is invalid, for example a header name or a second head; nothing has happened.
pub const VALOR_INVALID: c_int = -2;
/// A limit is reached.
pub const VALOR_LIMIT: c_int = -3;

/// `respond`, `write`, `fetch`: nothing follows in this direction.
pub const VALOR_FLAG_END: u32 = 1;

/// The response head of a fetch is there: see [`valor_host::response`].
pub const VALOR_EVENT_RESPONSE: u32 = 1;
/// `read` has something, or the end.
pub const VALOR_EVENT_READABLE: u32 = 2;
/// `write` takes something.
pub const VALOR_EVENT_WRITABLE: u32 = 4;
/// The exchange was cancelled, or a fetch failed: see [`valor_host::failure`]. The last event.
pub const VALOR_EVENT_CANCELLED: u32 = 8;

/// Result bit of `pump` and `flush`: everything was read; wait for the descriptor to be readable.
pub const VALOR_PUMP_DRAINED: c_int = 1;
/// Result bit of `pump` and `flush`: also wait for it to be writable.
pub const VALOR_PUMP_WANT_WRITE: c_int = 2;
/// Result bit of `pump`: the descriptor is done with; when all are, return from `run_worker`.
pub const VALOR_PUMP_CLOSED: c_int = 4;

/// `reset` codes; the daemon answers 500 (failed, no answer), 502 or closes the connection where the head is out.
pub const VALOR_RESET_CANCEL: u32 = 1;
/// The handler failed; the reason is told to nobody but the log.
pub const VALOR_RESET_FAILED: u32 = 3;

/// Log levels.
pub const VALOR_LOG_TRACE: u32 = 0;
/// Log levels.
pub const VALOR_LOG_DEBUG: u32 = 1;
/// Log levels.
pub const VALOR_LOG_INFO: u32 = 2;
/// Log levels.
pub const VALOR_LOG_WARN: u32 = 3;
/// Log levels.
pub const VALOR_LOG_ERROR: u32 = 4;

/// What a worker is started with; valid until `run_worker` returns.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_worker_args {
    /// The worker's number; worker 0 creates the plugin.
    pub index: u32,
    /// How many workers there are.
    pub count: u32,
    /// Non-blocking descriptors to wait for; they belong to the shim.
    pub fds: *const c_int,
    /// How many.
    pub fd_count: usize,
    /// The plugin's configuration as JSON (`null` when there is none).
    pub config: valor_str,
    /// The plugin's name.
    pub name: valor_str,
}

/// What the shim does for a plugin. Later versions only append; check `size` before you call what version 1 has not.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_host {
    /// [`VALOR_ABI_VERSION`].
    pub abi: u32,
    /// `sizeof(valor_host)`.
    pub size: u32,

    /// Reads descriptor `index`, runs the callbacks, writes what they queued. Returns `VALOR_PUMP_*` bits.
    pub pump: unsafe extern "C" fn(worker: *mut valor_worker, index: usize) -> c_int,
    /// Writes what is queued on all descriptors. Returns `VALOR_PUMP_*` bits: with `VALOR_PUMP_WANT_WRITE`, wait until
    /// the descriptors are writable and call again.
    pub flush: unsafe extern "C" fn(worker: *mut valor_worker) -> c_int,
    /// How the shim wakes the worker's loop, so that it calls `flush`: `wake(context)` is called from any thread, when something
    /// was queued outside `pump`. Set it before the first request can arrive.
    pub set_wake: unsafe extern "C" fn(
        worker: *mut valor_worker,
        wake: Option<unsafe extern "C" fn(context: *mut c_void)>,
        context: *mut c_void,
    ),
    /// Worker 0 says that the plugin is created (`status` 0), or that it failed with `message`. The other workers start
    /// after it.
    pub created: unsafe extern "C" fn(worker: *mut valor_worker, status: c_int, message: valor_str),

    /// Gives the exchange a pointer for `on_event` and asks for events; those that are due already are delivered by the
    /// next `pump` or `flush`. On failure (the exchange is over) `on_release` is not called.
    pub set_user: unsafe extern "C" fn(exchange: *mut valor_exchange, user: *mut c_void) -> c_int,
    /// Answers a request: head and the first part of the body, or with `VALOR_FLAG_END` all of it. A first part longer
    /// than the window is kept by the shim until it can be sent. Takes `body` unless it returns `VALOR_INVALID`.
    pub respond: unsafe extern "C" fn(
        exchange: *mut valor_exchange,
        head: *const valor_response,
        body: valor_bytes,
        flags: u32,
    ) -> c_int,
    /// The next part of the peer's body: `VALOR_OK` and `*out` (which the caller releases), `VALOR_PENDING`, `VALOR_END`
    /// or `VALOR_CANCELLED`.
    pub read: unsafe extern "C" fn(exchange: *mut valor_exchange, out: *mut valor_bytes) -> c_int,
    /// The next part of our body. Takes `body` on `VALOR_OK` and `VALOR_CANCELLED`; on `VALOR_PENDING` the window is full: keep it and
    /// wait for `VALOR_EVENT_WRITABLE`.
    pub write: unsafe extern "C" fn(exchange: *mut valor_exchange, body: valor_bytes, flags: u32) -> c_int,
    /// Aborts the exchange. `reason` is logged.
    pub reset: unsafe extern "C" fn(exchange: *mut valor_exchange, code: u32, reason: valor_str),
    /// The rest of the peer's body is not wanted.
    pub stop: unsafe extern "C" fn(exchange: *mut valor_exchange),
    /// The plugin is done with the exchange; the pointer is dead. A request without a response is reset; a response
    /// body that was not ended is aborted.
    pub release: unsafe extern "C" fn(exchange: *mut valor_exchange),

    /// Starts a request through the daemon. `parent` is the request that it is made for (its deadline holds for the fetch
    /// too), or null. `*out` is set on `VALOR_OK` only. Takes `body` unless it returns `VALOR_INVALID`. Events go to `user` from the start.
    pub fetch: unsafe extern "C" fn(
        worker: *mut valor_worker,
        parent: *mut valor_exchange,
        head: *const valor_request,
        body: valor_bytes,
        flags: u32,
        user: *mut c_void,
        out: *mut *mut valor_exchange,
    ) -> c_int,
    /// The response head of a fetch: `VALOR_OK` (`*out` is valid until the release), `VALOR_PENDING` or `VALOR_CANCELLED`.
    pub response: unsafe extern "C" fn(exchange: *mut valor_exchange, out: *mut valor_response) -> c_int,
    /// Why an exchange was cancelled, or a fetch failed; valid until the release, empty when it was not.
    pub failure: unsafe extern "C" fn(exchange: *mut valor_exchange) -> valor_str,

    /// Writes a line to the plugin's log.
    pub log: unsafe extern "C" fn(level: u32, target: valor_str, message: valor_str),
}

/// What a plugin does. Static; later versions only append.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct valor_plugin {
    /// [`VALOR_ABI_VERSION`].
    pub abi: u32,
    /// `sizeof(valor_plugin)`.
    pub size: u32,
    /// The SDK and its version, NUL-terminated, or null.
    pub sdk: *const c_char,
    /// Without `run_worker`: creates the plugin, once, on worker 0. 0 is success; a failure is explained through
    /// `created`, or else by the number. May be null.
    pub create: Option<
        unsafe extern "C" fn(
            host: *const valor_host,
            worker: *mut valor_worker,
            args: *const valor_worker_args,
        ) -> c_int,
    >,
    /// Runs one worker until all its descriptors are closed. Null: the shim's own loop does.
    pub run_worker: Option<
        unsafe extern "C" fn(
            host: *const valor_host,
            worker: *mut valor_worker,
            args: *const valor_worker_args,
        ) -> c_int,
    >,
    /// A request is there. The exchange is the plugin's now.
    pub on_request: Option<
        unsafe extern "C" fn(
            host: *const valor_host,
            worker: *mut valor_worker,
            exchange: *mut valor_exchange,
            request: *const valor_request,
        ),
    >,
    /// Something that the exchange of `user` was waiting for: `VALOR_EVENT_*` bits.
    pub on_event: Option<unsafe extern "C" fn(user: *mut c_void, events: u32)>,
    /// The shim forgets `user`: after `release`, and never during another callback for it.
    pub on_release: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

// SAFETY: the vtable is immutable; `sdk` points to a static string.
#[expect(unsafe_code, reason = "a static vtable holds a pointer to a static string")]
unsafe impl Sync for valor_plugin {}

/// The type of the exported symbol.
pub type valor_entry = unsafe extern "C" fn() -> *const valor_plugin;
