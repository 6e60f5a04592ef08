//! Bytes across the boundary, without copying what is large.

use std::ffi::c_void;

use bytes::Bytes;
use valor_abi::{valor_bytes, valor_str};
use valor_shim_core::serve::Source;

use super::deferred::Release;

/// A part of a body that the plugin offers. Dropping it releases it.
pub(super) struct Offered {
    ptr: *const u8,
    len: usize,
    release: Option<Release>,
}

// SAFETY: the contract: bytes are released from any thread, and nobody writes to them until then.
unsafe impl Send for Offered {}

impl Offered {
    /// Takes what was passed, `None` when it cannot be bytes.
    ///
    /// # Safety
    ///
    /// `raw` is valid until it is released, without a release function until the end of the call.
    pub(super) unsafe fn new(raw: valor_bytes) -> Option<Self> {
        if raw.ptr.is_null() && raw.len > 0 {
            return None;
        }
        let context = raw.context;
        let release = raw.release.map(|function| Release { function, context });
        Some(Self { ptr: raw.ptr, len: raw.len, release })
    }

    /// It stays with the plugin.
    pub(super) fn give_back(mut self) {
        self.release = None;
    }
}

impl AsRef<[u8]> for Offered {
    fn as_ref(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: not null, and the plugin's promise to `new`.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl Source for Offered {
    fn bytes(&self) -> &[u8] {
        self.as_ref()
    }

    fn share(self) -> Bytes {
        match self.release {
            Some(_) => Bytes::from_owner(self),
            None => Bytes::copy_from_slice(self.as_ref()),
        }
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release.run();
        }
    }
}

/// Bytes of ours for the plugin, which releases them.
pub(super) fn give(part: Bytes) -> valor_bytes {
    unsafe extern "C" fn release(context: *mut c_void) {
        // SAFETY: made of a `Box<Bytes>` below, and called once.
        drop(unsafe { Box::from_raw(context.cast::<Bytes>()) });
    }
    let part = Box::new(part);
    let (ptr, len) = (part.as_ptr(), part.len());
    valor_bytes { ptr, len, release: Some(release), context: Box::into_raw(part).cast() }
}

/// A string of the plugin's; null reads as nothing.
///
/// # Safety
///
/// It is valid for `'a`.
pub(super) unsafe fn borrow<'a>(text: valor_str) -> &'a [u8] {
    if text.ptr.is_null() || text.len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(text.ptr, text.len) }
}

/// A string of ours, valid as long as `text` is.
pub(super) fn lend(text: &[u8]) -> valor_str {
    valor_str { ptr: text.as_ptr(), len: text.len() }
}
