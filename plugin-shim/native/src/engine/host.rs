//! `valor_host`: what the shim does for the plugin. Each function is a thin translation to `valor_shim_core::serve`.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use valor_abi::{
    VALOR_ABI_VERSION, VALOR_CANCELLED, VALOR_END, VALOR_FLAG_END, VALOR_INVALID, VALOR_LOG_DEBUG,
    VALOR_LOG_ERROR, VALOR_LOG_TRACE, VALOR_LOG_WARN, VALOR_OK, VALOR_PUMP_CLOSED, VALOR_PUMP_DRAINED,
    VALOR_PUMP_WANT_WRITE, VALOR_RESET_CANCEL, VALOR_RESET_FAILED, valor_bytes, valor_exchange, valor_host,
    valor_request, valor_response, valor_str, valor_worker,
};
use valor_shim_core::control::Reporter;
use valor_shim_core::serve::{Pumped, Received, Refused, Wake};
use valor_shim_core::wire::control::LogLevel;
use valor_shim_core::wire::{RequestHead, ResetCode};

use super::body::{Offered, borrow, give};
use super::deferred::guard;
use super::exchange::{Handle, code, fields};
use super::worker::Worker;

#[expect(clippy::cast_possible_truncation, reason = "the size of a small struct")]
pub(super) static HOST: valor_host = valor_host {
    abi: VALOR_ABI_VERSION,
    size: size_of::<valor_host>() as u32,
    pump,
    flush,
    set_wake,
    created,
    set_user,
    respond,
    read,
    write,
    reset,
    stop,
    release,
    fetch,
    response,
    failure,
    log,
};

const CLOSED: c_int = VALOR_PUMP_DRAINED | VALOR_PUMP_CLOSED;

/// Where log lines go; there is one plugin in a process.
static REPORTER: OnceLock<Reporter> = OnceLock::new();

/// Sends the plugin's log lines to `reporter`.
pub(super) fn log_to(reporter: Reporter) {
    REPORTER.get_or_init(|| reporter);
}

/// A line of the shim's own in the plugin's log.
pub(super) fn say(level: LogLevel, message: &str) {
    if let Some(reporter) = REPORTER.get() {
        reporter.log(level, "valor", message);
    }
}

// What all of these rely on is the contract: pointers are valid for the call, workers for the life of the process,
// exchanges until they are released. A null pointer is refused.

unsafe extern "C" fn pump(worker: *mut valor_worker, index: usize) -> c_int {
    // SAFETY: the contract.
    unsafe { Worker::of(worker) }.map_or(CLOSED, |worker| bits(worker.pump(index)))
}

unsafe extern "C" fn flush(worker: *mut valor_worker) -> c_int {
    // SAFETY: the contract.
    unsafe { Worker::of(worker) }.map_or(CLOSED, |worker| bits(worker.flush()))
}

unsafe extern "C" fn set_wake(
    worker: *mut valor_worker,
    wake: Option<unsafe extern "C" fn(context: *mut c_void)>,
    context: *mut c_void,
) {
    struct Waker {
        wake: unsafe extern "C" fn(context: *mut c_void),
        context: *mut c_void,
    }
    // SAFETY: the contract: it is called from any thread.
    unsafe impl Send for Waker {}
    // SAFETY: as above.
    unsafe impl Sync for Waker {}
    impl Waker {
        fn call(&self) {
            // SAFETY: the contract: valid until another is set, and that waits for this call.
            unsafe { (self.wake)(self.context) }
        }
    }
    guard((), || {
        // SAFETY: the contract.
        let Some(worker) = (unsafe { Worker::of(worker) }) else {
            return;
        };
        worker.core.set_wake(wake.map(|wake| {
            let waker = Waker { wake, context };
            Box::new(move || waker.call()) as Wake
        }));
    });
}

