//! Timers, in the order in which they are due.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::{Ctx, Exception, Function, Object, Result};

use super::Host;
use crate::engine::Cause;

/// More are a leak.
const MAX: usize = 10_000;

/// The timers of one isolate.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    last: u32,
    /// Those that were restarted keep their number but not their place.
    serial: u64,
    by_time: BTreeSet<(Instant, u64, u32)>,
    by_id: HashMap<u32, (Instant, u64, Cause)>,
}

impl Timers {
    /// When the first one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, ..)| *at)
    }

    /// Takes those that are due now, in order.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(u32, Cause)> {
        let mut due = Vec::new();
        while let Some(&(at, serial, id)) = self.by_time.first().filter(|(at, ..)| *at <= now) {
            self.by_time.remove(&(at, serial, id));
            if let Some((.., cause)) = self.by_id.remove(&id) {
                due.push((id, cause));
            }
        }
        due
    }

    fn start(&mut self, delay: Duration, cause: Cause) -> Option<u32> {
        if self.by_id.len() >= MAX {
            return None;
        }
        // 0 is no timer's, and a number is free when it comes round again.
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.by_id.contains_key(&self.last) {
                break;
            }
        }
        self.restart(self.last, delay, cause);
        Some(self.last)
    }

    fn restart(&mut self, id: u32, delay: Duration, cause: Cause) {
        self.stop(id);
        self.serial += 1;
        let at = Instant::now() + delay;
        self.by_time.insert((at, self.serial, id));
        self.by_id.insert(id, (at, self.serial, cause));
    }

    fn stop(&mut self, id: u32) {
        if let Some((at, serial, _)) = self.by_id.remove(&id) {
            self.by_time.remove(&(at, serial, id));
        }
    }
}

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>, host: &Rc<Host>) -> Result<()> {
    let own = Rc::clone(host);
    let start = move |ctx: Ctx<'js>, ms: f64| {
        let id = own.timers.borrow_mut().start(delay(ms), own.turn.cause());
        id.ok_or_else(|| {
            Exception::throw_range(
                &ctx,
                &format!("there are {MAX} timers already: clear those that are not needed"),
            )
        })
    };
    object.set("startTimer", Function::new(ctx.clone(), start)?)?;
    let own = Rc::clone(host);
    let restart = move |id: u32, ms: f64| own.timers.borrow_mut().restart(id, delay(ms), own.turn.cause());
    object.set("restartTimer", Function::new(ctx.clone(), restart)?)?;
    let own = Rc::clone(host);
    object.set("stopTimer", Function::new(ctx.clone(), move |id: u32| own.timers.borrow_mut().stop(id))?)?;
    Ok(())
}

fn delay(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_in_order_of_time_and_then_of_their_start() {
        let mut timers = Timers::default();
        let [a, b, c] =
            [20, 10, 10].map(|ms| timers.start(Duration::from_millis(ms), Cause::default()).unwrap());
        let stopped = timers.start(Duration::ZERO, Cause::default()).unwrap();
        timers.stop(stopped);
        assert!(timers.due(Instant::now().checked_sub(Duration::from_secs(1)).unwrap()).is_empty());
        let due = timers.due(Instant::now() + Duration::from_secs(1));
        assert_eq!(due.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [b, c, a]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn there_is_an_end_of_them() {
        let mut timers = Timers::default();
        for _ in 0..MAX {
            assert!(timers.start(Duration::from_secs(1), Cause::default()).is_some());
        }
        assert_eq!(timers.start(Duration::ZERO, Cause::default()), None);
        timers.stop(1);
        assert!(timers.start(Duration::ZERO, Cause::default()).is_some());
    }
}
