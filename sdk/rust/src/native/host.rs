//! The shim's functions for a worker, and the log.

use std::ffi::c_int;
use std::fmt;
use std::ptr::null_mut;
use std::sync::OnceLock;

use valor_abi::{VALOR_ABI_VERSION, valor_host, valor_worker};

use super::bytes::lend_str;
use crate::log::Level;

/// The shim. It lives as long as the process.
#[derive(Clone, Copy)]
pub(super) struct Host(pub(super) &'static valor_host);

/// The first shim that a worker was started by: there is one in a process.
static HOST: OnceLock<Host> = OnceLock::new();

impl Host {
    /// # Safety
    ///
    /// `host` is null or valid for the life of the process.
    pub(super) unsafe fn new(host: *const valor_host) -> Result<Self, Mismatch> {
        // SAFETY: the caller's promise.
        let host = unsafe { host.as_ref() }.ok_or(Mismatch { abi: 0, size: 0 })?;
        if host.abi < VALOR_ABI_VERSION || (host.size as usize) < size_of::<valor_host>() {
            return Err(Mismatch { abi: host.abi, size: host.size });
        }
        let host = Self(host);
        HOST.get_or_init(|| host);
        Ok(host)
    }
}

/// The shim is older than this SDK.
#[derive(Debug)]
pub(super) struct Mismatch {
    abi: u32,
    size: u32,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { abi, size } = self;
        let ours = size_of::<valor_host>();
        write!(
            f,
            "valor-shim speaks ABI {abi} ({size} bytes), the plugin {VALOR_ABI_VERSION} ({ours} bytes): upgrade valord"
        )
    }
}

impl std::error::Error for Mismatch {}

/// A worker's handle. It lives until `run_worker` returns.
#[derive(Clone, Copy)]
pub(super) struct Worker {
    pub(super) host: Host,
    pub(super) raw: *mut valor_worker,
}

impl Worker {
    /// Reads descriptor `index` and runs the callbacks.
    pub(super) fn pump(self, index: usize) -> c_int {
        // SAFETY: `Worker`s stay on their own thread, and nothing calls `pump` from a callback.
        unsafe { (self.host.0.pump)(self.raw, index) }
    }

    /// Writes what is queued.
    pub(super) fn flush(self) -> c_int {
        // SAFETY: the worker is alive.
        unsafe { (self.host.0.flush)(self.raw) }
    }

    /// Tells the shim that the plugin is created, or why not.
    pub(super) fn created(self, result: Result<(), &str>) {
        let message = lend_str(result.err().unwrap_or_default());
        // SAFETY: the worker is alive, the message for the call.
        unsafe { (self.host.0.created)(self.raw, c_int::from(result.is_err()), message) }
    }

    /// Has the shim call `wake` when something was queued from outside of `pump`.
    pub(super) fn set_wake(self, notify: &'static tokio::sync::Notify) {
        let context = std::ptr::from_ref(notify).cast_mut().cast();
        // SAFETY: the worker is alive, and the context for ever.
        unsafe { (self.host.0.set_wake)(self.raw, Some(wake), context) }
    }

    /// Has it stop that.
    pub(super) fn clear_wake(self) {
        // SAFETY: the worker is alive.
        unsafe { (self.host.0.set_wake)(self.raw, None, null_mut()) }
    }
}

unsafe extern "C" fn wake(context: *mut std::ffi::c_void) {
    // SAFETY: `set_wake` was given a `&'static Notify`.
    let notify = unsafe { &*context.cast::<tokio::sync::Notify>() };
    // At most one wake is outstanding, and one from the worker's own thread costs no syscall: `Notify` holds one
    // permit, and the `LocalSet` queues its own tasks without waking the reactor.
    notify.notify_one();
}

/// Writes a line to the plugin's log; false when there is no shim.
pub(crate) fn log(level: Level, target: &str, message: &str) -> bool {
    let Some(host) = HOST.get() else { return false };
    let level = match level {
        Level::Trace => valor_abi::VALOR_LOG_TRACE,
        Level::Debug => valor_abi::VALOR_LOG_DEBUG,
        Level::Info => valor_abi::VALOR_LOG_INFO,
        Level::Warn => valor_abi::VALOR_LOG_WARN,
        Level::Error => valor_abi::VALOR_LOG_ERROR,
    };
    // SAFETY: legal from any thread; the strings are alive for the call.
    unsafe { (host.0.log)(level, lend_str(target), lend_str(message)) };
    true
}
