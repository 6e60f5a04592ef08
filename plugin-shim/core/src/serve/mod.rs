//! The serving half of a shim: a sans-runtime pump over [`valor_wire::Connection`].
//!
//! ```text
//! socket ─read─► Connection ─► heads, bodies, resets ─► Entry (one exchange) ─► Handler (the engine, the plugin)
//! socket ◄writev─ Connection ◄──────────── Exchange (respond, read, write, reset, stop, drop) ◄──────┘
//! ```
//!
//! A [`Worker`] is one thread's share: its data sockets and the exchanges on them, behind one lock that is **never held
//! while a [`Handler`] runs**. Who calls from elsewhere than within a pump (another thread, or the worker's own loop between two pumps)
//! leaves work behind, and the wake function is called, once until the next flush; within a pump nothing is woken,
//! since the pump writes at its end.

mod background;
mod batch;
mod entry;
mod exchange;
mod link;
mod poll_loop;
mod state;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use valor_wire::{Field, Limits, RequestHead, Violation};

pub use background::{Background, Parent, Parents};
pub use batch::{Head, ResponseHead};
pub use exchange::{Exchange, Received, Refused, Source};
pub use poll_loop::{PollLoop, Turn};
use state::{Call, State};

/// The response head of a fetch is there.
pub const EVENT_RESPONSE: u32 = 1;
/// [`Exchange::read`] has something, or the end.
pub const EVENT_READABLE: u32 = 2;
/// [`Exchange::write`] takes something.
pub const EVENT_WRITABLE: u32 = 4;
/// The exchange was cancelled; the last event.
pub const EVENT_CANCELLED: u32 = 8;

/// How many callbacks one pump makes for events before it lets the worker's loop have a turn.
const BUDGET: usize = 4096;

/// What an engine does with what arrives. Called on the worker's thread, without the lock.
pub trait Handler {
    /// A request is there, and not over; dropping `exchange` without an answer resets it.
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>);
    /// Something that the exchange of `user` was waiting for: `EVENT_*` bits.
    fn on_event(&mut self, user: usize, events: u32);
    /// `user` is never used again.
    fn on_release(&mut self, user: usize);
    /// The daemon broke the protocol on socket `index`, which is closed now.
    fn on_violation(&mut self, index: usize, violation: &Violation) {
        let _: (usize, &Violation) = (index, violation);
    }
}

/// Tells the worker's loop to call [`Worker::flush`]; must not call back into the worker.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// What [`Worker::pump`] and [`Worker::flush`] leave the loop to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pumped {
    /// Everything was read: wait for the descriptor to be readable. Otherwise pump again.
    pub drained: bool,
    /// Also wait for the descriptor to be writable.
    pub want_write: bool,
    /// After a pump: the descriptor is done with.
    pub closed: bool,
}

impl Pumped {
    const CLOSED: Self = Self { drained: true, want_write: false, closed: true };
}

/// One worker thread's sockets and exchanges.
pub struct Worker {
    state: Mutex<State>,
    /// Held while it is called, so that a replaced function is not running any more once `set_wake` has returned.
    wake: RwLock<Option<Wake>>,
}

thread_local! {
    /// The address of the worker that runs on this thread.
    static HERE: Cell<usize> = const { Cell::new(0) };
}

