//! The HTTP front: what clients reach.
//!
//! ```text
//! accept (connection) ─► check (400) ─► dispatch ─► routes ─► link ─► forward (response) ─► client
//! ```

pub(crate) mod accept;
mod body;
pub(crate) mod check;
mod connection;
pub mod dispatch;
mod error;
pub(crate) mod forward;
mod framing;
mod internal;
pub(crate) mod line;
mod ordinary;
mod pace;
pub(crate) mod scan;
mod site;
mod socket;

use std::time::Duration;

pub use body::Body;
pub use error::{Kind, Problem};

/// Bounds of the HTTP front.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpOptions {
    /// For a request head to arrive, from its first byte; then 408.
    pub header_timeout: Duration,
    /// For the next request of a connection to begin.
    pub idle_timeout: Duration,
    /// For a client to take some of what was sent to it.
    pub write_timeout: Duration,
    /// The longest request head, in bytes; beyond it 414 or 431.
    pub max_head: usize,
    /// The most header fields; beyond it 431.
    pub max_headers: usize,
    /// Streams of one h2c connection.
    pub max_streams: u32,
    /// Proxies whose `x-forwarded-*` are believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(60),
            max_head: 64 * 1024,
            max_headers: 100,
            max_streams: 128,
            trusted_proxies: Vec::new(),
        }
    }
}
