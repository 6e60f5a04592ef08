//! The real `valor-shim`, with its sandbox, serves plugins in C to a test that plays valord.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod answers;
mod failures;
mod life;
#[path = "../../../core/tests/daemon/link.rs"]
mod link;
mod shim;
