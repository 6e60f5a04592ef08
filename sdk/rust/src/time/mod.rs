//! Timers and clocks, natively (where they are tokio's) and in WebAssembly (where they are the host's, and `std::time` has none).
//!
//! ```no_run
//! # use valor::*;
//! # async fn example() -> Result<(), Error> {
//! let started = time::Instant::now();
//! let answer = time::timeout(time::Duration::from_secs(2), fetch("/slow")).await.map_err(Error::other)??;
//! log::info!("{} after {:?}", answer.status(), started.elapsed());
//! # Ok(()) }
//! ```

#[cfg(target_family = "wasm")]
mod guest;

#[cfg(target_family = "wasm")]
pub use guest::*;
pub use std::time::Duration;
#[cfg(not(target_family = "wasm"))]
pub use tokio::time::{
    Instant, Interval, Sleep, Timeout, error, interval, sleep, sleep_until, timeout, timeout_at,
};

/// The time of day, since 1970 UTC.
#[must_use]
pub fn since_epoch() -> Duration {
    #[cfg(not(target_family = "wasm"))]
    return std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    #[cfg(target_family = "wasm")]
    return Duration::from_nanos(crate::wasm::wall());
}
