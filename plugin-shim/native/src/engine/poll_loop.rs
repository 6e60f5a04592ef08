//! The loop of a worker whose plugin brings none.

use std::ffi::c_int;
use std::os::fd::{BorrowedFd, RawFd};

use valor_shim_core::serve::{PollLoop, Pumped, Turn};

use super::worker::Worker;

impl Turn for &'static Worker {
    fn pump(&mut self, index: usize) -> Pumped {
        Worker::pump(self, index)
    }

    fn flush(&mut self) -> Pumped {
        Worker::flush(self)
    }
}

/// Creates the plugin, on worker 0, and serves until all sockets are closed.
pub(super) fn run(mut worker: &'static Worker, fds: &[RawFd], create: impl FnOnce() -> c_int) -> c_int {
    let poll_loop = match PollLoop::new(&worker.core) {
        Ok(poll_loop) => poll_loop,
        Err(errno) => {
            worker.created(
                1,
                format!("cannot make an eventfd: {errno}: raise the plugin's limit of descriptors"),
            );
            return 1;
        }
    };
    if worker.index() == 0 {
        let status = create();
        // Counts only if the plugin has not spoken for itself.
        worker.created(status, String::new());
        if status != 0 {
            return status;
        }
    }
    // SAFETY: the worker keeps them open until it is done with them.
    let fds = fds.iter().map(|fd| unsafe { BorrowedFd::borrow_raw(*fd) });
    match poll_loop.run(fds, &mut worker) {
        Ok(()) => 0,
        Err(errno) => errno.raw_os_error(),
    }
}
