//! The shim's side of the control socket. [`Control`] speaks in turns, as long as the process has one thread and is
//! not confined; [`Control::split`] then gives a [`Listener`] to the main thread and a [`Reporter`] to everybody.

mod listener;
mod quota;
mod reporter;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use valor_wire::Violation;
use valor_wire::control::{Decoder, FromShim, Hello, LayerReport, Setup, Start, Step, ToShim, encode};

pub use listener::{Listener, Notice};
pub use reporter::Reporter;

/// What can go wrong on the control socket. There is no way on from any of it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket fails.
    #[error("cannot {action} the control socket (was this started by valord?)")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// valord is gone, or gave up on this process.
    #[error("valord has closed the control socket")]
    HungUp,
    /// The two versions do not fit.
    #[error("{0}")]
    Version(String),
    /// Not a message, or too long a one.
    #[error("cannot understand valord: install valord and valor-shim from one release")]
    Violation(#[from] Violation),
    /// A valid message at the wrong time.
    #[error("valord sent {got} where {expected} was due: install valord and valor-shim from one release")]
    Unexpected {
        /// What was due.
        expected: &'static str,
        /// What came.
        got: &'static str,
    },
}

/// The control socket up to the start of the plugin.
#[derive(Debug)]
pub struct Control {
    socket: OwnedFd,
    decoder: Decoder,
    /// What valord has said of itself.
    peer: Option<Hello>,
}

impl Control {
    /// Takes over the shim's end.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, decoder: Decoder::default(), peer: None }
    }

    /// The handshake: greets, compares versions, and returns how to confine the process.
    pub fn greet(&mut self, software: &str) -> Result<Setup, ControlError> {
        let ours = Hello::new(software);
        let theirs = match self.receive()? {
            ToShim::Hello(hello) => hello,
            other => return Err(unexpected("a greeting", &other)),
        };
        // Also when the versions differ: so that both sides can name both.
        self.send(&FromShim::Hello(ours.clone()))?;
        ours.accept(&theirs).map_err(ControlError::Version)?;
        self.peer = Some(theirs);
        match self.receive()? {
            ToShim::Setup(setup) => Ok(*setup),
            other => Err(unexpected("the setup", &other)),
        }
    }

    /// Whether valord has offered `feature`, once it has greeted.
    #[must_use]
    pub fn is_offered(&self, feature: &str) -> bool {
        self.peer.as_ref().is_some_and(|hello| hello.offers(feature))
    }

    /// Says what became of every layer, and waits until valord is content with it.
    pub fn report(&mut self, layers: Vec<LayerReport>) -> Result<Start, ControlError> {
        self.send(&FromShim::Report { layers })?;
        match self.receive()? {
            ToShim::Start(start) => Ok(start),
            other => Err(unexpected("the start", &other)),
        }
    }

    /// Says that the start has failed.
    pub fn fail(&mut self, step: Step, message: String) -> Result<(), ControlError> {
        self.send(&FromShim::Failed { step, message })
    }

    /// From now on several threads write, and one reads.
    pub fn split(self) -> Result<(Listener, Reporter), ControlError> {
        listener::split(self.socket, self.decoder)
    }

    fn receive(&mut self) -> Result<ToShim, ControlError> {
        loop {
            if let Some(message) = self.decoder.next()? {
                return Ok(message);
            }
            wait(self.socket.as_fd(), PollFlags::IN)?;
            read(self.socket.as_fd(), &mut self.decoder)?;
        }
    }

    fn send(&mut self, message: &FromShim) -> Result<(), ControlError> {
        let mut bytes = encode(message)?;
        loop {
            write(self.socket.as_fd(), &mut bytes)?;
            if bytes.is_empty() {
                return Ok(());
            }
            wait(self.socket.as_fd(), PollFlags::OUT)?;
        }
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn unexpected(expected: &'static str, got: &ToShim) -> ControlError {
    let got = match got {
        ToShim::Hello(_) => "a greeting",
        ToShim::Setup(_) => "a setup",
        ToShim::Start(_) => "a start",
        ToShim::Drain => "a drain",
    };
    ControlError::Unexpected { expected, got }
}

/// Waits for one descriptor. The socket may be blocking or not: all transfers are told not to wait.
fn wait(socket: BorrowedFd<'_>, events: PollFlags) -> Result<(), ControlError> {
    let mut fds = [PollFd::from_borrowed_fd(socket, events)];
    match poll(&mut fds, None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(ControlError::Io { action: "wait for", source: errno.into() }),
    }
}

/// Hands what is there to the decoder.
fn read(socket: BorrowedFd<'_>, decoder: &mut Decoder) -> Result<(), ControlError> {
    let mut buffer = [0; 16 * 1024];
    match recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
        Ok((0, _)) | Err(Errno::CONNRESET) => Err(ControlError::HungUp),
        Ok((n, _)) => {
            decoder.feed(&buffer[..n]);
            Ok(())
        }
        Err(Errno::INTR | Errno::AGAIN) => Ok(()),
        Err(errno) => Err(ControlError::Io { action: "read from", source: errno.into() }),
    }
}

/// Writes what the socket takes, and takes it off the front of `bytes`.
fn write(socket: BorrowedFd<'_>, bytes: &mut Vec<u8>) -> Result<(), ControlError> {
    while !bytes.is_empty() {
        match send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(n) => {
                bytes.drain(..n);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(ControlError::HungUp),
            Err(errno) => {
                return Err(ControlError::Io { action: "write to", source: errno.into() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
