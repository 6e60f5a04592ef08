//! Tasks. They are polled in [`run`], never elsewhere.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};

/// How often the set of tasks is polled before the host has a turn: a task that wakes itself must not keep cancellations out.
const TURN: usize = 256;

thread_local! {
    /// What was spawned since tasks were polled last.
    static NEW: RefCell<Vec<LocalBoxFuture<'static, ()>>> = const { RefCell::new(Vec::new()) };
    static TASKS: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>> = RefCell::new(FuturesUnordered::new());
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `task` beside all others.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    NEW.with_borrow_mut(|new| new.push(task.boxed_local()));
}

/// Polls what was woken, and what that wakes; says whether nothing is left to do.
pub(super) fn run() -> bool {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    TASKS.with_borrow_mut(|tasks| {
        for _ in 0..TURN {
            NEW.with_borrow_mut(|new| tasks.extend(new.drain(..)));
            woken.0.store(false, Ordering::Relaxed);
            let polled = Pin::new(&mut *tasks).poll_next(&mut cx);
            let more = matches!(polled, Poll::Ready(Some(()))) || woken.0.load(Ordering::Relaxed);
            if !more && NEW.with_borrow(Vec::is_empty) {
                return true;
            }
        }
        false
    })
}
