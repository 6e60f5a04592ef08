//! A worker's loop for engines that bring none: `poll(2)` over its sockets and an eventfd.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::{Pumped, Wake, Worker};

/// What a loop drives.
pub trait Turn {
    /// Reads socket `index`, see [`Worker::pump`].
    fn pump(&mut self, index: usize) -> Pumped;
    /// Writes what is queued, see [`Worker::flush`].
    fn flush(&mut self) -> Pumped;
    /// Does what the engine has to do between two waits: how long the next one may be, `None`: until something happens.
    fn turn(&mut self) -> Option<Duration> {
        None
    }
    /// Whether something waits for socket `index` to be writable that no pump has told of.
    fn is_blocked(&self, index: usize) -> bool {
        let _: usize = index;
        false
    }
    /// Whether to end with sockets still open: those that are not the worker's.
    fn is_over(&self) -> bool {
        false
    }
}

/// The loop of one worker.
#[derive(Debug)]
pub struct PollLoop {
    wake: Arc<OwnedFd>,
}

/// One socket of the worker.
struct Socket<F> {
    /// `None`: closed.
    fd: Option<F>,
    /// There is more to read than one pump has taken.
    again: bool,
    want_write: bool,
}

impl PollLoop {
    /// A loop that `worker` wakes from now on.
    ///
    /// # Errors
    ///
    /// When there is no descriptor left to wake it by.
    pub fn new(worker: &Worker) -> Result<Self, Errno> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        worker.set_wake(Some(waker(&wake)));
        Ok(Self { wake })
    }

    /// Serves until all sockets are closed. `fds` stand for the worker's sockets, in their order; each is dropped once it is closed.
    ///
    /// # Errors
    ///
    /// When it cannot be waited for them.
    pub fn run<F: AsFd>(
        &self,
        fds: impl IntoIterator<Item = F>,
        driven: &mut impl Turn,
    ) -> Result<(), Errno> {
        let socket = |fd| Socket { fd: Some(fd), again: false, want_write: false };
        let mut sockets: Vec<Socket<F>> = fds.into_iter().map(socket).collect();
        while sockets.iter().any(|s| s.fd.is_some()) {
            let limit = driven.turn();
            if driven.is_over() {
                return Ok(());
            }
            for (index, socket) in sockets.iter_mut().enumerate() {
                socket.want_write |= driven.is_blocked(index);
            }
            let (woken, ready) = match self.wait(&sockets, limit) {
                Ok(found) => found,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            for (index, (socket, ready)) in sockets.iter_mut().zip(ready).enumerate() {
                if socket.fd.is_none() || !(ready || socket.again) {
                    continue;
                }
                let pumped = driven.pump(index);
                (socket.again, socket.want_write) = (!pumped.drained, pumped.want_write);
                if pumped.closed {
                    socket.fd = None;
                }
            }
            if woken {
                let _: Result<usize, Errno> = rustix::io::read(&*self.wake, &mut [0; 8]);
                if driven.flush().want_write {
                    // On which of them is not said; one that is not blocked is found out by its next pump.
                    sockets.iter_mut().for_each(|s| s.want_write = true);
                }
            }
        }
        Ok(())
    }

    /// Whether it was woken, and which sockets are ready.
    fn wait<F: AsFd>(
        &self,
        sockets: &[Socket<F>],
        limit: Option<Duration>,
    ) -> Result<(bool, Vec<bool>), Errno> {
        let mut set = vec![PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN)];
        for socket in sockets {
            if let Some(fd) = &socket.fd {
                let write = if socket.want_write { PollFlags::OUT } else { PollFlags::empty() };
                set.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN | write));
            }
        }
        let again = sockets.iter().any(|s| s.again && s.fd.is_some());
        let limit = if again { Some(Duration::ZERO) } else { limit };
        poll(&mut set, limit.map(timespec).as_ref())?;
        let mut found = set.iter().map(|fd| !fd.revents().is_empty());
        let woken = found.next().unwrap_or(false);
        let ready = sockets.iter().map(|s| s.fd.is_some() && found.next().unwrap_or(false)).collect();
        Ok((woken, ready))
    }
}

fn waker(wake: &Arc<OwnedFd>) -> Wake {
    let wake = Arc::clone(wake);
    Box::new(move || {
        // Fails only when it is full, and then the loop is awake.
        let _: Result<usize, Errno> = rustix::io::write(&*wake, &1_u64.to_ne_bytes());
    })
}

fn timespec(limit: Duration) -> Timespec {
    let nanos = limit.as_nanos().min(u128::from(u32::MAX) * 1_000_000_000);
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    Timespec { tv_sec: seconds.try_into().unwrap_or(i64::MAX), tv_nsec: nanos.try_into().unwrap_or(0) }
}
