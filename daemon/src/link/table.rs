//! The streams of a link as their readers and writers see them.
//!
//! The wire frees a stream's slot when both directions have ended, while what has arrived may still wait for its
//! reader here. Hence entries have keys of their own, and a slot only points at its latest one.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode};
use slab::Slab;
use valor_wire::StreamId;

use super::{Failure, Link};
use crate::plugin::Permit;

/// All streams of one link.
#[derive(Default)]
pub(crate) struct Table {
    streams: Slab<Stream>,
    /// Keys by slot, for streams of the daemon and of the plugin.
    ours: Vec<usize>,
    theirs: Vec<usize>,
    exchanges: usize,
    deep: Deep,
}

/// One stream.
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// Of ours: the bytes that go out on the socket before it.
    pub(crate) start: u64,
    /// The response head: of ours only.
    pub(crate) head: Head,
    pub(crate) chunks: Chunks,
    /// All of the body has come.
    pub(crate) end: bool,
    /// Nothing more will come or go.
    pub(crate) failure: Option<Failure>,
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
    /// The peer wants nothing more.
    pub(crate) write_closed: bool,
    pub(crate) has_reader: bool,
    /// Only its END is waited for, by nobody.
    pub(crate) lingers: bool,
    pub(crate) has_writer: bool,
    /// When the reader, or the writer, has waited too long, and what that means.
    pub(crate) read_due: Option<(Instant, Failure)>,
    pub(crate) write_due: Option<(Instant, Failure)>,
    /// When who reads should have come back for more.
    pub(crate) sink_due: Option<Instant>,
    pub(crate) total_due: Option<Instant>,
    /// The exchange's place, held until it is over.
    pub(crate) permit: Option<Permit<Rc<Link>>>,
    /// What a fetch that is made for this exchange inherits.
    pub(crate) origin: Origin,
}

/// Where a request comes from, and how long it may take: what a fetch inherits.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// When its response head is due.
    pub deadline: Option<Instant>,
    /// Plugins between the client and this one.
    pub depth: u8,
    /// The client's request.
    pub request_id: Option<HeaderValue>,
}

/// A response head on its way to the reader.
pub(crate) enum Head {
    Waiting,
    Ready(ResponseHead),
    Taken,
}

/// A response head without what is the daemon's business.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The declared length.
    pub(crate) length: Option<u64>,
}

impl Stream {
    pub(crate) fn new(id: StreamId, head: Head, origin: Origin) -> Self {
        Self {
            id,
            start: 0,
            head,
            chunks: Chunks::default(),
            end: false,
            failure: None,
            reader: None,
            writer: None,
            write_closed: false,
            has_reader: true,
            lingers: false,
            has_writer: false,
            read_due: None,
            write_due: None,
            sink_due: None,
            total_due: None,
            permit: None,
            origin,
        }
    }

    /// The next moment at which somebody has waited too long.
    pub(crate) fn due(&self) -> Option<(Instant, Failure)> {
        let sink = self.sink_due.map(|at| (at, Failure::Unread));
        let total = self.total_due.map(|at| (at, Failure::Total));
        [self.read_due, self.write_due, sink, total].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Nothing more will come or go.
    pub(crate) fn fail(&mut self, failure: Failure, wakers: &mut Vec<Waker>) {
        self.failure.get_or_insert(failure);
        self.read_due = None;
        self.write_due = None;
        self.sink_due = None;
        self.total_due = None;
        self.permit = None;
        self.write_closed = true;
        self.lingers = false;
        wakers.extend(self.reader.take());
        wakers.extend(self.writer.take());
    }
}

impl Table {
    /// Exchanges that the daemon has opened and that are not over.
    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges
    }

    pub(crate) fn insert(&mut self, stream: Stream) -> usize {
        let (id, depth) = (stream.id, stream.origin.depth);
        let slots = if id.by_daemon() { &mut self.ours } else { &mut self.theirs };
        let slot = id.slot();
        if slots.len() <= slot {
            // The wire bounds the slots.
            slots.resize(slot + 1, usize::MAX);
        }
        let key = self.streams.insert(stream);
        slots[slot] = key;
        self.exchanges += usize::from(id.by_daemon());
        self.deep.note(id, depth);
        key
    }

    /// The stream of a frame that has arrived, unless nobody holds it any more.
    pub(crate) fn by_id(&mut self, id: StreamId) -> Option<(usize, &mut Stream)> {
        let slots = if id.by_daemon() { &self.ours } else { &self.theirs };
        let key = *slots.get(id.slot())?;
        self.streams.get_mut(key).filter(|s| s.id == id).map(|stream| (key, stream))
    }

    /// The depth of a request, which may be over since.
    pub(crate) fn depth(&self, id: StreamId) -> u8 {
        self.deep.of(id)
    }

