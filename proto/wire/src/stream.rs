//! One exchange's state, and its id.

/// Names a stream of one connection: `serial << 20 | slot << 1 | side`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub(crate) u64);

const SLOT_BITS: u32 = 19;

impl StreamId {
    /// How many slots an id can name.
    pub(crate) const SLOTS: usize = 1 << SLOT_BITS;

    pub(crate) fn new(serial: u64, slot: usize, side: u64) -> Self {
        Self(serial << (SLOT_BITS + 1) | (slot as u64) << 1 | side)
    }

    pub(crate) fn serial(self) -> u64 {
        self.0 >> (SLOT_BITS + 1)
    }

    /// The slot within its side: dense, so that it can index a slab of the caller's.
    #[must_use]
    pub fn slot(self) -> usize {
        (self.0 >> 1) as usize & (Self::SLOTS - 1)
    }

    /// Whether the daemon opened it.
    #[must_use]
    pub fn by_daemon(self) -> bool {
        self.0 & 1 == 1
    }

    /// The id as it travels.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Why a stream was reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetCode {
    /// Nobody waits for the answer any more.
    Cancel = 1,
    /// The deadline has passed.
    Deadline = 2,
    /// The handler panicked or failed before it answered.
    Failed = 3,
    /// The handler was dropped without an answer.
    NoAnswer = 4,
    /// The request was refused: a limit, a missing grant, draining.
    Refused = 5,
    /// A fetch could not reach its target.
    Unreachable = 6,
    /// Any other failure.
    Internal = 7,
}

impl ResetCode {
    /// Unknown codes read as [`ResetCode::Internal`].
    pub(crate) fn from_wire(code: u8) -> Self {
        match code {
            1 => Self::Cancel,
            2 => Self::Deadline,
            3 => Self::Failed,
            4 => Self::NoAnswer,
            5 => Self::Refused,
            6 => Self::Unreachable,
            _ => Self::Internal,
        }
    }
}

/// Why something could not be sent. The connection is unharmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The stream is over, or was never there.
    #[error("the stream is closed")]
    Closed,
    /// All of this side's streams are taken.
    #[error("no stream is free")]
    NoStream,
    /// More than [`crate::Connection::capacity`].
    #[error("body exceeds the window")]
    Window,
    /// A body without a response head, or a second head.
    #[error("head and body out of order")]
    Order,
    /// The head is invalid.
    #[error(transparent)]
    Head(#[from] crate::HeadError),
}

/// Where one direction of a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Head,
    Body,
    Done,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) local: Phase,
    pub(crate) remote: Phase,
    /// Reset by either side: nothing that arrives is handed on.
    pub(crate) reset: bool,
    /// The rest of the peer's body is not wanted.
    pub(crate) stopped: bool,
    /// Background work was begun for it.
    pub(crate) background: bool,
    /// What we may still send.
    pub(crate) send_credit: u32,
    /// What the peer may still send.
    pub(crate) recv_credit: u32,
    /// What the consumer has taken and the peer was not told of.
    pub(crate) unreported: u32,
    /// The credit that the peer has at most; grows once.
    pub(crate) window: u32,
    /// Where, in the outbox's count of bytes, our HEAD that opened it ends; 0 when the peer opened it.
    pub(crate) opened_at: u64,
    /// Where our last frame of it ends.
    pub(crate) ended_at: u64,
    /// Where our last WINDOW for it ends.
    pub(crate) credit_at: u64,
}

impl Stream {
    /// Whether the peer's body goes on and is wanted.
    pub(crate) fn takes_data(&self) -> bool {
        self.remote != Phase::Done && !self.stopped && !self.reset
    }
}