unsafe extern "C" fn created(worker: *mut valor_worker, status: c_int, message: valor_str) {
    guard((), || {
        // SAFETY: the contract.
        let Some(worker) = (unsafe { Worker::of(worker) }) else {
            return;
        };
        // SAFETY: the contract.
        let message = String::from_utf8_lossy(unsafe { borrow(message) }).into_owned();
        worker.created(status, message);
    });
}

unsafe extern "C" fn set_user(exchange: *mut valor_exchange, user: *mut c_void) -> c_int {
    guard(VALOR_CANCELLED, || {
        // SAFETY: the contract.
        let Some(handle) = (unsafe { Handle::of(exchange) }) else {
            return VALOR_INVALID;
        };
        code(&handle.exchange.set_user(user.expose_provenance()))
    })
}

unsafe extern "C" fn respond(
    exchange: *mut valor_exchange,
    head: *const valor_response,
    body: valor_bytes,
    flags: u32,
) -> c_int {
    guard(VALOR_INVALID, || {
        // SAFETY: the contract.
        let Some(handle) = (unsafe { Handle::of(exchange) }) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Some(head) = (unsafe { head.as_ref() }) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Some(body) = (unsafe { Offered::new(body) }) else {
            return VALOR_INVALID;
        };
        let mut body = Some(body);
        let status = u16::try_from(head.status).unwrap_or(0);
        // SAFETY: the contract.
        let fields = unsafe { fields(head.fields, head.field_count) };
        let result = handle.exchange.respond(status, fields, &mut body, flags & VALOR_FLAG_END != 0);
        settle(body, &result)
    })
}

unsafe extern "C" fn read(exchange: *mut valor_exchange, out: *mut valor_bytes) -> c_int {
    guard(VALOR_CANCELLED, || {
        // SAFETY: the contract.
        let Some(handle) = (unsafe { Handle::of(exchange) }) else {
            return VALOR_INVALID;
        };
        if out.is_null() {
            return VALOR_INVALID;
        }
        match handle.exchange.read() {
            Ok(Received::Data(part)) => {
                // SAFETY: not null, and the contract.
                unsafe { out.write(give(part)) };
                VALOR_OK
            }
            Ok(Received::End) => VALOR_END,
            Err(refused) => code(&Err::<(), _>(refused)),
        }
    })
}

unsafe extern "C" fn write(exchange: *mut valor_exchange, body: valor_bytes, flags: u32) -> c_int {
    guard(VALOR_INVALID, || {
        // SAFETY: the contract.
        let Some(handle) = (unsafe { Handle::of(exchange) }) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Some(body) = (unsafe { Offered::new(body) }) else {
            return VALOR_INVALID;
        };
        let mut body = Some(body);
        let result = handle.exchange.write(&mut body, flags & VALOR_FLAG_END != 0);
        settle(body, &result)
    })
}

unsafe extern "C" fn reset(exchange: *mut valor_exchange, code: u32, reason: valor_str) {
    guard((), || {
        // SAFETY: the contract.
        let Some(handle) = (unsafe { Handle::of(exchange) }) else {
            return;
        };
        let code = match code {
            VALOR_RESET_CANCEL => ResetCode::Cancel,
            VALOR_RESET_FAILED => ResetCode::Failed,
            _ => ResetCode::Internal,
        };
        // SAFETY: the contract.
        let reason = String::from_utf8_lossy(unsafe { borrow(reason) });
        if !reason.is_empty() {
            say(LogLevel::Warn, &format!("a request was aborted: {reason}"));
        }
        handle.exchange.reset(code, &reason);
    });
}

unsafe extern "C" fn stop(exchange: *mut valor_exchange) {
    guard((), || {
        // SAFETY: the contract.
        if let Some(handle) = unsafe { Handle::of(exchange) } {
            handle.exchange.stop();
        }
    });
}

unsafe extern "C" fn release(exchange: *mut valor_exchange) {
    // SAFETY: the contract: the last use of the pointer.
    guard((), || unsafe { Handle::release(exchange) });
}

