//! One exchange: a request with its response, or a fetch. Who holds it keeps it open; the table only knows it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame};
use valor_abi::message::{FETCHES, Fields, INITIAL_WINDOW, MAX_DATA, MAX_EXCHANGES, reset};

use super::{head, outbox};
use crate::http::BoxError;
use crate::outgoing::{Outgoing, Written};

thread_local! {
    /// The request whose handler is being polled, or 0; a fetch names it, to inherit its deadline.
    static PARENT: Cell<u32> = const { Cell::new(0) };
    static OPEN: RefCell<HashMap<u32, Weak<Exchange>>> = RefCell::new(HashMap::new());
    static LAST_FETCH: Cell<u32> = const { Cell::new(u32::MAX) };
}

pub(super) fn parent() -> u32 {
    PARENT.get()
}

pub(super) struct Exchange {
    pub(super) id: u32,
    // It is used on one thread; the lock makes bodies `Send`, as the ecosystem wants them.
    state: Mutex<State>,
    /// Waits for a part of the peer's body.
    reader: AtomicWaker,
    /// Waits for everything else.
    task: AtomicWaker,
}

struct State {
    /// What has come of the peer's body, and whether that is all.
    parts: VecDeque<Bytes>,
    ended: bool,
    /// Consumed, and not given back as credit yet.
    owed: u32,
    /// What our body may still spend.
    credit: u32,
    /// A fetch: the response head, and whether there is no body.
    response: Option<(http::Response<()>, bool)>,
    /// Nothing of it is sent any more.
    over: bool,
    /// Why it ended before its end.
    failure: Option<String>,
}

/// A request that has come.
pub(super) fn request(id: u32, end: bool) -> Arc<Exchange> {
    open(id, end)
}

/// A number for a fetch, unless there are too many.
pub(super) fn fetch() -> Option<Arc<Exchange>> {
    let id = OPEN.with_borrow(|open| {
        if open.keys().filter(|id| **id >= FETCHES).count() >= MAX_EXCHANGES {
            return None;
        }
        let after = |id: u32| if id == u32::MAX { FETCHES } else { id + 1 };
        let mut id = after(LAST_FETCH.get());
        while open.contains_key(&id) {
            id = after(id);
        }
        Some(id)
    })?;
    LAST_FETCH.set(id);
    Some(open(id, false))
}

fn open(id: u32, ended: bool) -> Arc<Exchange> {
    let state = State {
        parts: VecDeque::new(),
        ended,
        owed: 0,
        credit: INITIAL_WINDOW,
        response: None,
        over: false,
        failure: None,
    };
    let exchange = Arc::new(Exchange {
        id,
        state: Mutex::new(state),
        reader: AtomicWaker::new(),
        task: AtomicWaker::new(),
    });
    OPEN.with_borrow_mut(|open| open.insert(id, Arc::downgrade(&exchange)));
    exchange
}

/// Calls `with` with the exchange, if it is still open.
pub(super) fn with(id: u32, with: impl FnOnce(&Exchange)) {
    if let Some(exchange) = OPEN.with_borrow(|open| open.get(&id).and_then(Weak::upgrade)) {
        with(&exchange);
    }
}

impl Exchange {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// A fetch's response head.
    pub(super) fn take_response(&self) -> Option<(http::Response<()>, bool)> {
        self.state().response.take()
    }

    /// Nothing follows from either side.
    pub(super) fn answered(&self) {
        self.close(None, None);
    }

    /// The last of our body was sent: an answer is complete with it, a fetch is not.
    fn sent(&self) {
        if self.id < FETCHES {
            self.answered();
        }
    }

    /// Writes as much of `part` as the window takes, and the end with the last of it; what is left comes back.
    fn fill(&self, mut part: Bytes, end: bool) -> Option<Bytes> {
        loop {
            let room = {
                let mut state = self.state();
                if state.over {
                    return None;
                }
                let room = part.len().min(state.credit as usize).min(MAX_DATA);
                state.credit -= u32::try_from(room).unwrap_or_default();
                room
            };
            if room == 0 && !part.is_empty() {
                return Some(part);
            }
            let now = part.split_to(room);
            let last = end && part.is_empty();
            if !now.is_empty() || last {
                let written = outbox::with(|out| out.data(self.id, &now, last));
                debug_assert!(written.is_ok(), "bounded above");
            }
            if part.is_empty() {
                return None;
            }
        }
    }

