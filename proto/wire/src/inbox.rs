//! Bytes that were read and not yet understood.

use bytes::Bytes;

use crate::frame::HEADER_LEN;

/// DATA payloads of this size and above are handed on without a copy.
const SHARE: usize = 4 * 1024;

/// A payload that is handed on without a copy keeps a block alive of at most this many times its size; else a peer
/// could make small bodies hold large blocks.
const PIN: usize = 4;

/// The read side of a connection: a growing tail that the socket fills, or a frozen block that large payloads
/// are sliced from.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    tail: Vec<u8>,
    at: usize,
    frozen: Bytes,
    /// The size of the block that `frozen` is a part of.
    block: usize,
}

impl Inbox {
    /// Where the caller appends what it reads, with room for at least `room` bytes more.
    pub(crate) fn space(&mut self, room: usize) -> &mut Vec<u8> {
        if !self.frozen.is_empty() {
            // Reads happen when parsing has stalled, so what is left is less than one frame.
            debug_assert!(self.at == 0 && self.tail.is_empty());
            self.tail.extend_from_slice(&self.frozen);
        }
        self.frozen = Bytes::new();
        if self.at == self.tail.len() {
            self.tail.clear();
            // After a large body it would stay as large.
            self.tail.shrink_to(room.saturating_mul(2));
        } else if self.at > 0 {
            self.tail.drain(..self.at);
        }
        self.at = 0;
        self.tail.reserve(room);
        &mut self.tail
    }

    /// The bytes that wait.
    pub(crate) fn peek(&self) -> &[u8] {
        if self.frozen.is_empty() { &self.tail[self.at..] } else { &self.frozen }
    }

    /// Steps over a whole frame that was read in place.
    pub(crate) fn skip(&mut self, len: usize) {
        if self.frozen.is_empty() {
            self.at += len;
        } else {
            self.frozen = self.frozen.slice(len..);
        }
    }

    /// Takes the payload of the frame in front, `len` bytes after its header.
    pub(crate) fn take(&mut self, len: usize) -> Bytes {
        let end = HEADER_LEN + len;
        let block = if self.frozen.is_empty() { self.tail.capacity() } else { self.block };
        let share = len >= SHARE && len.saturating_mul(PIN) >= block;
        if self.frozen.is_empty() && share {
            self.block = block;
            self.frozen = Bytes::from(std::mem::take(&mut self.tail)).slice(self.at..);
            self.at = 0;
        }
        if self.frozen.is_empty() {
            let payload = Bytes::copy_from_slice(&self.tail[self.at + HEADER_LEN..self.at + end]);
            self.at += end;
            return payload;
        }
        let frame = self.frozen.split_to(end);
        if share { frame.slice(HEADER_LEN..) } else { Bytes::copy_from_slice(&frame[HEADER_LEN..]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_payloads_share_the_block_and_the_rest_survives() {
        let mut inbox = Inbox::default();
        let big = vec![7; SHARE];
        let space = inbox.space(1);
        space.extend_from_slice(&[0; HEADER_LEN]);
        space.extend_from_slice(&big);
        space.extend_from_slice(&[1; HEADER_LEN]);
        space.extend_from_slice(b"small");
        space.extend_from_slice(b"half");
        assert_eq!(inbox.take(big.len()), big);
        assert_eq!(inbox.take(5), &b"small"[..]);
        assert_eq!(inbox.peek(), b"half");
        inbox.space(1).extend_from_slice(b"way");
        assert_eq!(inbox.peek(), b"halfway");
        inbox.skip(7);
        assert!(inbox.peek().is_empty());
        assert!(inbox.space(1).is_empty());
    }

    #[test]
    fn a_small_payload_does_not_pin_a_large_block() {
        let mut inbox = Inbox::default();
        let space = inbox.space(64 * SHARE);
        space.resize(HEADER_LEN + SHARE, 7);
        space.extend_from_slice(b"rest");
        assert_eq!(inbox.take(SHARE), vec![7; SHARE]);
        assert!(inbox.frozen.is_empty(), "copied, so the block is read into again");
        assert_eq!(inbox.peek(), b"rest");
    }
}
