//! Timers.

pub use tokio::time::{Duration, Instant, Interval, interval, sleep, sleep_until, timeout, timeout_at};
