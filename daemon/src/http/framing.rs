//! Where the messages of an HTTP/1.1 connection begin and end (RFC 9112 section 6).

use std::io::BufRead as _;

use super::HttpOptions;
use super::line::{Bad, chunk_size, coding, field, length, request_line, text};
use super::ordinary::{self, Ordinary};

/// Follows a connection line by line, and body by body.
#[derive(Debug)]
pub(super) struct Framing {
    pub(super) place: Place,
    /// Complete heads so far.
    pub(super) heads: u64,
    /// Requests that are answered.
    pub(super) answered: u64,
    head: Head,
    max_head: usize,
    max_fields: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Of the connection: HTTP/2 begins in a way of its own.
    Start,
    RequestLine,
    Field,
    /// So many bytes until the next request.
    Body(u64),
    ChunkSize,
    /// So many bytes until the end of the chunk.
    Chunk(u64),
    ChunkEnd,
    Trailer,
    /// HTTP/2, which h2 reads alone.
    Quiet,
    Over,
}

/// What counts of the head in work, or of the trailer.
#[derive(Debug, Default)]
struct Head {
    size: usize,
    fields: usize,
    http10: bool,
    length: Option<u64>,
    chunked: bool,
}

/// For the size of a chunk and its extensions.
const MAX_CHUNK_LINE: usize = 256;

impl Framing {
    pub(super) fn new(options: &HttpOptions) -> Self {
        Self {
            place: Place::Start,
            heads: 0,
            answered: 0,
            head: Head::default(),
            max_head: options.max_head,
            max_fields: options.max_headers,
        }
    }

    /// The next request begins when the one before it is answered.
    pub(super) fn must_wait(&self) -> bool {
        self.place == Place::RequestLine && self.heads > self.answered
    }

    /// Reads whole lines and bodies, up to what is bad, incomplete, or must wait. Returns how many bytes are good.
    pub(super) fn advance(&mut self, all: &[u8]) -> (usize, Result<(), Bad>) {
        let mut bytes = all;
        while !bytes.is_empty() {
            match self.place {
                Place::Over => break,
                Place::RequestLine if self.must_wait() => break,
                Place::Quiet => return (all.len(), Ok(())),
                Place::Body(left) | Place::Chunk(left) => {
                    let n = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[n..];
                    let left = left - n as u64;
                    self.place = match self.place {
                        Place::Body(_) if left > 0 => Place::Body(left),
                        Place::Body(_) => Place::RequestLine,
                        _ if left > 0 => Place::Chunk(left),
                        _ => Place::ChunkEnd,
                    };
                }
                _ => {
                    if let Some(len) = self.ordinary_head(bytes) {
                        bytes = &bytes[len..];
                        continue;
                    }
                    let (line, rest) = bytes.split_at(line_len(bytes));
                    if !line.ends_with(b"\n") {
                        break;
                    }
                    if let Err(bad) = self.fits(line.len()).and_then(|()| self.line(text(line)?)) {
                        return (all.len() - bytes.len(), Err(bad));
                    }
                    self.head.size += line.len();
                    bytes = rest;
                }
            }
        }
        (all.len() - bytes.len(), Ok(()))
    }

    /// Reads a whole head at once, when it is one of those in which nothing is out of the ordinary.
    fn ordinary_head(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.place != Place::RequestLine {
            return None;
        }
        let Ordinary { len, length, chunked } = ordinary::read(bytes, self.max_fields)?;
        self.fits(len).ok()?;
        self.head = Head { length, chunked, ..Head::default() };
        self.end_of_head();
        // As its lines would have left it.
        self.head.size = b"\r\n".len();
        Some(len)
    }

    /// Whether a line may be so long.
    pub(super) fn fits(&self, len: usize) -> Result<(), Bad> {
        match self.place {
            Place::ChunkSize | Place::ChunkEnd if len > MAX_CHUNK_LINE => Err(Bad::ChunkSize),
            Place::RequestLine if self.head.size + len > self.max_head => Err(Bad::TargetTooLong),
            Place::Field | Place::Trailer if self.head.size + len > self.max_head => Err(Bad::HeadTooLong),
            _ => Ok(()),
        }
    }

    fn line(&mut self, text: &[u8]) -> Result<(), Bad> {
        match self.place {
            // An empty line in front of a request is none of it (RFC 9112 section 2.2).
            Place::RequestLine if text.is_empty() => {}
            Place::RequestLine => {
                self.head = Head { http10: request_line(text)?, ..Head::default() };
                self.place = Place::Field;
            }
            Place::Field if text.is_empty() => self.end_of_head(),
            Place::Field => self.field(text)?,
            Place::ChunkSize => {
                self.head = Head::default();
                self.place = match chunk_size(text)? {
                    0 => Place::Trailer,
                    size => Place::Chunk(size),
                };
            }
            Place::ChunkEnd if text.is_empty() => self.place = Place::ChunkSize,
            Place::ChunkEnd => return Err(Bad::ChunkEnd),
            Place::Trailer if text.is_empty() => {
                self.head = Head::default();
                self.place = Place::RequestLine;
            }
            Place::Trailer => {
                self.count()?;
                field(text)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Bad> {
        self.head.fields += 1;
        if self.head.fields > self.max_fields { Err(Bad::TooManyFields) } else { Ok(()) }
    }

    fn field(&mut self, text: &[u8]) -> Result<(), Bad> {
        self.count()?;
        let (name, value) = field(text)?;
        let head = &mut self.head;
        match name[0] {
            b'c' | b'C' if name.eq_ignore_ascii_case(b"content-length") => {
                if head.length.replace(length(value)?).is_some() {
                    return Err(Bad::RepeatedLength);
                }
            }
            b't' | b'T' if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if head.http10 {
                    return Err(Bad::CodingInHttp10);
                }
                if std::mem::replace(&mut head.chunked, true) {
                    return Err(Bad::RepeatedCoding);
                }
                coding(value)?;
            }
            _ => return Ok(()),
        }
        if head.chunked && head.length.is_some() { Err(Bad::LengthAndCoding) } else { Ok(()) }
    }

    fn end_of_head(&mut self) {
        self.heads += 1;
        let head = std::mem::take(&mut self.head);
        self.place = match (head.chunked, head.length) {
            (true, _) => Place::ChunkSize,
            (false, None | Some(0)) => Place::RequestLine,
            (false, Some(length)) => Place::Body(length),
        };
    }
}

/// Up to and with the first LF, or all.
pub(super) fn line_len(mut bytes: &[u8]) -> usize {
    let all = bytes.len();
    // A slice cannot fail to be read.
    bytes.skip_until(b'\n').unwrap_or(all)
}
