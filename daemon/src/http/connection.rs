//! A client's connection: what it is doing, and how long it has been waiting.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::HttpOptions;
use super::scan::{Bad, Refused};

/// What is known of a client's connection, beside hyper's own.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The client's address, as text.
    pub(crate) ip: String,
    /// Its `x-forwarded-*` are believed.
    pub(crate) trusted: bool,
    /// Header fields of a request.
    pub(crate) max_headers: usize,
    /// Requests that hyper has handed on.
    requests: Cell<u64>,
    /// Requests that are answered, or given up.
    answered: Cell<u64>,
    /// A request waits for that.
    waits: Cell<bool>,
    /// What was refused of what was read.
    refused: Cell<Option<Refused>>,
    /// Requests that are not answered completely.
    in_flight: Cell<u32>,
    /// Of these, those whose response the client does not take.
    untaken: Cell<u32>,
    in_head: Cell<bool>,
    /// The head in work is not waited for any longer.
    head_is_due: Cell<bool>,
    /// More was sent than what is answered.
    lingers: Cell<bool>,
    /// The last answer is given, and what the client still sends is thrown away.
    lingering: Cell<bool>,
    blocked: Cell<bool>,
    /// Ticks since the state above has changed.
    ticks: Cell<u32>,
    expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A request that is worked on; counted until its response is out.
#[derive(Debug)]
pub(crate) struct Busy {
    connection: Rc<Connection>,
    /// The client could have more of the response and does not take it.
    untaken: bool,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr, options: &HttpOptions) -> Rc<Self> {
        let ip = peer.ip().to_canonical();
        Rc::new(Self {
            ip: ip.to_string(),
            trusted: options.trusted_proxies.iter().any(|net| net.contains(&ip)),
            max_headers: options.max_headers,
            requests: Cell::new(0),
            answered: Cell::new(0),
            waits: Cell::new(false),
            refused: Cell::new(None),
            in_flight: Cell::new(0),
            untaken: Cell::new(0),
            in_head: Cell::new(false),
            head_is_due: Cell::new(false),
            lingers: Cell::new(false),
            lingering: Cell::new(false),
            blocked: Cell::new(false),
            ticks: Cell::new(0),
            expired: Cell::new(false),
            waker: RefCell::new(None),
        })
    }

    /// Notes a request; `Err` when its head must be refused.
    pub(crate) fn begin(self: &Rc<Self>) -> Result<Busy, Bad> {
        let number = self.requests.get() + 1;
        self.requests.set(number);
        if let Some(refused) =
            self.refused.get().filter(|refused| refused.request == number && !refused.in_body)
        {
            return Err(refused.bad);
        }
        self.in_flight.set(self.in_flight.get() + 1);
        Ok(Busy { connection: Rc::clone(self), untaken: false })
    }

    /// What is wrong with the body of the request in work.
    pub(crate) fn broken_body(&self) -> Option<Bad> {
        self.refused.get().filter(|refused| refused.in_body).map(|refused| refused.bad)
    }

    /// Before the connection is closed, the client gets time to read its answer: closing while it sends would reset
    /// the connection, and the answer would be lost.
    pub(crate) fn linger(&self) {
        self.lingers.set(true);
    }

    /// A unit of time has passed; when the client was waited for too long, its connection ends.
    pub(crate) fn tick(&self, limits: &Ticks) {
        let in_flight = self.in_flight.get();
        let limit = if self.lingering.get() {
            limits.linger
        } else if self.blocked.get() || (in_flight > 0 && self.untaken.get() == in_flight) {
            limits.write
        } else if in_flight > 0 {
            // The plugin's deadlines hold.
            return;
        } else if self.in_head.get() {
            limits.header
        } else {
            limits.idle
        };
        let ticks = self.ticks.get() + 1;
        self.ticks.set(ticks);
        if ticks > limit {
            // A client that is slow with its head is told; should it not take the answer, the next limit holds.
            let head_is_due = self.in_head.get() && !self.head_is_due.replace(true);
            self.expired.set(!head_is_due);
            self.wake();
        }
    }

    pub(crate) fn expired(&self) -> bool {
        self.expired.get()
    }

    /// Has the connection's task look at what it was told.
    pub(crate) fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Whom [`wake`](Self::wake) wakes.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Something has come from the client.
    pub(crate) fn has_spoken(&self) -> bool {
        self.in_head.get() || self.requests.get() > 0
    }

    /// Something was read: whether a head is in work, whether a request waits for its turn, and what was refused.
    pub(super) fn read(&self, in_head: bool, waits: bool, refused: Option<Refused>) {
        self.waits.set(waits);
        self.changes(&self.in_head, in_head);
        self.head_is_due.set(in_head && self.head_is_due.get());
        self.refused.set(refused);
    }

    /// How many requests are answered.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Whether the head in work took too long.
    pub(super) fn head_is_due(&self) -> bool {
        self.head_is_due.get()
    }

    /// Whether something could be written.
    pub(super) fn wrote(&self, blocked: bool) {
        self.changes(&self.blocked, blocked);
    }

    /// All is written; whether the client gets time to read it.
    pub(super) fn lingers(&self) -> bool {
        self.changes(&self.lingering, self.lingers.get());
        self.lingers.get()
    }

    fn changes(&self, cell: &Cell<bool>, to: bool) {
        if cell.replace(to) != to {
            self.ticks.set(0);
        }
    }
}

impl Busy {
    /// The response is handed to hyper.
    pub(crate) fn answered(&mut self) {
        self.untaken(true);
    }

    /// hyper has asked for more of the response, which it does when the client takes it. `waits`: there was none.
    pub(crate) fn asked(&mut self, waits: bool) {
        self.connection.ticks.set(0);
        self.untaken(!waits);
    }

    fn untaken(&mut self, untaken: bool) {
        let count = &self.connection.untaken;
        match (std::mem::replace(&mut self.untaken, untaken), untaken) {
            (false, true) => count.set(count.get() + 1),
            (true, false) => count.set(count.get().saturating_sub(1)),
            _ => {}
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.untaken(false);
        self.connection.in_flight.set(self.connection.in_flight.get().saturating_sub(1));
        self.connection.ticks.set(0);
        self.connection.answered.set(self.connection.answered.get() + 1);
        if self.connection.waits.get() {
            self.connection.wake();
        }
    }
}

/// The limits of [`HttpOptions`] in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    header: u32,
    idle: u32,
    write: u32,
    linger: u32,
}

/// For a client to read its last answer, when more was refused.
const LINGER: Duration = Duration::from_secs(2);

impl Ticks {
    pub(crate) fn new(options: &HttpOptions, tick: Duration) -> Self {
        let ticks = |time: Duration| {
            u32::try_from(time.as_millis().div_ceil(tick.as_millis().max(1))).unwrap_or(u32::MAX)
        };
        Self {
            header: ticks(options.header_timeout),
            idle: ticks(options.idle_timeout),
            write: ticks(options.write_timeout),
            linger: ticks(LINGER),
        }
    }
}
