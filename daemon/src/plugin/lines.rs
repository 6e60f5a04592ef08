//! How many lines of the daemon's own log a plugin may cause: what it does in a loop must not fill the machine's disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// In the long run, one line in so many milliseconds.
const PERIOD: u64 = 50;

/// At once.
const BURST: u64 = 200;

/// Shared by the workers, without a lock.
#[derive(Debug)]
pub struct Lines {
    since: Instant,
    /// When, in milliseconds, the lines that were written would have been written one by one.
    paid_until: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Lines {
    fn default() -> Self {
        Self { since: Instant::now(), paid_until: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }
}

impl Lines {
    /// Whether a line may be written, and then how many were left out before it.
    pub fn take(&self) -> Option<u64> {
        self.take_at(self.since.elapsed())
    }

    fn take_at(&self, now: Duration) -> Option<u64> {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let paid = self.paid_until.try_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
            let paid = paid.max(now).saturating_add(PERIOD);
            (paid - now <= BURST * PERIOD).then_some(paid)
        });
        if paid.is_ok() {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate_and_what_is_left_out_is_counted() {
        let lines = Lines::default();
        let at = Duration::from_millis;
        let written = (0..1000).filter(|_| lines.take_at(at(0)).is_some()).count();
        assert_eq!(written as u64, BURST);
        assert_eq!(lines.take_at(at(PERIOD)), Some(1000 - BURST));
        assert_eq!(lines.take_at(at(PERIOD)), None);
        assert_eq!(lines.take_at(at(2 * PERIOD)), Some(1));
        let later = (0..1000).filter(|_| lines.take_at(at(3_600_000)).is_some()).count();
        assert_eq!(later as u64, BURST, "time is not saved up");
    }
}
