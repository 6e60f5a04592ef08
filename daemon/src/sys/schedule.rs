//! How a thread is scheduled, sched(7): whether it interrupts others when it is woken, and how long it waits for a processor.

#![expect(unsafe_code, reason = "no safe wrapper offers these two calls, which take numbers")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

/// The policy that everything has unless somebody chooses another.
pub const OTHER: i32 = libc::SCHED_OTHER;
/// As [`OTHER`], but who is woken waits for its turn.
pub const BATCH: i32 = libc::SCHED_BATCH;

/// The policy of this thread, by its number.
///
/// # Errors
/// When a filter forbids to ask.
pub fn policy() -> io::Result<i32> {
    // SAFETY: only a number is passed.
    Ok(Errno::result(unsafe { libc::sched_getscheduler(0) })?)
}

/// Gives this thread one of the policies above. Going back from [`BATCH`] needs no privilege.
///
/// # Errors
/// When a filter forbids it.
pub fn set_policy(policy: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters are only read.
    Errno::result(unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) })?;
    Ok(())
}

/// How often this thread was given a processor, and how long it has waited for one, since it was started.
#[derive(Debug)]
pub struct Waits(File);

impl Waits {
    /// Of this thread.
    ///
    /// # Errors
    /// Where there is no `/proc`, or a kernel that does not count.
    pub fn of_this_thread() -> io::Result<Self> {
        let waits = Self(File::open("/proc/thread-self/schedstat")?);
        waits.read().map(|_| waits)
    }

    /// Both, now.
    ///
    /// # Errors
    /// When the line is none.
    pub fn read(&self) -> io::Result<(u64, Duration)> {
        let mut line = [0; 64];
        let len = self.0.read_at(&mut line, 0)?;
        let mut numbers = std::str::from_utf8(&line[..len])
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(|number| number.parse().ok());
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(_), Some(Some(waited)), Some(Some(turns))) => Ok((turns, Duration::from_nanos(waited))),
            _ => Err(io::Error::other("schedstat has no three numbers")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_taken_and_given_back_and_is_only_this_threads() {
        std::thread::spawn(|| {
            assert_eq!(policy().unwrap(), OTHER);
            set_policy(BATCH).unwrap();
            assert_eq!(policy().unwrap(), BATCH);
            set_policy(OTHER).unwrap();
            assert_eq!(policy().unwrap(), OTHER);
            set_policy(BATCH).unwrap();
        })
        .join()
        .unwrap();
        assert_eq!(policy().unwrap(), OTHER);
    }

    #[test]
    fn turns_are_counted() {
        let waits = Waits::of_this_thread().unwrap();
        let (before, waited) = waits.read().unwrap();
        for _ in 0..3 {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let (turns, longer) = waits.read().unwrap();
        assert!(turns >= before + 3 && longer >= waited, "{before} {turns}");
    }
}
