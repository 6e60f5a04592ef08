//! The state machine of a data socket, the same for both ends.
//!
//! ```text
//! read bytes -> space() -> next_event() -> Event ...      open/respond/send_data/... -> outbox() -> write bytes
//! ```

mod receive;
mod send;
mod slots;

use bytes::Bytes;

use crate::inbox::Inbox;
use crate::stream::{Phase, Stream};
use crate::{Limits, Outbox, RequestRef, ResetCode, ResponseRef, StreamId, Violation};
use slots::Slots;

/// Which end of the socket this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Opens odd streams.
    Daemon,
    /// Opens even streams.
    Shim,
}

impl Role {
    fn side(self) -> u64 {
        u64::from(self == Self::Daemon)
    }
}

/// What the peer has said. Heads are read in place and borrow the connection.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are named in each variant's text")]
pub enum Event<'a> {
    /// The peer opened stream `id`; `end`: without a body.
    Request { id: StreamId, head: RequestRef<'a>, end: bool },
    /// The peer answered our stream `id`; `end`: without a body.
    Response { id: StreamId, head: ResponseRef<'a>, end: bool },
    /// A part of a body. Give the credit back with [`Connection::consumed`]; `end`: the last part.
    Data { id: StreamId, data: Bytes, end: bool },
    /// The peer aborted `id`; the stream is over for both sides.
    Reset { id: StreamId, code: ResetCode, reason: &'a str },
    /// `id` may send more than before: see [`Connection::capacity`].
    Window { id: StreamId },
    /// The peer does not want the rest of our body on `id`; it is ended already.
    Stop { id: StreamId },
    /// The peer has answered our ping.
    Pong { value: u64 },
    /// Work that outlives its requests has begun at the peer, or the last of it has ended.
    Background { any: bool },
}

/// One end of a data socket.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    limits: Limits,
    inbox: Inbox,
    /// The frame that the last event borrowed, to be stepped over.
    pending_skip: usize,
    outbox: Outbox,
    ours: Slots,
    theirs: Slots,
    /// Credit above the initial windows that is given out.
    extra: usize,
    /// The value of our ping that is under way, and where it ends in the outbox.
    ping: Option<(u64, u64)>,
    /// Where our last pong ends in the outbox.
    pong_at: u64,
    /// There is work at the shim's end that outlives its requests.
    background: bool,
    /// What the peer has done wrong: nothing more is heard of it.
    broken: Option<Violation>,
}

impl Connection {
    /// An end of a fresh socket.
    #[must_use]
    pub fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            limits,
            inbox: Inbox::default(),
            pending_skip: 0,
            outbox: Outbox::default(),
            ours: Slots::default(),
            theirs: Slots::default(),
            extra: 0,
            ping: None,
            pong_at: 0,
            background: false,
            broken: None,
        }
    }

    /// Streams that are open, whoever opened them.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.ours.open() + self.theirs.open()
    }

    /// The limits that both ends keep.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where to append what is read from the socket; has room for at least `room` bytes.
    /// Call only after [`next_event`](Self::next_event) has returned `None`.
    pub fn space(&mut self, room: usize) -> &mut Vec<u8> {
        self.step_over();
        let wanted = self.missing().max(room);
        self.inbox.space(wanted)
    }

    /// What waits to be written.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Notes that `n` bytes of the outbox were written. Call it before handing over what was read after that
    /// write: the peer may only answer what it can have read.
    pub fn written(&mut self, n: usize) {
        self.outbox.advance(n);
    }

    fn is_ours(&self, id: StreamId) -> bool {
        id.by_daemon() == (self.role == Role::Daemon)
    }

    fn side_of(&self, id: StreamId) -> &Slots {
        if self.is_ours(id) { &self.ours } else { &self.theirs }
    }

    fn get(&self, id: StreamId) -> Option<&Stream> {
        self.side_of(id).get(id)
    }

    fn find(&mut self, id: StreamId) -> Option<&mut Stream> {
        if self.is_ours(id) { self.ours.get_mut(id) } else { self.theirs.get_mut(id) }
    }

    fn stream(&self, id: StreamId, local: Phase, remote: Phase) -> Stream {
        let window = self.limits.initial_window;
        Stream {
            id,
            local,
            remote,
            reset: false,
            stopped: false,
            background: false,
            send_credit: window,
            recv_credit: window,
            unreported: 0,
            window,
            opened_at: 0,
            ended_at: 0,
            credit_at: 0,
        }
    }

    /// Frees the slot when both directions have ended.
    fn settle(&mut self, id: StreamId) {
        let ours = self.is_ours(id);
        let side = if ours { &mut self.ours } else { &mut self.theirs };
        if let Some(stream) = side.settle(id, ours) {
            self.extra -= (stream.window - self.limits.initial_window) as usize;
        }
    }
}
