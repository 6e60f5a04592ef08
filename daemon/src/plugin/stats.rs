//! Counters that the workers write without sharing a cache line.

use std::sync::atomic::{AtomicU64, Ordering};

/// Enough that workers rarely meet in one; a power of two.
const SHARDS: usize = 8;

/// What a plugin has done since it was started.
#[derive(Debug, Default)]
pub struct Stats {
    shards: [Shard; SHARDS],
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard {
    requests: AtomicU64,
    errors: AtomicU64,
    timeouts: AtomicU64,
    rejected: AtomicU64,
}

/// The sum over all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that were routed to the plugin.
    pub requests: u64,
    /// Of these, those that the daemon had to answer: crashes, failures and the two below.
    pub errors: u64,
    /// Of the errors: past their deadline.
    pub timeouts: u64,
    /// Of the errors: the queue was full.
    pub rejected: u64,
}

impl Stats {
    /// Counts a request.
    pub fn request(&self, worker: usize) {
        self.shard(worker).requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failure.
    pub fn error(&self, worker: usize) {
        self.shard(worker).errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a passed deadline; also a failure.
    pub fn timeout(&self, worker: usize) {
        self.error(worker);
        self.shard(worker).timeouts.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that found the queue full; also a failure.
    pub fn reject(&self, worker: usize) {
        self.error(worker);
        self.shard(worker).rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        for shard in &self.shards {
            sum.requests += shard.requests.load(Ordering::Relaxed);
            sum.errors += shard.errors.load(Ordering::Relaxed);
            sum.timeouts += shard.timeouts.load(Ordering::Relaxed);
            sum.rejected += shard.rejected.load(Ordering::Relaxed);
        }
        sum
    }

    fn shard(&self, worker: usize) -> &Shard {
        &self.shards[worker % SHARDS]
    }
}
