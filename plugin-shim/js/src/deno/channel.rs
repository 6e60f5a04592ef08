//! The socket to Deno: what is read and what waits to be written.

use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use super::frames::{self, Frame};

/// What one read asks for.
const READ: usize = 64 * 1024;
/// More does not wait for an engine that does not read: bodies wait elsewhere, so that is one that is stuck.
const MAX_QUEUED: usize = 64 << 20;

/// Both directions.
#[derive(Debug)]
pub(super) struct Channel {
    socket: OwnedFd,
    read: Vec<u8>,
    /// How much of `read` is done with.
    done: usize,
    out: Vec<u8>,
    /// How much of `out` is written.
    written: usize,
    closed: bool,
}

impl Channel {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket, read: Vec::new(), done: 0, out: Vec::new(), written: 0, closed: false }
    }

    /// Queues frames, and leaves `frames` empty.
    pub(super) fn append(&mut self, frames: &mut Vec<u8>) {
        if self.out.is_empty() {
            std::mem::swap(&mut self.out, frames);
        } else {
            self.out.append(frames);
        }
    }

    /// Whether something waits for the socket.
    pub(super) fn is_blocked(&self) -> bool {
        !self.out.is_empty() && !self.closed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Reads once; whether that has emptied the socket.
    pub(super) fn fill(&mut self) -> bool {
        self.read.drain(..self.done);
        self.done = 0;
        self.read.reserve(READ);
        let room = self.read.capacity() - self.read.len();
        match rustix::io::read(&self.socket, spare_capacity(&mut self.read)) {
            Ok(n @ 1..) => n < room,
            Err(Errno::INTR) => false,
            Err(Errno::AGAIN) => true,
            Ok(_) | Err(_) => {
                self.closed = true;
                true
            }
        }
    }

    /// Calls `take` with each whole frame that was read.
    pub(super) fn frames(
        &mut self,
        mut take: impl FnMut(&Frame<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        while let Some((frame, len)) = frames::first(&self.read[self.done..])? {
            take(&frame)?;
            self.done += len;
        }
        Ok(())
    }

    /// Writes what is queued, as far as the socket takes it.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        while self.is_blocked() {
            match rustix::io::write(&self.socket, &self.out[self.written..]) {
                Ok(n) => {
                    self.written += n;
                    if self.written == self.out.len() {
                        self.out.clear();
                        self.written = 0;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // The next read says that it is over.
                Err(_) => self.closed = true,
            }
        }
        if self.written > READ {
            self.out.drain(..self.written);
            self.written = 0;
        }
        if self.out.len() > MAX_QUEUED { Err("it does not read what it is told".to_owned()) } else { Ok(()) }
    }
}
