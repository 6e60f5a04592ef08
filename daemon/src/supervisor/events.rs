//! What happens to plugins: kept in one ring of the daemon, and handed to whoever follows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::logs::clean;
use crate::plugin::Generation;
use crate::store::now_ms;

/// Events that are kept.
const KEEP: usize = 1024;

/// Events that a follower may lag behind.
const FOLLOW: usize = 256;

/// The longest detail, in bytes.
const MAX_DETAIL: usize = 1024;

/// A plugin, or one of its processes, is in another state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Counts from 1, without a gap.
    pub serial: u64,
    /// When: milliseconds since the epoch.
    pub time_ms: u64,
    /// Whose; empty: of the daemon itself.
    pub plugin: String,
    /// `None`: of the plugin as a whole.
    pub process: Option<Process>,
    /// The new state; `unregistered` when the plugin is gone.
    pub state: &'static str,
    /// What brought it about.
    pub why: Why,
}

/// One process in its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its seat, from 0.
    pub index: u16,
    /// Which process of the daemon's life.
    pub generation: Generation,
    /// As the daemon sees it; 0: not known yet, or not any more.
    pub pid: u32,
}

/// What brought a state about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// By its name.
    pub cause: Cause,
    /// In words; may be empty.
    pub detail: String,
    /// Who asked.
    pub by: Option<Caller>,
}

/// Who asked, by the kernel's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub uid: u32,
    /// The process; 0: not known.
    pub pid: u32,
}

/// Whose wish a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A caller's of the control API.
    Operator(Caller),
    /// The plugins file's, at the daemon's start.
    Boot,
    /// The plugins file's, which was read again: for a caller, or for a signal.
    Reload(Option<Caller>),
}

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    Register,
    Replace,
    Restart,
    Enable,
    Disable,
    Drain,
    Move,
    Unregister,
}

/// The causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it.
    Operator(Verb),
    /// The daemon has started.
    Boot,
    /// The plugins file was read again.
    Reload,
    /// The daemon ends.
    Shutdown,
    /// The pause after an unexpected end is over.
    Retry,
    /// The process exited with this code.
    Exit(i32),
    /// This signal ended the process.
    Signal(i32),
    /// The kernel killed it for its memory.
    OutOfMemory,
    /// It broke a protocol and was killed.
    Violation,
    /// It answered neither requests nor pings and was killed.
    Hung,
    /// It closed its sockets.
    Closed,
    /// It was not ready in time.
    Deadline,
    /// Its sandbox fell short.
    Policy,
    /// It did not answer its probe as it must.
    Probe,
    /// It could not be started for another reason.
    Start,
}

impl Verb {
    /// As it is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Replace => "replace",
            Self::Restart => "restart",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Drain => "drain",
            Self::Move => "move",
            Self::Unregister => "unregister",
        }
    }
}

impl Cause {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator(_) => "operator",
            Self::Boot => "boot",
            Self::Reload => "reload",
            Self::Shutdown => "shutdown",
            Self::Retry => "retry",
            Self::Exit(_) => "exit",
            Self::Signal(_) => "signal",
            Self::OutOfMemory => "out-of-memory",
            Self::Violation => "violation",
            Self::Hung => "hung",
            Self::Closed => "closed",
            Self::Deadline => "deadline",
            Self::Policy => "policy",
            Self::Probe => "probe",
            Self::Start => "start",
        }
    }
}

impl Why {
    /// A cause, and more about it.
    pub(super) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into(), by: None }
    }

    /// Somebody asked for it, or a file.
    pub(super) fn asked(verb: Verb, who: Who) -> Self {
        let detail = verb.as_str().to_owned();
        match who {
            Who::Operator(caller) => Self { cause: Cause::Operator(verb), detail, by: Some(caller) },
            Who::Boot => Self::new(Cause::Boot, ""),
            Who::Reload(by) => Self { cause: Cause::Reload, detail, by },
        }
    }

    /// The same, and what else there is to say.
    pub(super) fn and(mut self, more: &str) -> Self {
        if !self.detail.is_empty() {
            self.detail.push_str("; ");
        }
        self.detail.push_str(more);
        self
    }
}

impl Who {
    /// Who asked, where somebody did.
    #[must_use]
    pub fn caller(self) -> Option<Caller> {
        match self {
            Self::Operator(caller) => Some(caller),
            Self::Boot => None,
            Self::Reload(caller) => caller,
        }
    }
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "uid {}, pid {}", self.uid, self.pid)
    }
}

/// The events of all plugins; clones are the same book.
#[derive(Debug, Clone)]
pub struct EventBook {
    ring: Arc<Mutex<Ring>>,
}

#[derive(Debug)]
struct Ring {
    events: VecDeque<Arc<Event>>,
    serial: u64,
    follow: broadcast::Sender<Arc<Event>>,
}

impl Default for EventBook {
    fn default() -> Self {
        let ring = Ring { events: VecDeque::new(), serial: 0, follow: broadcast::Sender::new(FOLLOW) };
        Self { ring: Arc::new(Mutex::new(ring)) }
    }
}

impl EventBook {
    /// What is kept, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.ring().events.iter().cloned().collect()
    }

    /// What is kept, and everything that comes after it.
    #[must_use]
    pub fn follow(&self) -> (Vec<Arc<Event>>, broadcast::Receiver<Arc<Event>>) {
        let ring = self.ring();
        (ring.events.iter().cloned().collect(), ring.follow.subscribe())
    }

    /// Adds an event; the oldest goes when there are too many.
    pub(crate) fn push(&self, plugin: &str, process: Option<Process>, state: &'static str, why: &Why) {
        let why = Why { cause: why.cause, detail: clean(&why.detail, MAX_DETAIL), by: why.by };
        let mut ring = self.ring();
        ring.serial += 1;
        let event =
            Event { serial: ring.serial, time_ms: now_ms(), plugin: plugin.to_owned(), process, state, why };
        let event = Arc::new(event);
        ring.events.push_back(Arc::clone(&event));
        if ring.events.len() > KEEP {
            ring.events.pop_front();
        }
        // Nobody follows: fine.
        let _sent = ring.follow.send(event);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_bounded_and_details_are_harmless() {
        let book = EventBook::default();
        for n in 0..KEEP + 10 {
            book.push("p", None, "ready", &Why::new(Cause::Start, format!("{n}\x1b[2J")));
        }
        let kept = book.events();
        assert_eq!(kept.len(), KEEP);
        assert_eq!((kept[0].serial, kept[KEEP - 1].serial), (11, KEEP as u64 + 10));
        assert_eq!(kept[0].why.detail, "10\\u{1b}[2J");
        book.push("p", None, "ready", &Why::new(Cause::Start, "x".repeat(MAX_DETAIL * 2)));
        assert!(book.events()[KEEP - 1].why.detail.len() <= MAX_DETAIL + '…'.len_utf8());
    }

    #[tokio::test]
    async fn a_follower_gets_each_event_once() {
        let book = EventBook::default();
        book.push(
            "p",
            None,
            "starting",
            &Why::asked(Verb::Register, Who::Operator(Caller { uid: 1, pid: 2 })),
        );
        let (kept, mut coming) = book.follow();
        book.push("p", None, "ready", &Why::asked(Verb::Register, Who::Boot));
        assert_eq!((kept.len(), kept[0].why.cause), (1, Cause::Operator(Verb::Register)));
        let event = coming.recv().await.unwrap();
        assert_eq!((event.serial, event.state, event.why.cause), (2, "ready", Cause::Boot));
    }
}
