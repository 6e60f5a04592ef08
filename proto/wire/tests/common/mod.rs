//! Two ends joined by byte pipes, and a peer that writes raw frames.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::io::IoSlice;

use bytes::Bytes;
use valor_wire::{
    Connection, Event, FrameHeader, FrameType, HEADER_LEN, Limits, RequestHead, ResetCode, Role, StreamId,
    Violation,
};

/// Small enough for a test to reach.
pub const LIMITS: Limits = Limits {
    max_data: 50,
    max_head: 300,
    max_fields: 4,
    max_streams: 3,
    initial_window: 100,
    max_window: 200,
    max_buffered: 250,
    max_queued: 1000,
};

/// An event without its borrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Request {
        id: StreamId,
        method: String,
        target: String,
        deadline_ms: u32,
        parent: Option<StreamId>,
        end: bool,
    },
    Response {
        id: StreamId,
        status: u16,
        end: bool,
    },
    Data {
        id: StreamId,
        data: Bytes,
        end: bool,
    },
    Reset {
        id: StreamId,
        code: ResetCode,
        reason: String,
    },
    Window(StreamId),
    Stop(StreamId),
    Pong(u64),
    Background(bool),
}

impl From<Event<'_>> for Said {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Request { id, head, end } => Self::Request {
                id,
                method: head.method.into(),
                target: head.target.into(),
                deadline_ms: head.deadline_ms,
                parent: head.parent,
                end,
            },
            Event::Response { id, head, end } => Self::Response { id, status: head.status, end },
            Event::Data { id, data, end } => Self::Data { id, data, end },
            Event::Reset { id, code, reason } => Self::Reset { id, code, reason: reason.into() },
            Event::Window { id } => Self::Window(id),
            Event::Stop { id } => Self::Stop(id),
            Event::Pong { value } => Self::Pong(value),
            Event::Background { any } => Self::Background(any),
        }
    }
}

pub const GET: RequestHead<'static> =
    RequestHead { method: "GET", target: "/", deadline_ms: 0, parent: None };

/// What `end` has to write, at most `max` bytes; it counts as written.
pub fn take(end: &mut Connection, max: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while !end.outbox().is_empty() && all.len() < max {
        let mut slices = [IoSlice::new(&[]); 4];
        let filled = end.outbox().slices(&mut slices);
        let bytes: Vec<u8> = slices[..filled].iter().flat_map(|s| s.iter().copied()).collect();
        let n = bytes.len().min(max - all.len());
        all.extend_from_slice(&bytes[..n]);
        end.written(n);
    }
    all
}

/// Hands `bytes` to `end` and gives all that it makes of them.
pub fn hear(end: &mut Connection, bytes: &[u8]) -> Result<Vec<Said>, Violation> {
    end.space(bytes.len()).extend_from_slice(bytes);
    let mut said = Vec::new();
    while let Some(event) = end.next_event()? {
        said.push(event.into());
    }
    Ok(said)
}

/// Two honest ends.
pub struct Pair {
    pub daemon: Connection,
    pub shim: Connection,
}

impl Pair {
    pub fn new(limits: Limits) -> Self {
        Self { daemon: Connection::new(Role::Daemon, limits), shim: Connection::new(Role::Shim, limits) }
    }

    /// What the shim hears when all that the daemon has queued arrives.
    pub fn shim_hears(&mut self) -> Vec<Said> {
        let bytes = take(&mut self.daemon, usize::MAX);
        hear(&mut self.shim, &bytes).expect("honest")
    }

    pub fn daemon_hears(&mut self) -> Vec<Said> {
        let bytes = take(&mut self.shim, usize::MAX);
        hear(&mut self.daemon, &bytes).expect("honest")
    }

    /// Back and forth until nobody has anything to say; what was heard is dropped.
    pub fn quiet(&mut self) {
        while !(self.daemon.outbox().is_empty() && self.shim.outbox().is_empty()) {
            self.shim_hears();
            self.daemon_hears();
        }
    }

    /// A request that the shim has heard, its body open.
    pub fn opened(&mut self) -> StreamId {
        let id = self.daemon.open(&GET, [], false).unwrap();
        assert!(matches!(self.shim_hears()[..], [Said::Request { .. }]));
        id
    }

    /// No stream is left on either side.
    pub fn assert_idle(&mut self) {
        self.quiet();
        assert_eq!((self.daemon.open_streams(), self.shim.open_streams()), (0, 0));
    }
}

// ---- a peer that writes what it likes

pub fn id(serial: u64, slot: u64, side: u64) -> u64 {
    serial << 20 | slot << 1 | side
}

pub fn frame(kind: FrameType, flags: u8, stream: u64, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    let mut out = FrameHeader { len, kind, flags, stream }.encode().to_vec();
    out.extend_from_slice(payload);
    out
}

/// A request head without fields.
pub fn get() -> Vec<u8> {
    [&[0; 12][..], &[3], b"GET", &[1, 0], b"/", &[0, 0]].concat()
}

/// A response head without fields.
pub fn status(status: u16) -> Vec<u8> {
    [&status.to_le_bytes()[..], &[0, 0]].concat()
}

/// Takes the frames out of a run of bytes.
pub fn frames(mut bytes: &[u8]) -> Vec<(FrameHeader, Vec<u8>)> {
    let mut out = Vec::new();
    while let Some(header) = bytes.first_chunk::<HEADER_LEN>() {
        let header = FrameHeader::decode(header).unwrap();
        let (payload, rest) = bytes[HEADER_LEN..].split_at(header.len as usize);
        out.push((header, payload.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty());
    out
}