    /// A stream that the caller holds.
    pub(crate) fn held(&mut self, key: usize) -> Option<&mut Stream> {
        self.streams.get_mut(key)
    }

    /// Frees a stream that has neither reader nor writer.
    pub(crate) fn release(&mut self, key: usize) {
        if self.streams.get(key).is_some_and(|s| !s.has_reader && !s.has_writer && !s.lingers) {
            let stream = self.streams.remove(key);
            self.exchanges -= usize::from(stream.id.by_daemon());
        }
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Stream)> {
        self.streams.iter_mut()
    }

    /// The link is over, when the socket had taken `sent` bytes.
    pub(crate) fn fail_all(&mut self, sent: u64, wakers: &mut Vec<Waker>) {
        for (_, stream) in self.iter_mut() {
            // What has come completely is still good.
            if !(stream.end && !stream.has_writer && !matches!(stream.head, Head::Waiting)) {
                let unsent = stream.id.by_daemon() && stream.start >= sent;
                stream.fail(if unsent { Failure::Unsent } else { Failure::Gone }, wakers);
            }
        }
    }
}

/// How deep the latest requests of other plugins were, also when they are over: what a plugin fetches for one of them after its answer is
/// as deep. Those of clients are not counted, so that they push none out. A plugin that names another request, or none, or one
/// that is forgotten, gets what it would get for a request of its own making.
#[derive(Default)]
struct Deep(VecDeque<(StreamId, u8)>);

/// So many are remembered.
const DEEP: usize = 4096;

impl Deep {
    fn note(&mut self, id: StreamId, depth: u8) {
        if depth > 0 {
            self.0.truncate(DEEP - 1);
            self.0.push_front((id, depth));
        }
    }

    fn of(&self, id: StreamId) -> u8 {
        self.0.iter().find(|(noted, _)| *noted == id).map_or(0, |(_, depth)| *depth)
    }
}

/// Parts of a body; most have one.
#[derive(Default)]
pub(crate) struct Chunks {
    first: Option<Bytes>,
    rest: VecDeque<Bytes>,
    /// Small parts that came after these, put together: each alone would cost many times its size.
    small: BytesMut,
}

/// Parts below this are put together while they wait.
const SMALL: usize = 4 * 1024;

/// Up to about this size.
const TOGETHER: usize = 64 * 1024;

impl Chunks {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        if self.is_empty() {
            self.first = Some(chunk);
        } else if chunk.len() < SMALL && self.small.len() < TOGETHER {
            self.small.extend_from_slice(&chunk);
        } else {
            self.seal();
            if chunk.len() < SMALL {
                self.small.extend_from_slice(&chunk);
            } else {
                self.rest.push_back(chunk);
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let next = self.first.take().or_else(|| self.rest.pop_front());
        next.or_else(|| Some(std::mem::take(&mut self.small).freeze()).filter(|small| !small.is_empty()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts() == 0
    }

    /// Whether there is exactly one part.
    pub(crate) fn is_single(&self) -> bool {
        self.parts() == 1
    }

    pub(crate) fn total(&self) -> u64 {
        let large: u64 = self.first.iter().chain(&self.rest).map(|chunk| chunk.len() as u64).sum();
        large + self.small.len() as u64
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn parts(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len() + usize::from(!self.small.is_empty())
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.rest.push_back(std::mem::take(&mut self.small).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_out_as_they_went_in_and_small_ones_together() {
        let mut chunks = Chunks::default();
        let mut expect = Vec::new();
        for len in (0..2000).chain([SMALL - 1, SMALL, 1, 1, SMALL * 3, 7]) {
            let part = vec![u8::try_from(len % 251).unwrap(); len];
            expect.extend_from_slice(&part);
            chunks.push(Bytes::from(part));
        }
        assert_eq!(chunks.total(), expect.len() as u64);
        let mut all = Vec::new();
        while let Some(part) = chunks.pop() {
            all.extend_from_slice(&part);
        }
        assert!(all == expect && chunks.is_empty());
    }

    #[test]
    fn single_bytes_cost_little_more_than_their_number() {
        let mut chunks = Chunks::default();
        const MANY: usize = 1 << 20;
        (0..MANY).for_each(|_| chunks.push(Bytes::from_static(b"x")));
        assert_eq!(chunks.total(), MANY as u64);
        assert!(chunks.parts() <= 2 + MANY / TOGETHER, "{}", chunks.parts());
    }

    #[test]
    fn one_part_is_handed_on_as_it_is() {
        let mut chunks = Chunks::default();
        let part = Bytes::from_static(b"small");
        chunks.push(part.clone());
        assert!(chunks.is_single());
        assert_eq!(chunks.pop().unwrap().as_ptr(), part.as_ptr(), "not copied");
        assert!(chunks.pop().is_none());
    }
}
