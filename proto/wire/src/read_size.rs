//! How much to read at once.

/// What the next read of a socket asks for, in bytes. It grows while reads fill what they are given, so that a large body comes in
/// few of them, and shrinks when little comes: a connection that is idle again holds a small buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadSize {
    least: usize,
    next: usize,
    /// Reads in a row that brought little.
    little: u8,
}

/// So many make it shrink; a frame or two between large ones do not.
const LITTLE: u8 = 16;

/// Beyond this a read costs what its bytes cost, and nothing of the call.
const MOST: usize = 256 * 1024;

impl ReadSize {
    /// Starts at, and never falls below, `least` bytes.
    #[must_use]
    pub const fn new(least: usize) -> Self {
        Self { least, next: least, little: 0 }
    }

    /// For [`crate::Connection::space`].
    #[must_use]
    pub const fn get(self) -> usize {
        self.next
    }

    /// A read has brought `n` bytes into `room`; whether it has emptied a stream socket.
    pub fn note(&mut self, n: usize, room: usize) -> bool {
        let filled = n >= room;
        if filled {
            self.next = (self.next * 2).min(MOST.max(self.least));
        }
        self.little = if n < self.next / 4 { self.little + 1 } else { 0 };
        if self.little == LITTLE {
            self.little = 0;
            self.next = (self.next / 2).max(self.least);
        }
        !filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_comes() {
        let mut size = ReadSize::new(32 * 1024);
        for _ in 0..10 {
            let room = size.get();
            assert!(!size.note(room, room));
        }
        assert_eq!(size.get(), MOST);
        assert!(size.note(MOST / 2, MOST), "half of it is no reason to shrink");
        assert_eq!(size.get(), MOST);
        for _ in 1..LITTLE {
            assert!(size.note(100, size.get()));
        }
        assert_eq!(size.get(), MOST, "a few small frames are no reason, either");
        for _ in 0..4 * LITTLE {
            assert!(size.note(100, size.get()));
        }
        assert_eq!(size.get(), 32 * 1024);
    }
}
