//! Random bytes, fit for keys, natively and in WebAssembly.
//!
//! # The crate `getrandom`
//!
//! `rand`, `uuid`, `ahash` and many more ask the crate `getrandom`, which knows no source on `wasm32-unknown-unknown` and does not compile
//! there. The SDK brings one; what your plugin has to say depends on the versions that `cargo tree -i getrandom` shows:
//!
//! - 0.3 and 0.4: in `.cargo/config.toml`,
//!   ```toml
//!   [target.wasm32-unknown-unknown]
//!   rustflags = ['--cfg', 'getrandom_backend="custom"']
//!   ```
//! - 0.2: in `Cargo.toml`, `getrandom = { version = "0.2", features = ["custom"] }`
//!
//! Not the features `js`, `wasm_js` and their like: they need wasm-bindgen, which has no host here. Where a dependency takes bytes, there is no
//! need for any of it: `uuid::Builder::from_random_bytes(valor::random::bytes()).into_uuid()`.

/// Fills `out`.
///
/// # Panics
///
/// When the machine has no randomness.
pub fn fill(out: &mut [u8]) {
    #[cfg(not(target_family = "wasm"))]
    getrandom::fill(out).expect("the machine has randomness");
    #[cfg(target_family = "wasm")]
    crate::wasm::fill(out);
}

/// `N` bytes.
///
/// # Panics
///
/// As [`fill`].
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}
