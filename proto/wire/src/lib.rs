//! The contract between `valord` and `valor-shim`, protocol version 1: a framed, multiplexed byte stream over
//! Unix stream sockets. This crate knows no I/O and no clock; each side feeds it the bytes that were read and
//! writes the bytes that it hands out.
//!
//! # Sockets
//!
//! A plugin process has one **control** socket and one **data** socket for each data worker of the daemon.
//! The control socket carries [`control`] messages; it opens with [`control::Hello`] from both ends.
//! A data socket carries HTTP exchanges as [`Connection`] drives them and needs no handshake of its own: the
//! version and the features that were agreed on the control socket hold for it.
//!
//! # Frames
//!
//! Integers are little-endian.
//!
//! ```text
//!  0         4      5       6          8                  16
//! +---------+------+-------+----------+------------------+------------------+
//! | length  | type | flags | reserved | stream           | payload (length) |
//! | u32     | u8   | u8    | u16 = 0  | u64              |                  |
//! +---------+------+-------+----------+------------------+------------------+
//! ```
//!
//! | type | name    | flags | payload |
//! |------|---------|-------|---------|
//! | 1    | HEAD    | END   | request: deadline ms u32, parent stream u64, method (u8 length), target (u16 length), fields; response: status u16, fields |
//! | 2    | DATA    | END   | body bytes |
//! | 3    | RESET   |       | code u8, reason (UTF-8, at most [`MAX_REASON`] bytes) |
//! | 4    | WINDOW  |       | credit u32 |
//! | 5    | STOP    |       | none: the rest of the body is not wanted |
//! | 6    | PING    |       | u64 |
//! | 7    | PONG    |       | u64 |
//! | 8    | BACKGROUND |    | u8: 1 begins, 0 ends; only to peers that have offered [`control::BACKGROUND`] |
//! | 16   | CONTROL |       | one JSON message (control socket only) |
//!
//! Fields are a count u16, then for each a name id u8 (see [`names`]; 0 is followed by u8 length and the name in
//! lower case) and a value (u16 length).
//!
//! # Streams
//!
//! A stream is one exchange: a request from its opener, a response from its peer. Both sides open streams: the
//! daemon for what clients ask (odd ids), the plugin for what it fetches (even ids). An id is
//! `serial << 20 | slot << 1 | side`: serials of one side only grow, and a slot holds one stream at a time, so
//! that a look-up is an index and a reused or unknown id is seen at once.
//!
//! Each direction of a stream ends with an END flag or a RESET. RESET aborts the whole stream and is answered by
//! RESET, unless the answering side has already ended its direction. STOP is for a request's body: its sender ends
//! it early. A slot is free when both directions have ended. Only WINDOW, STOP and a RESET that crossed an END may
//! still arrive for the last stream that was in a slot; anything else is a [`Violation`].
//!
//! BACKGROUND is the plugin's word that work goes on when the exchanges it was begun for are over: a drain waits for its end.
//! It begins before the END of the request that it is for, which it names, and at most once for each, so that there are no more
//! of these frames than twice the requests; it ends on stream 0, for all of them together.
//!
//! Nobody can answer what it has not read: a frame for a stream whose opening HEAD is not written yet, a slot that is
//! opened anew before our last frame for it is written, and a PING while the last PONG is not (one is under way at a
//! time) are violations too. So a peer that only writes cannot make the other side queue without bound.
//!
//! # Flow control
//!
//! DATA spends credit. A stream starts with [`Limits::initial_window`] in each direction; the receiver gives
//! credit back as its consumer takes the bytes, up to [`Limits::max_window`] for a stream while all streams of
//! the connection together stay under [`Limits::max_buffered`]. A slow reader therefore stalls only its own stream.

#![forbid(unsafe_code)]

mod connection;
pub mod control;
pub mod files;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod inbox;
mod limits;
pub mod names;
mod outbox;
mod read_size;
mod stream;
mod text;
mod violation;

pub use connection::{Connection, Event, Role};
pub use frame::{FrameHeader, FrameType, HEADER_LEN};
pub use head::{Field, Fields, HeadError, RequestHead, RequestRef, ResponseRef};
pub use limits::{Limits, MAX_REASON};
pub use outbox::Outbox;
pub use read_size::ReadSize;
pub use stream::{ResetCode, SendError, StreamId};
pub use text::{is_token, text_len, token_len};
pub use violation::Violation;

/// The protocol version that this crate speaks.
pub const PROTOCOL_VERSION: u32 = 1;
