//! How long a plugin's code may go on before an engine stops it.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// How long code may go on past the deadline of its request. Less than valord's own grace, after which the process is killed.
const GRACE: Duration = Duration::from_secs(1);
/// How long a turn without a request may work, or one whose request has no deadline.
const LONGEST: Duration = Duration::from_secs(10);

/// When a turn is over.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// At this time.
    At(Instant),
    /// When its thread has worked so long: on a busy machine, honest code takes long without doing much.
    Spent(Duration),
}

impl End {
    /// Of a turn that begins now, on this thread, for a request that is due then.
    #[must_use]
    pub fn of(deadline: Option<Instant>) -> Self {
        match deadline {
            Some(deadline) => Self::At(deadline.max(Instant::now()) + GRACE),
            None => Self::Spent(spent() + LONGEST),
        }
    }

    /// How long it may still go on, on the thread that it began on; not at all when it is over.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        let left = match self {
            Self::At(time) => time.saturating_duration_since(Instant::now()),
            Self::Spent(time) => time.saturating_sub(spent()),
        };
        (!left.is_zero()).then_some(left)
    }
}

/// The processor's time that this thread has had.
fn spent() -> Duration {
    // It fails for clocks that are not there. nix and not rustix, which finds no clock under valgrind.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_turn_still_has_its_grace() {
        let past = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        assert!(End::of(Some(past)).left().is_some_and(|left| left <= GRACE));
        assert_eq!(End::At(past).left(), None);
        assert!(End::of(None).left().is_some_and(|left| left <= LONGEST));
    }

    #[test]
    fn it_is_the_threads_work_that_counts_where_there_is_no_deadline() {
        let begin = spent();
        let end = End::Spent(begin + Duration::from_millis(20));
        // Time that passes without work takes nothing away.
        let waited = Instant::now();
        while waited.elapsed() < Duration::from_millis(40) {
            std::thread::park_timeout(Duration::from_millis(40));
        }
        assert!(end.left().is_some(), "{:?} of work", spent() - begin);
        while end.left().is_some() {
            std::hint::black_box(begin);
        }
        assert!(spent() - begin >= Duration::from_millis(20));
    }
}
