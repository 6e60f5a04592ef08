//! Timers: who sleeps until when, and the WAKE that is asked for the first of them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::task::{Poll, Waker};

use super::{host, outbox};

/// When, and a number that tells two apart.
pub(crate) type Key = (u64, u64);

thread_local! {
    static SLEEPERS: RefCell<BTreeMap<Key, Waker>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
    /// When the host calls, if it was asked to.
    static ASKED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Ready at `when` (nanoseconds, monotonic); until then `waker` is woken then. `key` is the sleeper's own place to remember.
pub(crate) fn poll(key: &mut Option<Key>, when: u64, waker: &Waker) -> Poll<()> {
    if host::monotonic() >= when {
        forget(key);
        return Poll::Ready(());
    }
    let key = *key.get_or_insert_with(|| (when, NEXT.replace(NEXT.get() + 1)));
    SLEEPERS.with_borrow_mut(|sleepers| match sleepers.get_mut(&key) {
        Some(known) => known.clone_from(waker),
        None => drop(sleepers.insert(key, waker.clone())),
    });
    Poll::Pending
}

/// Who does not sleep any more.
pub(crate) fn forget(key: &mut Option<Key>) {
    if let Some(key) = key.take() {
        // The waker is dropped after the borrow: it may own the last of a task.
        drop(SLEEPERS.with_borrow_mut(|sleepers| sleepers.remove(&key)));
    }
}

/// WAKE from the host: wakes all whose time has come.
pub(super) fn fire() {
    ASKED.set(None);
    let now = host::monotonic();
    let due = SLEEPERS.with_borrow_mut(|sleepers| {
        let later = sleepers.split_off(&(now + 1, 0));
        std::mem::replace(sleepers, later)
    });
    due.into_values().for_each(Waker::wake);
}

/// Asks for the next WAKE, unless it was asked for; at once, when the turn has ended before its work.
pub(super) fn ask(idle: bool) {
    let first = SLEEPERS.with_borrow(|sleepers| sleepers.first_key_value().map(|((when, _), _)| *when));
    let wanted = if idle { first } else { Some(0) };
    match (wanted, ASKED.get()) {
        (None, None) => {}
        (None, Some(_)) => {
            ASKED.set(None);
            outbox::with(|out| out.wake_after(0));
        }
        // A call that comes too early costs less than one more frame for every change.
        (Some(when), Some(asked)) if when >= asked => {}
        (Some(when), _) => {
            ASKED.set(Some(when));
            let after = when.saturating_sub(host::monotonic()).max(1);
            outbox::with(|out| out.wake_after(after));
        }
    }
}
