//! The process itself: its end, and its last words.

use std::error::Error;
use std::io::Write;

/// Ends the process now: no exit handlers, no destructors, other threads wherever they are.
pub(super) fn end(code: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(code) }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
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
