//! What the fuzz targets run; the same over the committed corpus in `tests/corpus.rs`.
#![allow(clippy::panic, reason = "a panic is how a target tells")]

mod connection;
mod control;
mod pair;

pub use connection::connection;
pub use control::control;
pub use pair::pair;

use crate::Limits;

/// Limits that a few bytes can reach.
pub const SMALL: Limits = Limits {
    max_data: 64,
    max_head: 256,
    max_fields: 4,
    max_streams: 3,
    initial_window: 100,
    max_window: 200,
    max_buffered: 250,
    max_queued: 300,
};

/// Bytes that say what to do; beyond their end they say 0.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
