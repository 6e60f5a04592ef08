//! One exchange: a request with its response, or a fetch. It may be used and dropped on any thread.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::ready;
use futures_util::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame};
use valor_abi::{
    VALOR_END, VALOR_EVENT_CANCELLED, VALOR_EVENT_READABLE, VALOR_FLAG_END, VALOR_OK, VALOR_PENDING,
    VALOR_RESET_FAILED, valor_exchange,
};

use super::bytes::{Given, NOTHING, borrow, lend_str, take};
use super::host::Host;
use crate::http::BoxError;
use crate::outgoing::{Outgoing, Written};

pub(super) struct Exchange {
    pub(super) host: Host,
    /// Null before a fetch was started.
    raw: AtomicPtr<valor_exchange>,
    /// The shim was given a pointer to this, so events come.
    attached: AtomicBool,
    cancelled: AtomicBool,
    /// Waits for a part of the peer's body.
    reader: AtomicWaker,
    /// Waits for everything else.
    task: AtomicWaker,
}

thread_local! {
    /// The request whose handler is being polled; a fetch names it, to inherit its deadline.
    static PARENT: Cell<*mut valor_exchange> = const { Cell::new(null_mut()) };
}

pub(super) fn parent() -> *mut valor_exchange {
    PARENT.get()
}

impl Exchange {
    /// A request that was handed to us.
    pub(super) fn new(host: Host, raw: *mut valor_exchange) -> Arc<Self> {
        Arc::new(Self {
            host,
            raw: AtomicPtr::new(raw),
            attached: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            task: AtomicWaker::new(),
        })
    }

    pub(super) fn raw(&self) -> *mut valor_exchange {
        self.raw.load(Ordering::Acquire)
    }

    /// Starts a fetch: `start` is given the pointer for the events and returns the exchange, if there is one.
    pub(super) fn start<E>(
        self: &Arc<Self>,
        start: impl FnOnce(*mut c_void) -> Result<*mut valor_exchange, E>,
    ) -> Result<(), E> {
        self.attached.store(true, Ordering::Relaxed);
        let user = Weak::into_raw(Arc::downgrade(self));
        match start(user.cast_mut().cast()) {
            Ok(raw) => {
                self.raw.store(raw, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                // SAFETY: the pointer is from above, and the shim has not kept it.
                drop(unsafe { Weak::from_raw(user) });
                Err(error)
            }
        }
    }

    /// Asks for events, once.
    pub(super) fn attach(self: &Arc<Self>) {
        if self.attached.swap(true, Ordering::Relaxed) {
            return;
        }
        let user = Weak::into_raw(Arc::downgrade(self));
        // SAFETY: the exchange is ours; `on_release` takes the pointer back.
        let code = unsafe { (self.host.0.set_user)(self.raw(), user.cast_mut().cast()) };
        if code != VALOR_OK {
            self.cancelled.store(true, Ordering::Release);
            // SAFETY: the pointer is from above; on a failure the shim has not kept it.
            drop(unsafe { Weak::from_raw(user) });
        }
    }

    /// Why it was cancelled.
    pub(super) fn failure(&self) -> String {
        // SAFETY: the exchange is ours.
        let text = unsafe { (self.host.0.failure)(self.raw()) };
        // SAFETY: valid until the release, which is not now.
        String::from_utf8_lossy(unsafe { borrow(text) }).into_owned()
    }

    fn read(&self) -> Poll<Option<Result<Bytes, BoxError>>> {
        let mut part = NOTHING;
        // SAFETY: the exchange is ours.
        let code = unsafe { (self.host.0.read)(self.raw(), &mut part) };
        match code {
            // SAFETY: with this code the part is ours.
            VALOR_OK => Poll::Ready(Some(Ok(unsafe { take(part) }))),
            VALOR_PENDING => Poll::Pending,
            VALOR_END => Poll::Ready(None),
            _ => {
                let reason = self.failure();
                let reason = if reason.is_empty() { "cancelled".to_owned() } else { reason };
                Poll::Ready(Some(Err(reason.into())))
            }
        }
    }
}

impl Outgoing for Exchange {
    fn enter<T>(&self, poll: impl FnOnce() -> T) -> T {
        struct Leave(*mut valor_exchange);
        impl Drop for Leave {
            fn drop(&mut self) {
                PARENT.set(self.0);
            }
        }
        let _leave = Leave(PARENT.replace(self.raw()));
        poll()
    }

