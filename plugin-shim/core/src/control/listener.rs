//! What the main thread of a serving shim waits for.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use valor_wire::control::{Decoder, ToShim};

use super::reporter::{Reporter, Shared};
use super::{ControlError, read, unexpected};

/// The reading side of the control socket.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    decoder: Decoder,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// No request follows.
    Drain,
    /// Somebody called [`Reporter::poke`].
    Poked,
    /// valord is gone: end at once.
    HungUp,
}

pub(super) fn split(socket: OwnedFd, decoder: Decoder) -> Result<(Listener, Reporter), ControlError> {
    let poke = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|errno| ControlError::Io { action: "make an eventfd beside", source: errno.into() })?;
    let shared = Arc::new(Shared::new(socket, poke));
    Ok((Listener { shared: Arc::clone(&shared), decoder }, Reporter::new(shared)))
}

impl Listener {
    /// Waits for the next thing to happen, and sends meanwhile what the socket had no room for.
    pub fn wait(&mut self) -> Result<Notice, ControlError> {
        loop {
            match self.decoder.next()? {
                Some(ToShim::Drain) => return Ok(Notice::Drain),
                Some(other) => return Err(unexpected("a drain", &other)),
                None => {}
            }
            let mut events = PollFlags::IN;
            if self.shared.has_backlog() {
                events |= PollFlags::OUT;
            }
            let mut fds = [
                PollFd::from_borrowed_fd(self.shared.socket.as_fd(), events),
                PollFd::from_borrowed_fd(self.shared.poke.as_fd(), PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => {
                    return Err(ControlError::Io { action: "wait for", source: errno.into() });
                }
            }
            let [socket, poke] = fds.map(|fd| fd.revents());
            if socket.contains(PollFlags::OUT) && self.shared.flush().is_err() {
                return Ok(Notice::HungUp);
            }
            if !poke.is_empty() {
                self.shared.unpoke();
                return Ok(Notice::Poked);
            }
            if socket.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                match read(self.shared.socket.as_fd(), &mut self.decoder) {
                    Ok(()) => {}
                    Err(ControlError::HungUp) => return Ok(Notice::HungUp),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
