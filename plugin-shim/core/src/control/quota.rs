//! How many log bytes may go out, so that an honest plugin that talks too much loses lines and not its life.

use std::time::Duration;

/// Three quarters of what valord grants (256 KiB a second, 1 MiB at once): the socket may deliver in clumps.
const RATE: u64 = 192 * 1024;
const BURST: u64 = 768 * 1024;

/// A token bucket. Time is given, not taken.
#[derive(Debug)]
pub(super) struct Quota {
    tokens: u64,
    filled: Duration,
}

impl Quota {
    pub(super) fn new() -> Self {
        Self { tokens: BURST, filled: Duration::ZERO }
    }

    /// Takes `n` tokens, all or none. `now` never goes back.
    pub(super) fn take(&mut self, now: Duration, n: usize) -> bool {
        let gained =
            u64::try_from(now.saturating_sub(self.filled).as_nanos() * u128::from(RATE) / 1_000_000_000)
                .unwrap_or(u64::MAX);
        if gained >= BURST {
            self.filled = now;
        } else {
            // Only by what the tokens stand for: the fraction of one is not lost.
            self.filled += Duration::from_nanos((gained * 1_000_000_000).div_ceil(RATE));
        }
        self.tokens = BURST.min(self.tokens.saturating_add(gained));
        let left = u64::try_from(n).ok().and_then(|n| self.tokens.checked_sub(n));
        left.inspect(|&left| self.tokens = left).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut quota = Quota::new();
        let at = Duration::from_secs;
        assert!(quota.take(at(0), 768 * 1024));
        assert!(!quota.take(at(0), 1));
        assert!(!quota.take(Duration::from_micros(5), 1), "less than a byte");
        assert!(quota.take(at(1), 192 * 1024));
        assert!(!quota.take(at(1), 1024));
        assert!(quota.take(at(100), 768 * 1024));
        assert!(!quota.take(at(100), 1), "idle time is not saved beyond the burst");
    }

    #[test]
    fn frequent_looks_lose_nothing() {
        let mut quota = Quota::new();
        assert!(quota.take(Duration::ZERO, 768 * 1024));
        let taken = (0..1_000_000).filter(|&us| quota.take(Duration::from_micros(us), 1)).count();
        assert!((190_000..=196_608).contains(&taken), "{taken}");
    }
}
