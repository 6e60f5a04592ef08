//! `Bytes` to and from the ABI, without copying what is large.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use bytes::Bytes;
use valor_abi::{valor_bytes, valor_str};

/// Bodies up to this size are copied by the shim into what it writes, which is cheaper than sharing them.
const COPY: usize = 4 * 1024;

/// A string for the duration of a call.
pub(super) const fn lend_str(text: &str) -> valor_str {
    lend(text.as_bytes())
}

/// Bytes for the duration of a call.
pub(super) const fn lend(bytes: &[u8]) -> valor_str {
    valor_str { ptr: bytes.as_ptr(), len: bytes.len() }
}

/// What the shim lends us for the duration of a call.
///
/// # Safety
///
/// It must outlive `'a`.
pub(super) unsafe fn borrow<'a>(text: valor_str) -> &'a [u8] {
    if text.len == 0 {
        return &[];
    }
    // SAFETY: not empty, so not null; alive by the caller's promise.
    unsafe { std::slice::from_raw_parts(text.ptr, text.len) }
}

/// A body on its way to the shim: the shim either takes it, or we have it still.
pub(super) struct Given(Bytes);

impl Given {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Calls `take` with the bytes. It says whether it has taken them; if not, they come back.
    pub(super) fn give<T>(self, take: impl FnOnce(valor_bytes) -> (T, bool)) -> (T, Option<Bytes>) {
        let Self(bytes) = self;
        let raw = valor_bytes { ptr: bytes.as_ptr(), len: bytes.len(), release: None, context: null_mut() };
        if bytes.len() <= COPY {
            let (result, taken) = take(raw);
            return (result, (!taken).then_some(bytes));
        }
        let owner: *mut Bytes = Box::into_raw(Box::new(bytes));
        let (result, taken) = take(valor_bytes { release: Some(release), context: owner.cast(), ..raw });
        if taken {
            return (result, None);
        }
        // SAFETY: not taken, so `release` was not called and never will be.
        let bytes = unsafe { Box::from_raw(owner) };
        (result, Some(*bytes))
    }
}

unsafe extern "C" fn release(context: *mut c_void) {
    // SAFETY: `give` has made it of a `Box<Bytes>`, and the shim calls this once.
    drop(unsafe { Box::from_raw(context.cast::<Bytes>()) });
}

/// No body.
pub(super) const NOTHING: valor_bytes =
    valor_bytes { ptr: null(), len: 0, release: None, context: null_mut() };

/// Bytes of the shim, given to us.
struct Taken(valor_bytes);

// SAFETY: the ABI says that bytes may be released from any thread, and nobody writes to them.
unsafe impl Send for Taken {}

impl AsRef<[u8]> for Taken {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: alive until we release them, which `drop` does.
        unsafe { borrow(valor_str { ptr: self.0.ptr, len: self.0.len }) }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: once, by the owner.
            unsafe { release(self.0.context) };
        }
    }
}

/// Takes what `read` has given.
///
/// # Safety
///
/// `raw` is ours: valid until released, and released by nobody else.
pub(super) unsafe fn take(raw: valor_bytes) -> Bytes {
    Bytes::from_owner(Taken(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_comes_back() {
        for len in [0, 1, COPY, COPY + 1] {
            let bytes = Bytes::from(vec![7; len]);
            let address = bytes.as_ptr();
            let ((), back) = Given::new(bytes).give(|raw| {
                assert_eq!(raw.len, len);
                ((), false)
            });
            assert_eq!(back.unwrap().as_ptr(), address, "{len} bytes were copied");
        }
    }

    #[test]
    fn what_is_taken_is_shared_and_released() {
        let bytes = Bytes::from(vec![7; COPY + 1]);
        let address = bytes.as_ptr();
        let mut taken = None;
        let ((), back) = Given::new(bytes.clone()).give(|raw| {
            taken = Some(raw);
            ((), true)
        });
        assert!(back.is_none());
        // SAFETY: `give` has just given it to us.
        let ours = unsafe { take(taken.unwrap()) };
        assert_eq!((ours.as_ptr(), ours.len()), (address, COPY + 1));
        assert!(!bytes.is_unique());
        drop(ours);
        assert!(bytes.is_unique());
    }
}
