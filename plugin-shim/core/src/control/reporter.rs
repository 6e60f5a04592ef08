//! What the threads of a serving shim say to valord.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::event::PollFlags;
use valor_wire::control::{FromShim, LogLevel, MAX_LOG_MESSAGE, encode};

use super::quota::Quota;
use super::{ControlError, wait, write};

/// The longest target of a log line.
const MAX_TARGET: usize = 256;

/// The writing side of the control socket, for any thread.
#[derive(Debug, Clone)]
pub struct Reporter(Arc<Shared>);

pub(super) struct Shared {
    pub(super) socket: OwnedFd,
    pub(super) poke: OwnedFd,
    out: Mutex<Out>,
    began: Instant,
}

struct Out {
    /// The rest of messages that the socket had no room for.
    backlog: Vec<u8>,
    quota: Quota,
    /// Lines that were not sent since one was.
    dropped: u64,
}

impl Reporter {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Sends a message, and waits until the socket has taken it.
    pub fn send(&self, message: &FromShim) -> Result<(), ControlError> {
        let bytes = encode(message)?;
        self.0.lock().backlog.extend_from_slice(&bytes);
        loop {
            self.0.flush()?;
            if !self.0.has_backlog() {
                return Ok(());
            }
            wait(self.0.socket.as_fd(), PollFlags::OUT)?;
        }
    }

    /// Sends a log line, or drops it and counts that: it never waits, and never exceeds the quota.
    pub fn log(&self, level: LogLevel, target: &str, message: &str) {
        let now = self.0.began.elapsed();
        let mut out = self.0.lock();
        let socket = self.0.socket.as_fd();
        // Fails when valord is gone, and then there is nobody to tell.
        if write(socket, &mut out.backlog).is_err() {
            return;
        }
        let line = line(level, target, message);
        let fits = out.backlog.is_empty() && out.quota.take(now, line.len());
        if !fits {
            out.dropped += 1;
            return;
        }
        let dropped = std::mem::take(&mut out.dropped);
        if dropped > 0 {
            let message =
                format!("{dropped} log lines were dropped: the plugin writes more than valord takes");
            let notice = self::line(LogLevel::Warn, "valor", &message);
            out.quota.take(now, notice.len());
            out.backlog.extend_from_slice(&notice);
        }
        out.backlog.extend_from_slice(&line);
        if write(socket, &mut out.backlog).is_ok() && !out.backlog.is_empty() {
            drop(out);
            // The main thread waits for the socket in our place.
            self.poke();
        }
    }

    /// Wakes the [`Listener`](super::Listener).
    pub fn poke(&self) {
        // Fails when it is full of pokes that nobody has seen yet.
        let _: Result<usize, _> = rustix::io::write(&self.0.poke, &1_u64.to_ne_bytes());
    }
}

impl Shared {
    pub(super) fn new(socket: OwnedFd, poke: OwnedFd) -> Self {
        let out = Out { backlog: Vec::new(), quota: Quota::new(), dropped: 0 };
        Self { socket, poke, out: Mutex::new(out), began: Instant::now() }
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.lock().backlog.is_empty()
    }

    pub(super) fn flush(&self) -> Result<(), ControlError> {
        write(self.socket.as_fd(), &mut self.lock().backlog)
    }

    pub(super) fn unpoke(&self) {
        let _: Result<usize, _> = rustix::io::read(&self.poke, &mut [0; 8]);
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

fn line(level: LogLevel, target: &str, message: &str) -> Vec<u8> {
    let cut = |text: &str, limit: usize| text[..text.floor_char_boundary(limit)].to_owned();
    let line =
        FromShim::Log { level, target: cut(target, MAX_TARGET), message: cut(message, MAX_LOG_MESSAGE) };
    // Far below the limit of a message, even when every byte is escaped.
    encode(&line).unwrap_or_default()
}
