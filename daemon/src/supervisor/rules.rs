//! When a process that has ended is started again, and how much it may write: pure functions of what has happened.
//! Times are distances from one moment in the past, whichever.

use std::collections::VecDeque;
use std::time::Duration;

/// The numbers of the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The pause after the first unexpected end.
    pub first_pause: Duration,
    /// The longest pause; each is twice the one before.
    pub longest_pause: Duration,
    /// A process that has been ready for so long has a clean slate.
    pub stable_after: Duration,
    /// So many unexpected ends within [`Rules::window`] ...
    pub crashes: usize,
    /// ... and no further attempt is made.
    pub window: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(30),
            stable_after: Duration::from_secs(30),
            crashes: 6,
            window: Duration::from_secs(60),
        }
    }
}

/// What to do about an unexpected end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Start again after this pause.
    After(Duration),
    /// Leave it alone.
    Quarantine,
}

/// The unexpected ends of one seat.
#[derive(Debug, Clone, Default)]
pub struct History {
    ends: VecDeque<Duration>,
    /// In a row, without a stable time between them.
    streak: u32,
}

impl History {
    /// Notes an unexpected end at `now`, after having been ready for `ready` (`None`: it never was). `jitter`, from 0 to 1,
    /// spreads those that ended together.
    #[must_use]
    pub fn ended(&mut self, rules: &Rules, now: Duration, ready: Option<Duration>, jitter: f64) -> Next {
        if ready.is_some_and(|ready| ready >= rules.stable_after) {
            *self = Self::default();
        }
        self.streak = self.streak.saturating_add(1);
        self.ends.push_back(now);
        while self.ends.front().is_some_and(|&first| now.saturating_sub(first) > rules.window) {
            self.ends.pop_front();
        }
        if self.ends.len() >= rules.crashes.max(1) {
            return Next::Quarantine;
        }
        Next::After(pause(rules, self.streak, jitter))
    }
}

/// The pause after the `streak`th end in a row: between half of the doubled one and all of it.
fn pause(rules: &Rules, streak: u32, jitter: f64) -> Duration {
    let doublings = streak.saturating_sub(1).min(31);
    let whole = rules.first_pause.saturating_mul(1 << doublings).min(rules.longest_pause);
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 };
    whole.mul_f64(0.5 + jitter / 2.0)
}

/// A bound on bytes over time: `rate` a second, and `burst` at once.
#[derive(Debug, Clone)]
pub struct Quota {
    rate: u64,
    burst: u64,
    left: u64,
    /// When `left` was right.
    at: Duration,
}

impl Quota {
    /// A full one.
    #[must_use]
    pub fn new(rate: u64, burst: u64, now: Duration) -> Self {
        Self { rate, burst, left: burst, at: now }
    }

    /// Takes `bytes` if there are as many.
    pub fn take(&mut self, bytes: u64, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_millis();
        let gained = u64::try_from(passed.saturating_mul(u128::from(self.rate)) / 1000).unwrap_or(u64::MAX);
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(self.burst);
            self.at = now;
        }
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn pauses_double_and_end_in_quarantine() {
        let rules = Rules { crashes: 4, ..Rules::default() };
        let mut history = History::default();
        let next: Vec<_> = (0..4).map(|n| history.ended(&rules, ms(n), None, 1.0)).collect();
        assert_eq!(
            next,
            [Next::After(ms(100)), Next::After(ms(200)), Next::After(ms(400)), Next::Quarantine]
        );
    }

    #[test]
    fn a_stable_time_is_a_clean_slate() {
        let rules = Rules { crashes: 3, ..Rules::default() };
        let mut history = History::default();
        for n in 0..2 {
            let _ = history.ended(&rules, ms(n), None, 1.0);
        }
        assert_eq!(history.ended(&rules, ms(2), Some(rules.stable_after), 1.0), Next::After(ms(100)));
    }

    #[test]
    fn rare_crashes_never_quarantine() {
        let rules = Rules::default();
        let mut history = History::default();
        for n in 0..100 {
            let now = rules.window * n;
            assert_ne!(history.ended(&rules, now, Some(ms(1)), 0.5), Next::Quarantine, "{n}");
        }
    }

    #[test]
    fn a_quota_refills() {
        let mut quota = Quota::new(1000, 10, ms(0));
        assert!(quota.take(10, ms(0)));
        assert!(!quota.take(1, ms(0)));
        assert!(quota.take(5, ms(5)));
        assert!(!quota.take(1, ms(5)));
        assert!(quota.take(10, ms(100_000)), "no more than a burst");
        assert!(!quota.take(1, ms(100_000)));
        assert!(!quota.take(1, ms(0)), "time that runs backwards gives nothing");
    }

    proptest! {
        #[test]
        fn a_pause_has_its_bounds(streak in 0u32.., jitter in any::<f64>(), first in 0u64..100_000, longest in 0u64..1_000_000) {
            let rules = Rules { first_pause: ms(first), longest_pause: ms(longest), ..Rules::default() };
            let pause = pause(&rules, streak, jitter);
            prop_assert!(pause <= rules.longest_pause);
            prop_assert!(pause + Duration::from_nanos(1) >= rules.first_pause.min(rules.longest_pause) / 2);
        }

        #[test]
        fn a_history_is_bounded_and_quarantine_is_deserved(
            steps in proptest::collection::vec((0u64..20_000, proptest::option::of(0u64..60_000), 0f64..1.0), 0..200),
            crashes in 1usize..10,
        ) {
            let rules = Rules { crashes, ..Rules::default() };
            let mut history = History::default();
            let mut now = Duration::ZERO;
            for (passed, ready, jitter) in steps {
                now += ms(passed);
                let next = history.ended(&rules, now, ready.map(ms), jitter);
                prop_assert!(history.ends.iter().all(|&end| now - end <= rules.window));
                prop_assert_eq!(next == Next::Quarantine, history.ends.len() >= crashes);
                if next == Next::Quarantine {
                    history = History::default();
                }
            }
        }

        #[test]
        fn a_quota_holds_over_any_time(takes in proptest::collection::vec((0u64..50, 0u64..2000), 0..200)) {
            let (rate, burst) = (1000, 5000);
            let mut quota = Quota::new(rate, burst, Duration::ZERO);
            let (mut now, mut taken) = (Duration::ZERO, 0);
            for (passed, bytes) in takes {
                now += ms(passed);
                if quota.take(bytes, now) {
                    taken += bytes;
                }
                prop_assert!(u128::from(taken) <= u128::from(burst) + now.as_millis() * u128::from(rate) / 1000);
            }
        }
    }
}
