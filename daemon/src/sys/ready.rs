//! Readiness of descriptors.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Owns a descriptor that stays the same as long as it lives.
pub trait Owner: AsRawFd {}

impl Owner for OwnedFd {}
impl Owner for UnixStream {}
impl Owner for TcpListener {}

/// Watches a descriptor. Needs a tokio runtime.
///
/// # Errors
/// When the descriptor cannot be watched.
#[expect(
    deprecated,
    reason = "what it warns of is excluded by `Owner`; its replacement is unsafe, and this crate has none"
)]
pub fn watch<T: Owner>(owner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(owner, interest)
}
