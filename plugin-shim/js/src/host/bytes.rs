//! Bytes across the boundary: always copied, for the author may change or detach them.

#![expect(
    unsafe_code,
    reason = "the library leaves it to the caller that no JavaScript runs while bytes are borrowed"
)]

use rquickjs::{Ctx, Result, TypedArray};

/// A `Uint8Array` of the author's.
pub(super) type Array<'js> = TypedArray<'js, u8>;

/// Calls `call`, which has no way to run JavaScript, with the bytes; one that is detached has none.
pub(super) fn with<T>(array: &Array<'_>, call: impl FnOnce(&[u8]) -> T) -> T {
    // SAFETY: `call` gets no context, and there is one thread: nothing changes or frees them meanwhile.
    call(unsafe { array.as_bytes() }.unwrap_or_default())
}

/// A copy of the bytes.
pub(super) fn copy(array: &Array<'_>) -> Vec<u8> {
    with(array, <[u8]>::to_vec)
}

/// Bytes for the author.
pub(super) fn give<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Array<'js>> {
    TypedArray::new_copy(ctx.clone(), bytes)
}
