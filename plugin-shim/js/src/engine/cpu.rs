//! How long this thread has worked: on a busy machine, honest code takes long without doing much.

#![expect(unsafe_code, reason = "the clock of a thread, from the C library")]

use std::time::Duration;

/// The processor's time that this thread has had.
pub(super) fn spent() -> Duration {
    let mut spent = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it is valid to be written to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut spent) };
    // Where there is no such clock, none is ever spent, and valord's own deadlines are left.
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
}