unsafe extern "C" fn fetch(
    worker: *mut valor_worker,
    parent: *mut valor_exchange,
    head: *const valor_request,
    body: valor_bytes,
    flags: u32,
    user: *mut c_void,
    out: *mut *mut valor_exchange,
) -> c_int {
    guard(VALOR_INVALID, || {
        // SAFETY: the contract.
        let Some(worker) = (unsafe { Worker::of(worker) }) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Some(head) = (unsafe { head.as_ref() }).filter(|_| !out.is_null()) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Ok(method) = str::from_utf8(unsafe { borrow(head.method) }) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Ok(target) = str::from_utf8(unsafe { borrow(head.target) }) else {
            return VALOR_INVALID;
        };
        // SAFETY: the contract.
        let Some(body) = (unsafe { Offered::new(body) }) else {
            return VALOR_INVALID;
        };
        let mut body = Some(body);
        let request = RequestHead { method, target, deadline_ms: head.deadline_ms, parent: None };
        // SAFETY: the contract.
        let parent = unsafe { Handle::of(parent) }.and_then(|handle| handle.exchange.parent());
        // SAFETY: the contract.
        let fields = unsafe { fields(head.fields, head.field_count) };
        let (end, user) = (flags & VALOR_FLAG_END != 0, user.expose_provenance());
        let result = worker.core.fetch(parent, &request, fields, &mut body, end, user).map(|exchange| {
            // SAFETY: not null, and the contract.
            unsafe { out.write(Handle::give(exchange)) };
        });
        settle(body, &result)
    })
}

unsafe extern "C" fn response(exchange: *mut valor_exchange, out: *mut valor_response) -> c_int {
    guard(VALOR_CANCELLED, || {
        // SAFETY: the contract.
        let Some(handle) = (unsafe { Handle::of(exchange) }) else {
            return VALOR_INVALID;
        };
        if out.is_null() {
            return VALOR_INVALID;
        }
        // SAFETY: not null, and the contract.
        code(&handle.response().map(|head| unsafe { out.write(head) }))
    })
}

unsafe extern "C" fn failure(exchange: *mut valor_exchange) -> valor_str {
    let nothing = valor_str { ptr: std::ptr::null(), len: 0 };
    guard(nothing, || {
        // SAFETY: the contract.
        let handle = unsafe { Handle::of(exchange) };
        handle.map_or(nothing, Handle::failure)
    })
}

unsafe extern "C" fn log(level: u32, target: valor_str, message: valor_str) {
    guard((), || {
        let Some(reporter) = REPORTER.get() else { return };
        let level = match level {
            VALOR_LOG_TRACE => LogLevel::Trace,
            VALOR_LOG_DEBUG => LogLevel::Debug,
            VALOR_LOG_WARN => LogLevel::Warn,
            VALOR_LOG_ERROR => LogLevel::Error,
            _ => LogLevel::Info,
        };
        // SAFETY: the contract.
        let target = String::from_utf8_lossy(unsafe { borrow(target) });
        // SAFETY: the contract.
        reporter.log(level, &target, &String::from_utf8_lossy(unsafe { borrow(message) }));
    });
}

/// The code of a call that was offered a body, which stays with the plugin when the call did nothing.
fn settle<T>(body: Option<Offered>, result: &Result<T, Refused>) -> c_int {
    if let Some(body) = body
        && matches!(result, Err(Refused::Invalid | Refused::Pending))
    {
        body.give_back();
    }
    code(result)
}

fn bits(pumped: Pumped) -> c_int {
    let bit = |set: bool, bit: c_int| if set { bit } else { 0 };
    bit(pumped.drained, VALOR_PUMP_DRAINED)
        | bit(pumped.want_write, VALOR_PUMP_WANT_WRITE)
        | bit(pumped.closed, VALOR_PUMP_CLOSED)
}
