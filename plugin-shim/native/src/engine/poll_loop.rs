//! The loop of a worker whose plugin brings none: `poll(2)` over its sockets and an eventfd.

use std::ffi::c_int;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::worker::Worker;

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// One socket of the worker.
#[derive(Clone, Copy)]
struct Socket {
    /// There is more to read than one pump has taken.
    again: bool,
    want_write: bool,
    closed: bool,
}

/// Creates the plugin, on worker 0, and serves until all sockets are closed.
pub(super) fn run(worker: &'static Worker, fds: &[RawFd], create: impl FnOnce() -> c_int) -> c_int {
    let wake = match eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) {
        Ok(wake) => Arc::new(wake),
        Err(errno) => {
            worker.created(
                1,
                format!("cannot make an eventfd: {errno}: raise the plugin's limit of descriptors"),
            );
            return 1;
        }
    };
    let waker = Arc::clone(&wake);
    worker.core.set_wake(Some(Box::new(move || {
        // Fails only when it is full, and then the loop is awake.
        let _: Result<usize, Errno> = rustix::io::write(&*waker, &1_u64.to_ne_bytes());
    })));
    if worker.index() == 0 {
        let status = create();
        // Counts only if the plugin has not spoken for itself.
        worker.created(status, String::new());
        if status != 0 {
            return status;
        }
    }
    match serve(worker, fds, &wake) {
        Ok(()) => 0,
        Err(errno) => errno.raw_os_error(),
    }
}

fn serve(worker: &'static Worker, fds: &[RawFd], wake: &OwnedFd) -> Result<(), Errno> {
    let mut sockets = vec![Socket { again: false, want_write: false, closed: false }; fds.len()];
    let mut set: Vec<PollFd<'_>> = Vec::with_capacity(fds.len() + 1);
    while sockets.iter().any(|s| !s.closed) {
        set.clear();
        set.push(PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN));
        for (fd, socket) in fds.iter().zip(&sockets).filter(|(_, s)| !s.closed) {
            let write = if socket.want_write { PollFlags::OUT } else { PollFlags::empty() };
            // SAFETY: the worker keeps it open until the process ends.
            let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
            set.push(PollFd::from_borrowed_fd(fd, PollFlags::IN | write));
        }
        let again = sockets.iter().any(|s| s.again && !s.closed);
        match poll(&mut set, again.then_some(&NOW)) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        }
        let mut ready = set.iter().map(|fd| !fd.revents().is_empty());
        let woken = ready.next().unwrap_or(false);
        for (index, socket) in sockets.iter_mut().enumerate().filter(|(_, s)| !s.closed) {
            if !ready.next().unwrap_or(false) && !socket.again {
                continue;
            }
            let pumped = worker.pump(index);
            *socket = Socket { again: !pumped.drained, want_write: pumped.want_write, closed: pumped.closed };
        }
        if woken {
            let _: Result<usize, Errno> = rustix::io::read(wake, &mut [0; 8]);
            if worker.flush().want_write {
                // On which of them is not said; one that is not blocked is found out by its next pump.
                sockets.iter_mut().for_each(|s| s.want_write = true);
            }
        }
    }
    Ok(())
}
