//! What a peer can do wrong. There is no way on from a violation: close the connection and end the peer.

use crate::head::HeadError;

/// A breach of the protocol by the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A frame type that version 1 does not know.
    #[error("unknown frame type {0}")]
    UnknownFrame(u8),
    /// A flag or reserved field that must be zero.
    #[error("reserved bits of a frame are set")]
    ReservedBits,
    /// A known frame on a socket or stream where it must not be.
    #[error("{0} frame out of place")]
    Misplaced(&'static str),
    /// A payload longer than its limit, or of another length than its type has.
    #[error("{kind} frame of {len} bytes (limit {limit})")]
    FrameLength {
        /// The frame's type.
        kind: &'static str,
        /// The length that was announced.
        len: usize,
        /// The length that is allowed.
        limit: usize,
    },
    /// A head that cannot be an HTTP head.
    #[error("invalid head: {0}")]
    Head(#[from] HeadError),
    /// A frame for a stream that was never opened, or is over.
    #[error("{0} frame for an unknown stream")]
    UnknownStream(&'static str),
    /// An id that was used before, or whose slot is taken or out of bounds.
    #[error("stream id reused or out of bounds")]
    StreamId,
    /// DATA before the response's HEAD.
    #[error("body before its head")]
    DataBeforeHead,
    /// A second HEAD in one direction.
    #[error("second head on a stream")]
    SecondHead,
    /// HEAD or DATA after END or RESET.
    #[error("{0} frame after the end of the stream")]
    AfterEnd(&'static str),
    /// DATA beyond the credit.
    #[error("body overruns its window")]
    WindowOverrun,
    /// Credit beyond 2^31 bytes.
    #[error("window credit overflows")]
    WindowOverflow,
    /// A PONG that answers no PING.
    #[error("pong without ping")]
    UnexpectedPong,
    /// The peer asks and does not read the answers.
    #[error("peer does not read what it asks for")]
    NotReading,
    /// A control message that is not JSON, or not of the expected shape.
    #[error("malformed control message: {0}")]
    Control(String),
}