impl Worker {
    /// A worker for the shim's ends of its data sockets, which must be non-blocking.
    #[must_use]
    pub fn new(sockets: Vec<OwnedFd>, limits: Limits) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::new(sockets, limits)), wake: RwLock::new(None) })
    }

    /// Says that the calling thread is the worker's: only there [`flush`](Self::flush) makes callbacks.
    pub fn bind(&self) {
        HERE.set(self.address());
    }

    /// How the worker's loop is woken.
    pub fn set_wake(&self, wake: Option<Wake>) {
        if let Ok(mut slot) = self.wake.write() {
            *slot = wake;
        }
        if let Some(mut state) = self.lock() {
            // Who was to be woken before there was a way to do it.
            state.woken = false;
            self.finish(state);
        }
    }

    /// Reads socket `index` once, runs the callbacks, and writes what they queued on every socket.
    pub fn pump(self: &Arc<Self>, index: usize, handler: &mut impl Handler) -> Pumped {
        let Some(mut state) = self.lock() else {
            return Pumped::CLOSED;
        };
        if state.pumping {
            return Pumped::default();
        }
        if state.is_closed(index) {
            return Pumped::CLOSED;
        }
        state.pumping = true;
        state.woken = false;
        let violation = state.receive(index);
        let mut batch = std::mem::take(&mut state.batch);
        drop(state);
        if let Some(violation) = violation {
            handler.on_violation(index, &violation);
        }
        for (key, head) in batch.requests() {
            handler.on_request(Exchange::new(Arc::clone(self), key), &head);
        }
        batch.clear();
        self.settle(handler, Some((index, batch)))
    }

    /// Writes what is queued on every socket, and on the worker's own thread makes the callbacks that are due.
    pub fn flush(self: &Arc<Self>, handler: &mut impl Handler) -> Pumped {
        let Some(mut state) = self.lock() else {
            return Pumped::CLOSED;
        };
        if HERE.get() == self.address() && !state.pumping {
            state.pumping = true;
            state.woken = false;
            drop(state);
            return self.settle(handler, None);
        }
        state.send();
        let pumped = state.pumped();
        if !state.pumping {
            state.dirty = state.has_calls() || state.has_news();
            self.finish(state);
        }
        pumped
    }

    /// Does on the worker's thread what may act upon many exchanges, as within a pump: nothing is woken, and what was queued is written
    /// when it returns. [`Pumped::want_write`] does not say which socket it is about.
    pub fn act<H: Handler, T>(&self, handler: &mut H, work: impl FnOnce(&mut H) -> T) -> (T, Pumped) {
        let free = self.lock().filter(|state| !state.pumping).map(|mut state| {
            state.pumping = true;
            state.woken = false;
        });
        let result = work(handler);
        let pumped = if free.is_some() { self.settle(handler, None) } else { Pumped::default() };
        (result, pumped)
    }

    /// Starts a request through the daemon, for the sake of `parent` if there is one. That may be answered already.
    pub fn fetch<'a, S: Source>(
        self: &Arc<Self>,
        parent: Option<Parent>,
        head: &RequestHead<'_>,
        fields: impl IntoIterator<Item = Field<'a>>,
        body: &mut Option<S>,
        end: bool,
        user: usize,
    ) -> Result<Exchange, Refused> {
        let parent = parent.filter(|p| p.is_of(self));
        let mut state = self.lock().ok_or(Refused::Cancelled)?;
        let opened = state.open(parent, head, fields, body, end, user);
        self.finish(state);
        opened.map(|key| Exchange::new(Arc::clone(self), key))
    }

    /// Whether all sockets were closed in good order.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.lock().is_some_and(|state| state.is_done())
    }

    /// Callbacks and writes, until nothing is left to do now. `pumping` is set and is cleared here, in the same
    /// critical section that sees that nothing is left: so whoever adds work while it is set needs to wake nobody.
    fn settle(&self, handler: &mut impl Handler, mut pumped: Option<(usize, batch::Batch)>) -> Pumped {
        let index = pumped.as_ref().map(|(index, _)| *index);
        let mut budget = BUDGET;
        let Some(mut state) = self.lock() else {
            return Pumped::CLOSED;
        };
        if let Some((_, batch)) = pumped.take() {
            state.batch = batch;
        }
        loop {
            while budget > 0
                && let Some(call) = state.next_call()
            {
                budget -= 1;
                drop(state);
                match call {
                    Call::Event { user, events } => handler.on_event(user, events),
                    Call::Release { user } => handler.on_release(user),
                }
                let Some(again) = self.lock() else {
                    return Pumped::CLOSED;
                };
                state = again;
            }
            state.send();
            if budget == 0 || !state.has_calls() {
                break;
            }
        }
        state.pumping = false;
        let result = state.tell(index);
        state.dirty = state.has_calls() || state.has_news();
        self.finish(state);
        result
    }

    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        // Poisoned means a bug of ours: the worker counts as closed, and its process ends and is replaced.
        self.state.lock().ok()
    }

    /// Ends a critical section that may have left work for the worker's loop.
    fn finish(&self, mut state: MutexGuard<'_, State>) {
        let wake = state.dirty && !state.pumping && !state.woken;
        state.woken |= wake;
        drop(state);
        if wake
            && let Ok(slot) = self.wake.read()
            && let Some(wake) = slot.as_deref()
        {
            wake();
        }
    }

    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
