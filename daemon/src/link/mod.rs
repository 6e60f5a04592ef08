//! One worker's connection to one plugin process: a socket, the exchanges on it, and one task that drives them.
//!
//! ```text
//! http::dispatch ── open() ─► Exchange ─► response head ─► Body          requests of clients
//!                └─ upload() ─► pump ─► DATA
//! plugin ── HEAD ─► fetch::serve ─► Fetcher (egress) ─► pump ─► DATA     fetches of the plugin
//! ```
//!
//! All of it lives on one thread. Senders only queue frames and wake the driver, which writes everything that was
//! queued in a tick with one call.

mod body;
mod clock;
mod driver;
mod exchange;
mod fetch;
mod head;
mod pump;
mod receive;
mod table;
#[cfg(test)]
pub(crate) mod testing;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::oneshot;
use valor_wire::{Connection, ResetCode, Role};

pub use body::Body;
pub use exchange::{Exchange, First, OpenError, Reply};
pub use fetch::{Caller, FetchError, FetchErrorKind, Fetcher};
pub(crate) use head::decode as decode_head;
pub use head::{BadHead, is_hop_by_hop, listed_in_connection};
pub use pump::Source;
pub use table::Origin;
use table::Table;

use crate::plugin::{Gate, Generation, Plugin};
use crate::sys::cgroup::Witness;

/// Bounds of a link.
#[derive(Debug, Clone)]
pub struct LinkOptions {
    /// Frames, heads, windows.
    pub wire: valor_wire::Limits,
    /// Fetches under way at once, for one link.
    pub max_fetches: usize,
    /// How long a ping may go unanswered after a request has passed its deadline.
    pub hung_grace: Duration,
    /// How long a part of a plugin's body may wait for its reader.
    pub sink_timeout: Duration,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            wire: valor_wire::Limits::default(),
            max_fetches: 256,
            hung_grace: Duration::from_secs(2),
            sink_timeout: Duration::from_secs(60),
        }
    }
}

/// A body of some sort, on one worker.
pub type BoxedBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError>>>;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One worker's connection to one plugin process.
pub struct Link {
    plugin: Arc<Plugin>,
    plugin_header: HeaderValue,
    generation: Generation,
    worker: usize,
    options: LinkOptions,
    fetcher: Rc<dyn Fetcher>,
    witness: Option<Arc<Witness>>,
    state: RefCell<State>,
}

/// What changes; borrowed only for the length of a call, never over an await or a wake.
pub(crate) struct State {
    conn: Connection,
    table: Table,
    /// Bytes that the socket has taken so far.
    sent: u64,
    /// The tasks of the link, unless they are woken already.
    driver: Option<Waker>,
    clock: Option<Waker>,
    ended: Option<Ended>,
    /// The process has said that it has work which outlives its requests.
    background: bool,
    /// Who waits until there is neither that nor an exchange.
    resting: Vec<oneshot::Sender<()>>,
    closing: bool,
    /// When the clock looks at the deadlines next.
    timer: Option<Instant>,
    /// The clock has not seen `timer` yet.
    rearm: bool,
    /// A ping is under way; unanswered then, the process is hung.
    suspect: Option<Instant>,
    first_pong: Option<oneshot::Sender<()>>,
    /// Somebody waits for the socket to take what is queued.
    congested: bool,
    fetches: usize,
}

/// Why a link is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The process is at fault.
    Failed(LinkFailureKind),
    /// The daemon has closed it.
    Closed,
}

/// What happened to a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFailureKind {
    /// The process has closed its end.
    #[error("the process closed its data socket")]
    Closed,
    /// The process has broken the protocol.
    #[error("the process broke the wire protocol: {0}")]
    Violation(#[from] valor_wire::Violation),
    /// A request is past its deadline and the process answers no ping.
    #[error("the process answers neither its requests nor pings")]
    Hung,
}

/// Why an exchange, or one of its bodies, ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The process has ended, or was closed for what it did.
    #[error("the plugin process ended before it had answered")]
    Gone,
    /// The same, before the socket had taken one byte of the request: another process may be asked.
    #[error("the plugin process ended before it was asked")]
    Unsent,
    /// The plugin has aborted the exchange.
    #[error("the plugin aborted the exchange ({0:?})")]
    Reset(ResetCode),
    /// No response head in time.
    #[error("the deadline has passed")]
    Deadline,
    /// The exchange took longer than the plugin's total timeout.
    #[error("the exchange took longer than it may in total")]
    Total,
    /// Nobody has read the plugin's body for too long.
    #[error("the plugin's body is not read")]
    Unread,
    /// No part of the plugin's body came in time, or it does not read ours.
    #[error("the plugin's side of the exchange has stalled")]
    Idle,
    /// The sender of the body that goes to the plugin has stalled.
    #[error("the request body has stalled")]
    SourceIdle,
    /// The sender of the body that goes to the plugin has failed.
    #[error("the request body ended early")]
    SourceFailed,
    /// The body that goes to the plugin is longer than allowed.
    #[error("the request body is too large")]
    TooLarge,
    /// The plugin's head is no valid HTTP.
    #[error("the plugin's response head is invalid: {0}")]
    BadHead(#[from] BadHead),
    /// The plugin's body is longer or shorter than it declared.
    #[error("the plugin's body does not have the length that was declared")]
    Length,
}

