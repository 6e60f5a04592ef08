//! Randomness: the SDK's own, and the backends of the `getrandom` crate, by the symbols that its versions ask for.
//!
//! Version 0.2 links its symbol with the feature `custom`; 0.3 and 0.4 with `--cfg getrandom_backend="custom"`. That is all an author writes:
//! the crate's documentation shows it.

#![expect(unsafe_code, reason = "symbols that other crates declare")]

use std::num::NonZeroI32;

use super::host;

pub(crate) fn fill(out: &mut [u8]) {
    host::random(out);
}

/// getrandom 0.2: 0 is success.
#[unsafe(no_mangle)]
unsafe fn __getrandom_custom(out: *mut u8, len: usize) -> u32 {
    // SAFETY: getrandom passes an initialised slice.
    fill(unsafe { std::slice::from_raw_parts_mut(out, len) });
    0
}

/// getrandom 0.3 and 0.4. Its error is a `NonZeroI32` in a struct of one field: the same to a caller.
#[unsafe(no_mangle)]
unsafe fn __getrandom_v03_custom(out: *mut u8, len: usize) -> Result<(), NonZeroI32> {
    // SAFETY: getrandom passes a slice, perhaps not initialised.
    unsafe { out.write_bytes(0, len) };
    // SAFETY: initialised above.
    fill(unsafe { std::slice::from_raw_parts_mut(out, len) });
    Ok(())
}
