//! The process itself: its end, and its standard output.

/// Ends the process now: no exit handlers, no destructors, other threads wherever they are.
pub(super) fn end(code: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(code) }
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
