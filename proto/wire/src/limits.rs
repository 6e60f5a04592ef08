//! The bounds of a connection; both ends are built with the same ones.

/// The longest reason of a RESET, in bytes.
pub const MAX_REASON: usize = 512;

/// What a peer may make the other side hold. Sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload of a DATA frame.
    pub max_data: usize,
    /// The longest payload of a HEAD frame.
    pub max_head: usize,
    /// The most fields (headers) in a HEAD.
    pub max_fields: usize,
    /// The most streams that each side may have open at once; at most 2^19.
    pub max_streams: usize,
    /// The credit that a stream starts with, each way.
    pub initial_window: u32,
    /// The most credit that a stream is given, each way.
    pub max_window: u32,
    /// The credit, above the initial windows, that all streams together are given.
    pub max_buffered: usize,
    /// The most bytes queued for writing before [`crate::Connection::capacity`] reports none.
    pub max_queued: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_data: 128 * 1024,
            max_head: 64 * 1024,
            max_fields: 128,
            max_streams: 4096,
            initial_window: 128 * 1024,
            max_window: 1024 * 1024,
            max_buffered: 16 * 1024 * 1024,
            max_queued: 1024 * 1024,
        }
    }
}
