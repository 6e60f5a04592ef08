//! One data socket: its descriptor and its end of the protocol.

use std::io::IoSlice;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use valor_wire::{Connection, Limits, ReadSize, Role, StreamId};

/// How much one read asks for at least: large enough for a batch of heads, small enough to be kept by each socket.
const READ: usize = 64 * 1024;

/// The most parts of one `writev`.
const PARTS: usize = 16;

/// One data socket.
#[derive(Debug)]
pub(super) struct Link {
    socket: OwnedFd,
    pub(super) connection: Connection,
    read: ReadSize,
    pub(super) closed: bool,
    /// The last read has emptied the socket.
    pub(super) drained: bool,
    /// The socket takes no more bytes.
    pub(super) blocked: bool,
    /// The worker's loop knows that the link is blocked.
    pub(super) told: bool,
    /// What is under way of work that outlives its requests, and the requests that it was told for.
    pub(super) background: usize,
    /// Exchanges by slot of the daemon's streams, and of ours.
    theirs: Vec<usize>,
    ours: Vec<usize>,
}

/// What became of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadResult {
    Bytes,
    Nothing,
    Closed,
}

impl Link {
    pub(super) fn new(socket: OwnedFd, limits: Limits) -> Self {
        Self {
            socket,
            connection: Connection::new(Role::Shim, limits),
            read: ReadSize::new(READ),
            closed: false,
            drained: false,
            blocked: false,
            told: false,
            background: 0,
            theirs: Vec::new(),
            ours: Vec::new(),
        }
    }

    /// Reads once. A short read has emptied the socket: no second call has to find that out.
    pub(super) fn read(&mut self) -> ReadResult {
        let space = self.connection.space(self.read.get());
        let room = space.capacity() - space.len();
        loop {
            return match rustix::io::read(&self.socket, spare_capacity(space)) {
                Ok(0) => ReadResult::Closed,
                Ok(n) => {
                    self.drained = self.read.note(n, room);
                    ReadResult::Bytes
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {
                    self.drained = true;
                    ReadResult::Nothing
                }
                Err(_) => ReadResult::Closed,
            };
        }
    }

    /// Writes what is queued, as far as the socket takes it; `true` when that has ended a congestion, so that bodies which waited for it can go on.
    pub(super) fn write(&mut self) -> bool {
        let limit = self.connection.limits().max_queued;
        let congested = self.connection.outbox().len() >= limit;
        loop {
            let outbox = self.connection.outbox();
            if outbox.is_empty() {
                break;
            }
            let mut parts = [IoSlice::new(&[]); PARTS];
            let filled = outbox.slices(&mut parts);
            let offered: usize = parts[..filled].iter().map(|p| p.len()).sum();
            match rustix::io::writev(&self.socket, &parts[..filled]) {
                Ok(n) => {
                    self.connection.written(n);
                    if n < offered {
                        break;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => {
                    // The next read says that it is over, after what the daemon has still sent.
                    let queued = self.connection.outbox().len();
                    self.connection.written(queued);
                    break;
                }
            }
        }
        congested && self.connection.outbox().len() < limit
    }

    /// After the writes of one turn: what is still queued waits for the socket.
    pub(super) fn wait_for_more(&mut self) {
        self.blocked = !self.connection.outbox().is_empty();
        self.told &= self.blocked;
    }

    /// Makes both ends see that it is over. The descriptor stays open: the plugin's loop still waits for it.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.drained = true;
        self.blocked = false;
        let queued = self.connection.outbox().len();
        self.connection.written(queued);
        // Fails only when the peer was faster.
        let _: Result<(), Errno> = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }

    /// Notes which exchange `id` belongs to.
    pub(super) fn bind(&mut self, id: StreamId, key: usize) {
        let slots = if id.by_daemon() { &mut self.theirs } else { &mut self.ours };
        if slots.len() <= id.slot() {
            slots.resize(id.slot() + 1, usize::MAX);
        }
        slots[id.slot()] = key;
    }

    /// The exchange that was last bound to the slot of `id`; the caller compares the id.
    pub(super) fn key(&self, id: StreamId) -> usize {
        let slots = if id.by_daemon() { &self.theirs } else { &self.ours };
        slots.get(id.slot()).copied().unwrap_or(usize::MAX)
    }
}
