//! The process itself: its end, and its last words.

use std::error::Error;
use std::io::Write;

use valor_shim_core::program::chain;

/// Ends the process now: no exit handlers, no destructors, other threads wherever they are.
pub(super) fn end(code: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(code) }
}

/// Writes an error to stderr, and gives the exit code for it.
pub(super) fn complain(error: &dyn Error) -> i32 {
    // Fails only when nobody reads the log.
    drop(writeln!(std::io::stderr(), "valor-shim: {}", chain(error)));
    1
}

/// C's stdout is a pipe to valord's log, where a line should show up when it is written.
pub(super) fn line_buffered_stdout() {
    unsafe extern "C" {
        static stdout: *mut libc::FILE;
    }
    // SAFETY: a variable of the C library's that is set before `main`.
    let stream = unsafe { stdout };
    // SAFETY: nothing was written to the stream yet, and it makes its own buffer.
    unsafe { libc::setvbuf(stream, std::ptr::null_mut(), libc::_IOLBF, 0) };
}
