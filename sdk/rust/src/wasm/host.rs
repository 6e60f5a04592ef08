//! The imports, and the memory that a batch comes in.

#![expect(unsafe_code, reason = "the imports, and a buffer that the host has filled")]

use std::alloc::Layout;

use bytes::Bytes;
use valor_abi::message::{CLOCK_MONOTONIC, CLOCK_WALL, MAX_BATCH, MAX_RANDOM};

mod import {
    #[link(wasm_import_module = "valor")]
    unsafe extern "C" {
        pub(super) fn send(ptr: *const u8, len: usize);
        pub(super) safe fn now(clock: i32) -> i64;
        pub(super) fn random(ptr: *mut u8, len: usize);
    }
}

/// `valor_alloc`: room for a batch, or null.
#[must_use]
pub fn alloc(len: usize) -> *mut u8 {
    match Layout::array::<u8>(len) {
        // SAFETY: not of size 0.
        Ok(layout) if (1..=MAX_BATCH).contains(&len) => unsafe { std::alloc::alloc(layout) },
        _ => std::ptr::null_mut(),
    }
}

/// What the host has written where [`alloc`] said.
pub(super) fn take(ptr: usize, len: usize) -> Bytes {
    if len == 0 {
        return Bytes::new();
    }
    let start = std::ptr::with_exposed_provenance_mut(ptr);
    // SAFETY: `valor_receive` is given what `alloc` made with this very length, and filled; that is the ABI.
    Vec::into(unsafe { Vec::from_raw_parts(start, len, len) })
}

/// Sends whole frames.
pub(super) fn send(batch: &[u8]) {
    // SAFETY: the host reads them, and keeps nothing of it.
    unsafe { import::send(batch.as_ptr(), batch.len()) }
}

/// Nanoseconds on a clock that only grows.
pub(crate) fn monotonic() -> u64 {
    import::now(CLOCK_MONOTONIC).cast_unsigned()
}

/// Nanoseconds since 1970.
pub(crate) fn wall() -> u64 {
    import::now(CLOCK_WALL).cast_unsigned()
}

/// Fills `out` with random bytes.
pub(super) fn random(out: &mut [u8]) {
    for part in out.chunks_mut(MAX_RANDOM) {
        // SAFETY: the host fills exactly this part.
        unsafe { import::random(part.as_mut_ptr(), part.len()) }
    }
}
