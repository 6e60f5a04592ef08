//! The loop of the worker: `poll(2)` over its sockets, and its timers.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use valor_shim_core::serve::{Handler, Worker};

/// What the loop drives.
pub(super) trait Served {
    /// Copies of the data sockets, to wait for.
    fn sockets(&self) -> &[OwnedFd];
    /// What reads and writes them.
    fn core(&self) -> Arc<Worker>;
    /// What hears of what was read.
    fn handler(&mut self) -> &mut impl Handler;
    /// When a timer is due.
    fn due_in(&self) -> Option<Duration>;
    /// Runs what is due and tidies up; the error is the end.
    fn turn(&mut self) -> Result<(), String>;
}

/// One socket of the worker.
#[derive(Clone, Copy)]
struct Socket {
    /// There is more to read than one pump has taken.
    again: bool,
    want_write: bool,
    closed: bool,
}

/// Serves until all sockets are closed.
pub(super) fn run(served: &mut impl Served) -> Result<(), String> {
    let core = served.core();
    // All happens on this thread: to be woken means to flush once more.
    let woken = Arc::new(AtomicBool::new(true));
    let wake = Arc::clone(&woken);
    core.set_wake(Some(Box::new(move || wake.store(true, Ordering::Relaxed))));
    let mut sockets = vec![Socket { again: false, want_write: false, closed: false }; served.sockets().len()];
    while sockets.iter().any(|s| !s.closed) {
        let again = woken.load(Ordering::Relaxed) || sockets.iter().any(|s| s.again && !s.closed);
        let timeout = if again { Some(Duration::ZERO) } else { served.due_in() };
        let ready = wait(served.sockets(), &sockets, timeout).map_err(|errno| format!("poll fails: {errno}"))?;
        for (index, socket) in sockets.iter_mut().enumerate().filter(|(_, s)| !s.closed) {
            if ready[index] || socket.again {
                let pumped = core.pump(index, served.handler());
                *socket = Socket { again: !pumped.drained, want_write: pumped.want_write, closed: pumped.closed };
            }
        }
        served.turn()?;
        woken.store(false, Ordering::Relaxed);
        if core.flush(served.handler()).want_write {
            // On which of them is not said; one that is not blocked is found out by its next pump.
            sockets.iter_mut().for_each(|s| s.want_write = true);
        }
        // Callbacks of the flush may have wrecked the isolate.
        served.turn()?;
    }
    Ok(())
}

/// Which sockets have something to say.
fn wait(fds: &[OwnedFd], sockets: &[Socket], timeout: Option<Duration>) -> Result<Vec<bool>, Errno> {
    let mut set: Vec<PollFd<'_>> = fds
        .iter()
        .zip(sockets)
        .map(|(fd, socket)| {
            let mut flags = if socket.closed { PollFlags::empty() } else { PollFlags::IN };
            flags.set(PollFlags::OUT, socket.want_write && !socket.closed);
            PollFd::from_borrowed_fd(fd.as_fd(), flags)
        })
        .collect();
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    match poll(&mut set, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno),
    }
    Ok(set.iter().map(|fd| !fd.revents().is_empty()).collect())
}