    fn wait(self: &Arc<Self>, cx: &Context<'_>) {
        self.task.register(cx.waker());
        self.attach();
    }

    fn is_over(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn write(&self, part: Bytes, end: bool) -> Written {
        let flags = if end { VALOR_FLAG_END } else { 0 };
        let (code, left) = if part.is_empty() {
            // SAFETY: the exchange is ours.
            (unsafe { (self.host.0.write)(self.raw(), NOTHING, flags) }, Some(part))
        } else {
            Given::new(part).give(|raw| {
                // SAFETY: the exchange is ours, and the bytes are taken exactly when the codes say so.
                let code = unsafe { (self.host.0.write)(self.raw(), raw, flags) };
                (code, code == VALOR_OK || code == valor_abi::VALOR_CANCELLED)
            })
        };
        match code {
            VALOR_OK => Written::All,
            VALOR_PENDING => Written::Full(left.unwrap_or_default()),
            _ => Written::Over,
        }
    }

    fn fail(&self, reason: &str) {
        // SAFETY: the exchange is ours.
        unsafe { (self.host.0.reset)(self.raw(), VALOR_RESET_FAILED, lend_str(reason)) }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let raw = *self.raw.get_mut();
        if !raw.is_null() {
            // SAFETY: the last owner releases it, once.
            unsafe { (self.host.0.release)(raw) };
        }
    }
}

pub(super) unsafe extern "C" fn on_event(user: *mut c_void, events: u32) {
    // SAFETY: `user` is a `Weak` that `attach` or `start` has given, and `on_release` was not called for it.
    let weak = ManuallyDrop::new(unsafe { Weak::from_raw(user.cast_const().cast::<Exchange>()) });
    let Some(exchange) = weak.upgrade() else { return };
    let cancelled = events & VALOR_EVENT_CANCELLED != 0;
    if cancelled {
        exchange.cancelled.store(true, Ordering::Release);
    }
    if cancelled || events & VALOR_EVENT_READABLE != 0 {
        exchange.reader.wake();
    }
    if cancelled || events & !VALOR_EVENT_READABLE != 0 {
        exchange.task.wake();
    }
}

pub(super) unsafe extern "C" fn on_release(user: *mut c_void) {
    // SAFETY: as above, and this is the last time.
    drop(unsafe { Weak::from_raw(user.cast_const().cast::<Exchange>()) });
}

/// The peer's body.
pub(super) struct Incoming {
    exchange: Arc<Exchange>,
    /// Looked for behind the last part: whoever passes a body on can say with the last part that it is the last.
    ahead: Option<Bytes>,
    ended: bool,
}

impl Incoming {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange, ahead: None, ended: false }
    }

    fn poll_part(&self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let exchange = &self.exchange;
        let mut next = exchange.read();
        if next.is_pending() {
            exchange.reader.register(cx.waker());
            exchange.attach();
            // What came between the first look and the waker would not wake.
            next = exchange.read();
        }
        next
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let part = match self.ahead.take() {
            Some(part) => part,
            None if self.ended => return Poll::Ready(None),
            None => match ready!(self.poll_part(cx)) {
                Some(Ok(part)) => part,
                other => return Poll::Ready(other.map(|part| part.map(Frame::data))),
            },
        };
        match self.exchange.read() {
            Poll::Ready(None) => self.ended = true,
            Poll::Ready(Some(Ok(next))) => self.ahead = Some(next),
            // Comes again.
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.ahead.is_none()
    }
}
