//! Bytes that are queued for writing: small frames gather in one buffer, large payloads stay where they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

/// Payloads of this size and above are not copied.
const SHARE: usize = 4 * 1024;

/// A buffer that grew beyond this is given back, or cut, when it can be.
const KEEP: usize = 256 * 1024;

/// The write side of a connection.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Sealed segments, in order, before `small`.
    sealed: VecDeque<Bytes>,
    small: Vec<u8>,
    /// How much of the first segment (or of `small`, without segments) is already written.
    written: usize,
    len: usize,
    /// All that was ever queued.
    position: u64,
}

impl Outbox {
    /// How many bytes wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `slices` with what to write next, in order, and returns how many were filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut skip = self.written;
        let mut filled = 0;
        for part in self.sealed.iter().map(|b| &b[..]).chain(std::iter::once(&self.small[..])) {
            let Some(slot) = slices.get_mut(filled) else { break };
            let rest = &part[skip..];
            skip = 0;
            if !rest.is_empty() {
                *slot = IoSlice::new(rest);
                filled += 1;
            }
        }
        filled
    }

    /// Notes that the first `n` bytes were written.
    ///
    /// # Panics
    ///
    /// When `n` exceeds [`len`](Self::len).
    pub fn advance(&mut self, mut n: usize) {
        assert!(n <= self.len, "more written than was queued");
        self.len -= n;
        n += self.written;
        while let Some(first) = self.sealed.front() {
            if n < first.len() {
                break;
            }
            n -= first.len();
            self.sealed.pop_front();
        }
        if self.sealed.is_empty() && n == self.small.len() {
            self.small.clear();
            self.small.shrink_to(KEEP);
            n = 0;
        } else if self.sealed.is_empty() && n >= KEEP && n >= self.small.len() / 2 {
            // Under steady load it is never empty, and must not keep all that was ever written.
            self.small.drain(..n);
            n = 0;
        }
        self.written = n;
    }

    /// Where the next byte that is queued will stand, counted from the first one ever.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Up to where the peer can have read.
    pub(crate) fn written_to(&self) -> u64 {
        self.position - self.len as u64
    }

    /// Whether what was queued before `position` is written.
    pub(crate) fn passed(&self, position: u64) -> bool {
        self.written_to() >= position
    }

    /// Appends through `write`, which must only append, and counts what it did.
    pub(crate) fn append<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before = self.small.len();
        let result = write(&mut self.small);
        let added = self.small.len() - before;
        self.len += added;
        self.position += added as u64;
        result
    }

    /// Appends a payload, by reference where that is worth it.
    pub(crate) fn push(&mut self, payload: Bytes) {
        if payload.len() < SHARE {
            self.append(|out| out.extend_from_slice(&payload));
            return;
        }
        self.len += payload.len();
        self.position += payload.len() as u64;
        if !self.small.is_empty() {
            self.sealed.push_back(Bytes::from(std::mem::take(&mut self.small)));
        }
        self.sealed.push_back(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); 3];
            let filled = outbox.slices(&mut slices);
            let bytes: Vec<u8> = slices[..filled].iter().flat_map(|s| s.iter().copied()).collect();
            let n = bytes.len().min(step);
            all.extend_from_slice(&bytes[..n]);
            outbox.advance(n);
        }
        all
    }

    #[test]
    fn order_survives_every_partial_write() {
        for step in [1, 7, 4096, 4099, 100_000] {
            let mut outbox = Outbox::default();
            let mut expect = Vec::new();
            for (i, len) in [5, SHARE, 3, 0, SHARE + 1, SHARE, 9].into_iter().enumerate() {
                let part = vec![u8::try_from(i).unwrap(); len];
                expect.extend_from_slice(&part);
                outbox.push(Bytes::from(part));
            }
            assert_eq!(outbox.len(), expect.len());
            assert_eq!(drain(&mut outbox, step), expect, "step {step}");
            outbox.push(Bytes::from_static(b"again"));
            assert_eq!(drain(&mut outbox, step), b"again");
            assert_eq!(outbox.position(), expect.len() as u64 + 5);
            assert_eq!(outbox.written_to(), outbox.position());
        }
    }

    #[test]
    fn steady_load_keeps_no_history() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(&[0; 100]));
        for i in 0..100_000_u32 {
            outbox.push(Bytes::copy_from_slice(&[i.to_le_bytes()[0]; 100]));
            outbox.advance(100);
        }
        assert_eq!(outbox.len(), 100);
        assert!(outbox.small.len() <= 2 * KEEP, "{}", outbox.small.len());
        assert_eq!(drain(&mut outbox, 100), [99_999_u32.to_le_bytes()[0]; 100]);
        outbox.append(|out| out.resize(8 * KEEP, 1));
        outbox.advance(8 * KEEP);
        assert!(outbox.small.capacity() <= 2 * KEEP);
    }
}