impl Link {
    pub(crate) fn new(
        plugin: Arc<Plugin>,
        generation: Generation,
        worker: usize,
        options: &LinkOptions,
        fetcher: Rc<dyn Fetcher>,
        witness: Option<Arc<Witness>>,
    ) -> Rc<Self> {
        let plugin_header = HeaderValue::from_str(&plugin.name).unwrap_or(HeaderValue::from_static("-"));
        Rc::new(Self {
            plugin,
            plugin_header,
            generation,
            worker,
            options: options.clone(),
            fetcher,
            witness,
            state: RefCell::new(State {
                conn: Connection::new(Role::Daemon, options.wire),
                table: Table::default(),
                sent: 0,
                driver: None,
                clock: None,
                ended: None,
                background: false,
                resting: Vec::new(),
                closing: false,
                timer: None,
                rearm: false,
                suspect: None,
                first_pong: None,
                congested: false,
                fetches: 0,
            }),
        })
    }

    /// Whose process it is.
    #[must_use]
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// The plugin's name as a header value.
    #[must_use]
    pub fn plugin_header(&self) -> HeaderValue {
        self.plugin_header.clone()
    }

    /// Which process.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The number of the worker that it belongs to.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Whether the kernel has killed the process for its memory.
    #[must_use]
    pub fn out_of_memory(&self) -> bool {
        self.witness.as_ref().is_some_and(|witness| witness.out_of_memory())
    }

    /// Exchanges that are not over.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.state.borrow().table.exchanges()
    }

    /// Whether requests may be opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let state = self.state.borrow();
        state.ended.is_none() && !state.closing
    }

    /// Asks for a sign of life; resolves when it came, fails when the link ends before.
    pub(crate) fn first_pong(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.borrow_mut();
        if state.ended.is_none() {
            state.conn.ping(1);
            state.first_pong = Some(sender);
        }
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        receiver
    }

    /// Takes no further requests; resolves when it is at rest.
    pub(crate) fn drain(&self) -> oneshot::Receiver<()> {
        self.state.borrow_mut().closing = true;
        self.rest()
    }

    /// Resolves when the requests in flight are over, and the work that outlives them, or the link is.
    pub(crate) fn rest(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.borrow_mut();
        if !state.at_rest() {
            state.resting.push(sender);
        }
        receiver
    }

    /// Whether that is so now.
    pub(crate) fn at_rest(&self) -> bool {
        self.state.borrow().at_rest()
    }

    /// Whether the process has work which outlives its requests.
    pub(crate) fn has_background(&self) -> bool {
        self.state.borrow().background
    }

    /// Ends the link: everything in flight fails with [`Failure::Gone`], or [`Failure::Unsent`]. The first reason stays.
    pub(crate) fn end(&self, reason: Ended) {
        let mut state = self.state.borrow_mut();
        if state.ended.is_some() {
            return;
        }
        state.ended = Some(reason);
        state.first_pong = None;
        state.resting.clear();
        let mut wakers = Vec::new();
        let sent = state.sent;
        state.table.fail_all(sent, &mut wakers);
        wakers.extend(state.driver.take());
        wakers.extend(state.clock.take());
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Why it is over, if it is.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.state.borrow().ended.clone()
    }
}

impl State {
    /// Who has something to do now; to be woken after the borrow.
    fn nudge(&mut self) -> Nudge {
        Nudge {
            driver: if self.conn.outbox().is_empty() { None } else { self.driver.take() },
            clock: if self.rearm { self.clock.take() } else { None },
        }
    }

    /// Sees to it that the clock looks at the deadlines at `due`.
    fn arm(&mut self, due: Option<Instant>) {
        if let Some(due) = due
            && self.timer.is_none_or(|timer| due < timer)
        {
            self.timer = Some(due);
            self.rearm = true;
        }
    }

    /// Frees a stream that nobody holds any more.
    fn release(&mut self, key: usize) {
        self.table.release(key);
        self.rest();
    }

    fn at_rest(&self) -> bool {
        self.ended.is_some() || self.table.exchanges() == 0 && !self.background
    }

    /// Tells who waits for it, if it is at rest.
    fn rest(&mut self) {
        if !self.resting.is_empty() && self.at_rest() {
            for done in self.resting.drain(..) {
                let _gone = done.send(());
            }
        }
    }
}

/// The tasks of a link that have something to do.
#[must_use]
struct Nudge {
    driver: Option<Waker>,
    clock: Option<Waker>,
}

impl Nudge {
    fn wake(self) {
        [self.driver, self.clock].into_iter().flatten().for_each(Waker::wake);
    }
}

impl AsRef<Gate> for Link {
    fn as_ref(&self) -> &Gate {
        &self.plugin.gate
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("plugin", &self.plugin.name)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