    pub(super) fn on_response(&self, status: u16, fields: Fields<'_>, end: bool) {
        match head::response(status, fields) {
            Ok(response) => {
                let mut state = self.state();
                state.response = Some((response, end));
                state.ended = end;
                drop(state);
                if end {
                    self.close(None, None);
                }
            }
            Err(error) => self.fail(&format!("the response head cannot be read: {error}")),
        }
        self.task.wake();
    }

    pub(super) fn on_data(&self, part: Bytes, end: bool) {
        let mut state = self.state();
        if !part.is_empty() {
            state.parts.push_back(part);
        }
        state.ended |= end;
        drop(state);
        if end && self.id >= FETCHES {
            self.close(None, None);
            self.task.wake();
        }
        self.reader.wake();
    }

    pub(super) fn on_reset(&self, reason: &str) {
        let reason = if reason.is_empty() { "cancelled" } else { reason };
        self.close(None, Some(reason.to_owned()));
        self.reader.wake();
        self.task.wake();
    }

    pub(super) fn on_window(&self, credit: u32) {
        let mut state = self.state();
        state.credit = state.credit.saturating_add(credit);
        drop(state);
        self.task.wake();
    }

    /// Ends it, once, with a RESET if there is one to send.
    fn close(&self, with: Option<(u8, &str)>, failure: Option<String>) {
        let mut state = self.state();
        if std::mem::replace(&mut state.over, true) {
            return;
        }
        state.failure = failure;
        drop(state);
        OPEN.with_borrow_mut(|open| open.remove(&self.id));
        if let Some((code, reason)) = with {
            outbox::with(|out| out.reset(self.id, code, reason));
        }
    }

    fn read(&self) -> Poll<Option<Result<Bytes, BoxError>>> {
        let mut state = self.state();
        if let Some(part) = state.parts.pop_front() {
            state.owed += u32::try_from(part.len()).unwrap_or_default();
            // In halves: one frame for many parts, and the peer never stands still.
            if state.owed >= INITIAL_WINDOW / 2 && !state.ended && !state.over {
                let owed = std::mem::take(&mut state.owed);
                outbox::with(|out| out.window(self.id, owed));
            }
            return Poll::Ready(Some(Ok(part)));
        }
        match &state.failure {
            _ if state.ended => Poll::Ready(None),
            Some(reason) => Poll::Ready(Some(Err(reason.clone().into()))),
            None if state.over => Poll::Ready(Some(Err("the request is answered already".into()))),
            None => Poll::Pending,
        }
    }
}

impl Outgoing for Exchange {
    fn enter<T>(&self, poll: impl FnOnce() -> T) -> T {
        // A panic ends the instance, so nothing has to be put back after one.
        let before = PARENT.replace(if self.id < FETCHES { self.id } else { PARENT.get() });
        let polled = poll();
        PARENT.set(before);
        polled
    }

    fn wait(self: &Arc<Self>, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }

    fn is_over(&self) -> bool {
        self.state().over
    }

    fn write(&self, part: Bytes, end: bool) -> Written {
        if self.is_over() {
            return Written::Over;
        }
        if let Some(left) = self.fill(part, end) {
            return Written::Full(left);
        }
        if end {
            self.sent();
        }
        Written::All
    }

    fn fail(&self, reason: &str) {
        self.close(Some((reset::FAILED, reason)), Some(reason.to_owned()));
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let code = if self.id < FETCHES { reset::NO_ANSWER } else { reset::CANCEL };
        self.close(Some((code, "")), None);
    }
}

/// The peer's body.
pub(super) struct Incoming(pub(super) Arc<Exchange>);

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = self.0.read();
        if next.is_pending() {
            self.0.reader.register(cx.waker());
        }
        next.map(|part| part.map(|part| part.map(Frame::data)))
    }
}
