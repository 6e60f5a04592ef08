//! Heads that were read from a connection, kept for the callbacks, which run without the lock. The buffers of a
//! worker's [`Batch`] are reused, so that a head costs a copy and no allocation.

use std::ops::Range;

use valor_wire::{Fields, RequestRef, ResponseRef, names};

/// A request head, valid during the callback.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// For example `GET`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Milliseconds left for the response head, 0 for no limit.
    pub deadline_ms: u32,
    /// There is no body.
    pub end: bool,
    /// Holds the target, all values, and the names that are not well known: one copy takes all of them.
    pub block: &'a [u8],
    spans: &'a [FieldSpan],
}

impl<'a> Head<'a> {
    /// The header fields: name in lower case, value.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let block = self.block;
        self.spans.iter().map(move |span| span.resolve(block))
    }
}

/// A response head, kept until the exchange is over.
#[derive(Debug)]
pub struct ResponseHead {
    /// 200 to 599.
    pub status: u16,
    /// There is no body.
    pub end: bool,
    block: Box<[u8]>,
    spans: Box<[FieldSpan]>,
}

impl ResponseHead {
    pub(super) fn copy(head: &ResponseRef<'_>, end: bool) -> Self {
        let mut spans = Vec::with_capacity(head.fields.len());
        spans_of(&head.fields, 0, &mut spans);
        Self { status: head.status, end, block: head.fields.block().into(), spans: spans.into() }
    }

    /// The header fields: name in lower case, value.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|span| span.resolve(&self.block))
    }
}

/// The request heads of one read.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: String,
    blocks: Vec<u8>,
    spans: Vec<FieldSpan>,
    requests: Vec<Request>,
}

#[derive(Debug)]
struct Request {
    key: usize,
    method: Range<usize>,
    block: Range<usize>,
    target_len: usize,
    spans: Range<usize>,
    deadline_ms: u32,
    end: bool,
}

impl Batch {
    /// Keeps a head for exchange `key`.
    pub(super) fn push(&mut self, key: usize, head: &RequestRef<'_>, end: bool) {
        let method = self.text.len()..self.text.len() + head.method.len();
        self.text.push_str(head.method);
        let (start, target_len) = (self.blocks.len(), head.target.len());
        self.blocks.extend_from_slice(head.target.as_bytes());
        self.blocks.extend_from_slice(head.fields.block());
        let block = start..self.blocks.len();
        let spans = self.spans.len()..self.spans.len() + head.fields.len();
        spans_of(&head.fields, target_len, &mut self.spans);
        let deadline_ms = head.deadline_ms;
        self.requests.push(Request { key, method, block, target_len, spans, deadline_ms, end });
    }

    /// The heads in the order of their arrival.
    pub(super) fn requests(&self) -> impl Iterator<Item = (usize, Head<'_>)> {
        self.requests.iter().map(|r| {
            let block = &self.blocks[r.block.clone()];
            let head = Head {
                method: &self.text[r.method.clone()],
                // It was a `str` when it came.
                target: std::str::from_utf8(&block[..r.target_len]).unwrap_or_default(),
                deadline_ms: r.deadline_ms,
                end: r.end,
                block,
                spans: &self.spans[r.spans.clone()],
            };
            (r.key, head)
        })
    }

    /// Drops the heads of the exchanges that `keep` does not want.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        self.requests.retain(|request| keep(request.key));
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.blocks.clear();
        self.spans.clear();
        self.requests.clear();
    }
}

/// Where a field's name and value are within its head's block.
#[derive(Debug, Clone, Copy)]
struct FieldSpan {
    /// Not 0: a well-known name.
    id: u8,
    name: (u32, u32),
    value: (u32, u32),
}

impl FieldSpan {
    fn resolve(self, block: &[u8]) -> (&[u8], &[u8]) {
        let cut = |(start, end): (u32, u32)| block.get(start as usize..end as usize).unwrap_or_default();
        (names::name(self.id).map_or_else(|| cut(self.name), str::as_bytes), cut(self.value))
    }
}

/// Appends where the fields are in a copy of their block that begins at `at`.
fn spans_of(fields: &Fields<'_>, at: usize, spans: &mut Vec<FieldSpan>) {
    let base = fields.block().as_ptr().addr();
    // Names and values are slices of the block, which is shorter than 4 GiB.
    let offset = |part: &[u8]| {
        let start = u32::try_from(part.as_ptr().addr().saturating_sub(base) + at).unwrap_or(u32::MAX);
        (start, start.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX)))
    };
    spans.extend(fields.iter().map(|(id, name, value)| FieldSpan {
        id,
        name: if id == 0 { offset(name.as_bytes()) } else { (0, 0) },
        value: offset(value),
    }));
}
