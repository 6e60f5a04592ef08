//! The memory of an isolate: the C library's, counted. QuickJS has a limit of its own, but throws a bare `null` when not even
//! the error has room; so whoever finds that must be able to ask whether memory was refused.

#![expect(unsafe_code, reason = "an allocator, for a library in C")]

use std::cell::Cell;
use std::rc::Rc;

use rquickjs::allocator::Allocator;

/// Whether memory was refused since the isolate was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused(Rc<Cell<bool>>);

impl Refused {
    pub(crate) fn get(&self) -> bool {
        self.0.get()
    }
}

/// Gives at most so many bytes.
#[derive(Debug)]
pub(super) struct Counted {
    left: usize,
    refused: Refused,
}

impl Counted {
    pub(super) fn new(limit: usize, refused: Refused) -> Self {
        Self { left: limit, refused }
    }

    fn has(&self, size: usize) -> bool {
        let has = size <= self.left;
        self.refused.0.set(self.refused.0.get() || !has);
        has
    }

    /// Takes note of a new region, which may be null.
    fn took(&mut self, region: *mut libc::c_void) -> *mut u8 {
        let region = region.cast::<u8>();
        if region.is_null() {
            self.refused.0.set(true);
        } else {
            // SAFETY: it was allocated just now.
            self.left = self.left.saturating_sub(unsafe { Self::usable_size(region) });
        }
        region
    }
}

// SAFETY: regions are the C library's, aligned for everything; a request that is refused is null.
unsafe impl Allocator for Counted {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.has(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: no preconditions.
        let region = unsafe { libc::malloc(size) };
        self.took(region)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        if !self.has(count.saturating_mul(size)) {
            return std::ptr::null_mut();
        }
        // SAFETY: no preconditions.
        let region = unsafe { libc::calloc(count, size) };
        self.took(region)
    }

    unsafe fn dealloc(&mut self, region: *mut u8) {
        // SAFETY: the caller's promise.
        self.left += unsafe { Self::usable_size(region) };
        // SAFETY: the caller's promise.
        unsafe { libc::free(region.cast()) }
    }

    unsafe fn realloc(&mut self, region: *mut u8, size: usize) -> *mut u8 {
        let old = if region.is_null() {
            0
        } else {
            // SAFETY: the caller's promise.
            unsafe { Self::usable_size(region) }
        };
        if !self.has(size.saturating_sub(old)) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        let moved = unsafe { libc::realloc(region.cast(), size) };
        if !moved.is_null() || size == 0 {
            self.left += old;
        }
        if size == 0 && moved.is_null() {
            return std::ptr::null_mut();
        }
        self.took(moved)
    }

    unsafe fn usable_size(region: *mut u8) -> usize {
        // SAFETY: the caller's promise.
        unsafe { libc::malloc_usable_size(region.cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_as_much_as_was_given_and_no_more() {
        let refused = Refused::default();
        let mut memory = Counted::new(1 << 20, refused.clone());
        let first = memory.alloc(600_000);
        assert!(!first.is_null() && !refused.get());
        assert!(memory.alloc(600_000).is_null() && refused.get());
        // SAFETY: allocated above.
        let grown = unsafe { memory.realloc(first, 900_000) };
        assert!(!grown.is_null());
        // SAFETY: as above.
        assert!(unsafe { memory.realloc(grown, 2_000_000) }.is_null(), "and the old one stays");
        // SAFETY: as above.
        unsafe { memory.dealloc(grown) };
        assert_eq!(memory.left, 1 << 20);
        assert!(memory.calloc(usize::MAX, 2).is_null());
    }
}
