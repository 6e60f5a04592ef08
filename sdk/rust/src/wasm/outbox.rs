//! What the guest has to say: collected, and sent when a turn ends or the batch is full.

use std::cell::RefCell;
use std::panic::PanicHookInfo;

use valor_abi::message::Writer;

use super::host;
use crate::log::Level;

/// Beyond this many bytes a batch is sent at once; with the longest frame it stays within its bound.
const FULL: usize = 256 * 1024;

thread_local! {
    static OUT: RefCell<Writer> = const { RefCell::new(Writer(Vec::new())) };
}

/// Writes frames.
pub(super) fn with<T>(write: impl FnOnce(&mut Writer) -> T) -> T {
    OUT.with_borrow_mut(|out| {
        let written = write(out);
        if out.0.len() > FULL {
            host::send(&out.0);
            out.0.clear();
        }
        written
    })
}

/// Sends what there is.
pub(super) fn flush() {
    OUT.with_borrow_mut(|out| {
        if !out.0.is_empty() {
            host::send(&out.0);
            out.0.clear();
            // One large turn does not hold its memory for ever.
            out.0.shrink_to(64 * 1024);
        }
    });
}

/// Writes a line to the log; whether there is one.
pub(crate) fn log(level: Level, target: &str, message: &str) -> bool {
    with(|out| out.log(level as u8, target, message));
    true
}

/// The panic hook: the panic is a trap next, so everything is sent now.
pub(super) fn panicked(info: &PanicHookInfo<'_>) {
    let mut last =
        OUT.with(|out| out.try_borrow_mut().map(|mut out| std::mem::take(&mut *out))).unwrap_or_default();
    last.log(Level::Error as u8, "panic", &info.to_string());
    host::send(&last.0);
}
