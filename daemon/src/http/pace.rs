//! How much a worker has to do, and how it is scheduled for that.
//!
//! A worker with little to do stops whoever runs when a request comes, as every thread does. One that gets thousands a second would do so
//! in the middle of everybody's work, and its own: it waits for its turn instead (`SCHED_BATCH`), and finds more to do when it has it.
//! That turn is not far off unless others do not let go of the processors; then it interrupts them again.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::sys::schedule::{self, BATCH, OTHER, Waits};

/// Requests between two looks.
const SPAN: u32 = 256;
/// So many in less than this are much to do: above 5 000 a second.
const MUCH: Duration = Duration::from_millis(50);
/// So many in more than this are little: below 1 000 a second.
const LITTLE: Duration = Duration::from_millis(256);
/// A turn that is waited for so long, on the average, is taken by others. Threads of a busy valord wait for each other for a tenth of it.
const LONG_WAIT: Duration = Duration::from_millis(1);
/// Before that is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// One worker's.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Another policy than the usual one is an operator's choice.
    may: bool,
    busy: Cell<bool>,
    /// Requests since `begun`.
    count: Cell<u32>,
    begun: Cell<Instant>,
    not_before: Cell<Option<Instant>>,
    turns: RefCell<Option<Turns>>,
}

/// What the kernel says of waiting.
#[derive(Debug)]
struct Turns {
    waits: Waits,
    last: (u64, Duration),
}

impl Pace {
    /// Of this thread, which has not had a request.
    pub(crate) fn new() -> Self {
        Self {
            may: schedule::policy().is_ok_and(|policy| policy == OTHER),
            busy: Cell::new(false),
            count: Cell::new(0),
            begun: Cell::new(Instant::now()),
            not_before: Cell::new(None),
            turns: RefCell::new(None),
        }
    }

    /// A request has come to this thread.
    pub(crate) fn request(&self, now: Instant) {
        self.count.set(self.count.get() + 1);
        if self.count.get() >= SPAN {
            self.look(now);
        }
    }

    /// Time passes; nothing may have come for long.
    pub(crate) fn tick(&self) {
        if self.busy.get() {
            self.look(Instant::now());
        }
    }

    /// Nobody is connected.
    pub(crate) fn rest(&self) {
        self.become_busy(false);
    }

    fn look(&self, now: Instant) {
        let (count, begun) = (self.count.replace(0), self.begun.replace(now));
        let each = now.saturating_duration_since(begun) / count.max(1);
        let busy = if self.busy.get() { each < LITTLE / SPAN } else { each < MUCH / SPAN };
        if self.busy.get() && self.waits_long() {
            self.not_before.set(Some(now + PAUSE));
        }
        self.become_busy(busy && self.not_before.get().is_none_or(|until| now >= until));
    }

    fn become_busy(&self, busy: bool) {
        if !self.may || self.busy.replace(busy) == busy {
            return;
        }
        if let Err(error) = schedule::set_policy(if busy { BATCH } else { OTHER }) {
            tracing::debug!(%error, "a data worker cannot change how it is scheduled");
            return;
        }
        let turns = || {
            let waits = Waits::of_this_thread().ok()?;
            let last = waits.read().ok()?;
            Some(Turns { waits, last })
        };
        *self.turns.borrow_mut() = if busy { turns() } else { None };
    }

    /// Whether the processor was long in coming since the last look.
    fn waits_long(&self) -> bool {
        let mut turns = self.turns.borrow_mut();
        let Some(Turns { waits, last }) = &mut *turns else { return false };
        let Ok(now) = waits.read() else { return false };
        let before = std::mem::replace(last, now);
        let count = u32::try_from(now.0.saturating_sub(before.0)).unwrap_or(u32::MAX);
        now.1.saturating_sub(before.1) / count.max(1) > LONG_WAIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` requests, one each `every`.
    fn ask(pace: &Pace, now: &mut Instant, count: u32, every: Duration) {
        for _ in 0..count {
            *now += every;
            pace.request(*now);
        }
    }

    fn policy() -> i32 {
        schedule::policy().unwrap()
    }

    #[test]
    fn a_busy_worker_waits_for_its_turn_and_an_idle_one_does_not() {
        let pace = Pace::new();
        let mut now = Instant::now();
        let (fast, medium, slow) =
            (Duration::from_micros(100), Duration::from_micros(500), Duration::from_millis(2));
        ask(&pace, &mut now, 3 * SPAN, medium);
        assert_eq!(policy(), OTHER, "not busy enough");
        ask(&pace, &mut now, 2 * SPAN, fast);
        assert_eq!(policy(), BATCH);
        ask(&pace, &mut now, 3 * SPAN, medium);
        assert_eq!(policy(), BATCH, "it does not go to and fro");
        ask(&pace, &mut now, 2 * SPAN, slow);
        assert_eq!(policy(), OTHER);
        ask(&pace, &mut now, 2 * SPAN, fast);
        pace.rest();
        assert_eq!(policy(), OTHER, "nobody is there");
    }

    #[test]
    fn who_gets_nothing_any_more_is_idle_at_the_next_tick() {
        let pace = Pace::new();
        let mut now = Instant::now();
        ask(&pace, &mut now, 2 * SPAN, Duration::ZERO);
        assert_eq!(policy(), BATCH);
        std::thread::park_timeout(Duration::from_millis(5));
        pace.tick();
        assert_eq!(policy(), OTHER);
    }

    #[test]
    fn an_operators_choice_stays() {
        schedule::set_policy(BATCH).unwrap();
        let pace = Pace::new();
        ask(&pace, &mut Instant::now(), 2 * SPAN, Duration::ZERO);
        pace.rest();
        assert_eq!(policy(), BATCH);
    }
}
