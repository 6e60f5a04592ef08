//! Header fields as they have arrived, before somebody wants a map of them.

use bytes::Bytes;

use super::{HeaderMap, HeaderName, HeaderValue};

/// Fields in the order of their arrival, all in one block.
pub(crate) struct Fields {
    block: Bytes,
    spans: Vec<Span>,
}

/// Puts [`Fields`] together.
pub(crate) struct Builder {
    /// Where the engine's block is.
    start: usize,
    len: usize,
    /// Our copy of it, and of what is not part of it.
    block: Vec<u8>,
    spans: Vec<Span>,
}

/// Where a part begins and ends.
pub(crate) type Place = (usize, usize);

struct Span {
    name: Place,
    value: Place,
}

impl Fields {
    /// For `count` fields, most of them parts of `lent`, which is copied at once.
    pub(crate) fn builder(lent: &[u8], count: usize) -> Builder {
        // A name that is not part of the block has about a dozen bytes.
        let mut block = Vec::with_capacity(lent.len() + 16 * count);
        block.extend_from_slice(lent);
        Builder { start: lent.as_ptr().addr(), len: lent.len(), block, spans: Vec::with_capacity(count) }
    }

    /// What stands at a place of the builder's, without a copy.
    pub(crate) fn slice(&self, (start, end): Place) -> Bytes {
        self.block.slice(start..end)
    }

    /// The value of the first field of this name, when it is text: as `HeaderValue::to_str` has it.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let span = self.spans.iter().find(|s| self.part(s.name).eq_ignore_ascii_case(name.as_bytes()))?;
        let text = std::str::from_utf8(self.part(span.value)).ok()?;
        text.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)).then_some(text)
    }

    /// All of them; the values are slices of the block.
    pub(crate) fn map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.spans.len());
        for span in &self.spans {
            // The engine has let through only what these take.
            if let Ok(name) = HeaderName::from_bytes(self.part(span.name))
                && let Ok(value) = HeaderValue::from_maybe_shared(self.slice(span.value))
            {
                map.append(name, value);
            }
        }
        map
    }

    fn part(&self, (start, end): Place) -> &[u8] {
        &self.block[start..end]
    }
}

impl Builder {
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        let (name, value) = (self.place(name), self.place(value));
        self.spans.push(Span { name, value });
    }

    /// Where our copy of `part` is: as in the engine's block, or else behind it.
    pub(crate) fn place(&mut self, part: &[u8]) -> Place {
        let offset = part.as_ptr().addr().wrapping_sub(self.start);
        match offset.checked_add(part.len()) {
            Some(end) if end <= self.len => (offset, end),
            _ => {
                let at = self.block.len();
                self.block.extend_from_slice(part);
                (at, self.block.len())
            }
        }
    }

    pub(crate) fn build(self) -> Fields {
        Fields { block: self.block.into(), spans: self.spans }
    }
}
