//! One turn: a call into JavaScript with all the jobs that follow from it.

use std::cell::Cell;
use std::time::Instant;

use valor_shim_core::serve::Parent;
use valor_shim_core::turn::End;

/// What a turn is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The request, by its number.
    pub(crate) request: Option<u32>,
    /// The same, for what is fetched for it; it may be answered already.
    pub(crate) parent: Option<Parent>,
    /// Its deadline.
    pub(crate) deadline: Option<Instant>,
}

/// Why an isolate is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wreck {
    /// Its code did not come to an end.
    Spinning,
    /// It has used up its memory.
    Memory,
    /// The glue itself has failed.
    Broken,
}

/// The turn that is under way, if any; shared with the interrupt handler.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    cause: Cell<Cause>,
    ends: Cell<Option<End>>,
    wreck: Cell<Option<Wreck>>,
}

impl Turn {
    /// Begins one.
    pub(crate) fn begin(&self, cause: Cause) {
        self.cause.set(cause);
        self.ends.set(Some(End::of(cause.deadline)));
    }

    /// Ends it.
    pub(crate) fn end(&self) {
        self.cause.set(Cause::default());
        self.ends.set(None);
    }

    /// What it is for.
    pub(crate) fn cause(&self) -> Cause {
        self.cause.get()
    }

    /// Asked by QuickJS every so often: whether to stop.
    pub(crate) fn is_over(&self) -> bool {
        let over = self.ends.get().is_some_and(|end| end.left().is_none());
        if over {
            self.wreck(Wreck::Spinning);
        }
        over
    }

    /// The isolate is of no use any more; the first reason counts.
    pub(crate) fn wreck(&self, why: Wreck) {
        if self.wreck.get().is_none() {
            self.wreck.set(Some(why));
        }
    }

    /// Whether it is, and why.
    pub(crate) fn wrecked(&self) -> Option<Wreck> {
        self.wreck.get()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_turn_ends_after_its_requests_deadline_and_grace() {
        let turn = Turn::default();
        assert!(!turn.is_over(), "none is under way");
        let past = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        turn.begin(Cause { request: Some(1), deadline: Some(past), ..Cause::default() });
        assert!(!turn.is_over(), "a late turn still has its grace");
        turn.ends.set(Some(End::At(past)));
        assert!(turn.is_over());
        assert_eq!(turn.wrecked(), Some(Wreck::Spinning));
        turn.begin(Cause::default());
        assert!(!turn.is_over(), "without a deadline it is its work that counts");
        turn.ends.set(Some(End::Spent(Duration::ZERO)));
        assert!(turn.is_over());
        turn.wreck(Wreck::Memory);
        assert_eq!(turn.wrecked(), Some(Wreck::Spinning), "the first reason counts");
    }
}
