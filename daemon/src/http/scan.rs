//! Reads along with hyper: an HTTP/1.1 connection, from request to request.
//!
//! hyper drops a Content-Length beside Transfer-Encoding, merges repeated ones, takes a bare LF for the end of a line,
//! and answers what it cannot parse with a bare status. Here all of that is found first: hyper gets whole, valid lines
//! only. A head that is refused is ended where it went wrong, so that hyper hands it on as the request that it is, in its
//! turn, and gets nothing of what stands behind it. A body that is refused ends there as well.

use super::HttpOptions;
use super::framing::{Framing, Place, line_len};
pub(crate) use super::line::Bad;
use super::line::{TLS, may_stand};

/// Reads the bytes of one connection, in order, in any pieces.
#[derive(Debug)]
pub(crate) struct Scanner {
    framing: Framing,
    /// The line in work, when it came in pieces.
    held: Vec<u8>,
    /// What came behind a request that is not answered yet. hyper would take its beginning, and then not notice the
    /// client's leaving.
    later: Vec<u8>,
    refused: Option<Refused>,
    /// Makes a head of what hyper has of the refused one.
    tail: &'static [u8],
}

/// What was refused; nothing of the connection is read after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The request, from 1.
    pub(crate) request: u64,
    /// In its body, not its head.
    pub(crate) in_body: bool,
    pub(crate) bad: Bad,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Scanner {
    pub(crate) fn new(options: &HttpOptions) -> Self {
        Self { framing: Framing::new(options), held: Vec::new(), later: Vec::new(), refused: None, tail: b"" }
    }

    /// Whether a head has begun and not ended.
    pub(crate) fn in_head(&self) -> bool {
        match self.framing.place {
            Place::Field => true,
            Place::Start | Place::RequestLine => !self.held.is_empty(),
            _ => false,
        }
    }

    pub(crate) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// What waits for its turn, in bytes.
    pub(crate) fn waiting(&self) -> usize {
        self.later.len()
    }

    /// So many requests are answered: reads what has waited for that. Whether there was something.
    pub(crate) fn answered(&mut self, answered: u64, out: &mut Vec<u8>) -> bool {
        self.framing.answered = answered;
        if self.later.is_empty() || self.framing.must_wait() {
            return false;
        }
        let later = std::mem::take(&mut self.later);
        if self.scan(&later, out) {
            *out = later;
        }
        true
    }

    /// Reads on. `true`: `bytes` may go to hyper as they are. `false`: what may go to it now was added to `out`.
    pub(crate) fn scan(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        if self.framing.place == Place::Start {
            return self.start(bytes, out);
        }
        if !self.later.is_empty() {
            self.later.extend_from_slice(bytes);
            return false;
        }
        if self.held.is_empty() {
            let passed = self.advance(bytes);
            if passed == bytes.len() {
                return true;
            }
            out.extend_from_slice(&bytes[..passed]);
            self.hold(&bytes[passed..], out);
            return false;
        }
        let (line_end, rest) = bytes.split_at(line_len(bytes));
        if !line_end.ends_with(b"\n") {
            self.hold(line_end, out);
            return false;
        }
        let mut line = std::mem::take(&mut self.held);
        line.extend_from_slice(line_end);
        let passed = self.advance(&line);
        out.extend_from_slice(&line[..passed]);
        let passed = self.advance(rest);
        out.extend_from_slice(&rest[..passed]);
        self.hold(&rest[passed..], out);
        false
    }

    /// The head in work is not waited for any longer.
    pub(crate) fn give_up(&mut self, bad: Bad, out: &mut Vec<u8>) {
        self.refuse(bad);
        out.extend_from_slice(self.tail);
    }

    fn start(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        self.held.extend_from_slice(bytes);
        if self.held.len() < PREFACE.len() && PREFACE.starts_with(&self.held) {
            return false;
        }
        self.framing.place = if self.held.starts_with(PREFACE) { Place::Quiet } else { Place::RequestLine };
        let begun = std::mem::take(&mut self.held);
        let passed = self.advance(&begun);
        out.extend_from_slice(&begun[..passed]);
        self.hold(&begun[passed..], out);
        false
    }

    /// Keeps the beginning of a line, or ends a head that was refused.
    fn hold(&mut self, part: &[u8], out: &mut Vec<u8>) {
        if self.framing.must_wait() {
            self.later.extend_from_slice(part);
        } else if self.framing.place != Place::Over && !part.is_empty() {
            self.held.extend_from_slice(part);
            if let Err(bad) = self.may_become_a_line(part).and_then(|()| self.framing.fits(self.held.len())) {
                self.refuse(bad);
            }
        }
        if self.framing.place == Place::Over {
            out.extend_from_slice(self.tail);
        }
    }

    /// So that the end of nonsense need not be waited for.
    fn may_become_a_line(&self, part: &[u8]) -> Result<(), Bad> {
        // With the byte before it, which may be a CR.
        let part = &self.held[self.held.len().saturating_sub(part.len() + 1)..];
        match self.framing.place {
            Place::RequestLine if self.held[0] == TLS => Err(Bad::Tls),
            Place::ChunkSize if !self.held[0].is_ascii_hexdigit() => Err(Bad::ChunkSize),
            Place::ChunkSize => may_stand(part).map_err(|_| Bad::ChunkSize),
            Place::ChunkEnd if self.held != b"\r" => Err(Bad::ChunkEnd),
            _ => may_stand(part),
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> usize {
        let (good, result) = self.framing.advance(bytes);
        if let Err(bad) = result {
            self.refuse(bad);
        }
        good
    }

    fn refuse(&mut self, bad: Bad) {
        let in_body = matches!(self.framing.place, Place::ChunkSize | Place::ChunkEnd | Place::Trailer);
        let request = if in_body { self.framing.heads } else { self.framing.heads + 1 };
        let bad = match bad {
            Bad::HeadTooLong | Bad::TooManyFields if in_body => Bad::Trailer,
            bad => bad,
        };
        self.refused = Some(Refused { request, in_body, bad });
        self.tail = match self.framing.place {
            Place::Start | Place::RequestLine => b"GET / HTTP/1.1\r\n\r\n",
            Place::Field => b"\r\n",
            _ => b"",
        };
        self.held = Vec::new();
        self.framing.place = Place::Over;
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
