//! How many requests a plugin works on at once, and how many wait.
//!
//! `count` is running plus waiting. Below the limit it moves by one compare-and-swap; at and above it, only under
//! the lock of the queue. Hence `running = min(count, limit)` and `waiting = max(0, count - limit)` at all times,
//! and a freed slot looks for a waiter only when there is one.

use std::collections::VecDeque;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// The concurrency limit and the queue of one plugin.
#[derive(Debug)]
pub struct Gate {
    limit: u32,
    /// `limit` plus the length of the queue.
    full: u32,
    count: AtomicU32,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiters: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// What became of the attempt to enter.
#[derive(Debug)]
pub enum Entry<H: Deref<Target: AsRef<Gate>>> {
    /// Come in.
    Entered(Permit<H>),
    /// Wait for a slot.
    Queued(Waiting<H>),
    /// Even the queue is full.
    Full,
}

/// A slot; freed when dropped. `H` keeps the gate's owner alive: an `Rc` or an `Arc` of it.
#[derive(Debug)]
pub struct Permit<H: Deref<Target: AsRef<Gate>>> {
    owner: H,
}

/// A place in the queue; given up when dropped.
#[derive(Debug)]
pub struct Waiting<H: Deref<Target: AsRef<Gate>>> {
    place: Option<(H, u64, oneshot::Receiver<()>)>,
}

impl Gate {
    /// A gate for `concurrency` requests (at least one) and a queue behind it.
    #[must_use]
    pub fn new(concurrency: u32, queue: u32) -> Self {
        let limit = concurrency.max(1);
        Self { limit, full: limit.saturating_add(queue), count: AtomicU32::new(0), queue: Mutex::default() }
    }

    /// Requests that are worked on.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.count.load(Ordering::Relaxed).min(self.limit)
    }

    /// Requests that wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.count.load(Ordering::Relaxed).saturating_sub(self.limit)
    }

    /// Enters the gate of `owner`, or its queue.
    pub fn enter<H: Deref<Target: AsRef<Self>>>(owner: H) -> Entry<H> {
        let gate = owner.as_ref();
        if gate.step(1, |count| count < gate.limit).is_ok() {
            return Entry::Entered(Permit { owner });
        }
        let mut queue = gate.lock();
        // One step decides: a slot may be freed without the lock at any moment before it.
        match gate.step(1, |count| count < gate.full) {
            Err(_) => {
                drop(queue);
                return Entry::Full;
            }
            Ok(before) if before < gate.limit => {
                drop(queue);
                return Entry::Entered(Permit { owner });
            }
            Ok(_) => {}
        }
        queue.next += 1;
        let ticket = queue.next;
        let (sender, receiver) = oneshot::channel();
        queue.waiters.push_back((ticket, sender));
        drop(queue);
        Entry::Queued(Waiting { place: Some((owner, ticket, receiver)) })
    }

    fn leave(&self) {
        if self.step(-1, |count| count <= self.limit).is_ok() {
            return;
        }
        let mut queue = self.lock();
        if self.step(-1, |_| true).is_ok_and(|before| before <= self.limit) {
            return;
        }
        // Somebody waits: above the limit the count moves only under this lock.
        let next = queue.waiters.pop_front();
        drop(queue);
        if let Some((_, waiter)) = next {
            // A waiter that is gone takes itself out of the queue, so this one is there.
            let _taken = waiter.send(());
        }
    }

    fn give_up(&self, ticket: u64) {
        let mut queue = self.lock();
        if let Some(at) = queue.waiters.iter().position(|(t, _)| *t == ticket) {
            queue.waiters.remove(at);
            // Somebody waited, so the count is above the limit and cannot fail to go down.
            let _before = self.step(-1, |_| true);
        } else {
            // The slot was given just now.
            drop(queue);
            self.leave();
        }
    }

    /// Moves the count where that is allowed; the count before, either way.
    fn step(&self, by: i32, allowed: impl Fn(u32) -> bool) -> Result<u32, u32> {
        self.count.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |count| {
            allowed(count).then(|| count.saturating_add_signed(by))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: Deref<Target: AsRef<Gate>>> Drop for Permit<H> {
    fn drop(&mut self) {
        self.owner.as_ref().leave();
    }
}

impl<H: Deref<Target: AsRef<Gate>> + Unpin> Future for Waiting<H> {
    type Output = Permit<H>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<H>> {
        let Some((_, _, receiver)) = &mut self.place else {
            return Poll::Pending;
        };
        if Pin::new(receiver).poll(cx).is_pending() {
            return Poll::Pending;
        }
        match self.place.take() {
            Some((owner, _, _)) => Poll::Ready(Permit { owner }),
            None => Poll::Pending,
        }
    }
}

impl<H: Deref<Target: AsRef<Gate>>> Drop for Waiting<H> {
    fn drop(&mut self) {
        if let Some((owner, ticket, _)) = self.place.take() {
            owner.as_ref().give_up(ticket);
        }
    }
}

impl AsRef<Self> for Gate {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<Gate> for super::Plugin {
    fn as_ref(&self) -> &Gate {
        &self.gate
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
