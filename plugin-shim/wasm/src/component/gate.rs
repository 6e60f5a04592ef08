//! An exchange, and who waits for what of it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use valor_shim_core::serve::{
    self, EVENT_CANCELLED, EVENT_READABLE, EVENT_RESPONSE, EVENT_WRITABLE, Exchange, Received, Refused,
    ResponseHead,
};
use wasmtime_wasi_http::{Error, WasiBody};

/// What can be waited for, as an index.
#[derive(Debug, Clone, Copy)]
enum Wait {
    Response,
    Readable,
    Writable,
    Cancelled,
}

/// One exchange of this worker's.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) exchange: Exchange,
    wakers: Mutex<[Option<Waker>; 4]>,
}

/// All that are open on a worker, by the number that events have.
#[derive(Debug)]
pub(super) struct Gates {
    pub(super) core: Arc<serve::Worker>,
    open: Mutex<HashMap<usize, Weak<Gate>>>,
    next: AtomicUsize,
}

impl Gates {
    pub(super) fn new(core: Arc<serve::Worker>) -> Arc<Self> {
        Arc::new(Self { core, open: Mutex::default(), next: AtomicUsize::new(1) })
    }

    /// A number that no exchange has had.
    pub(super) fn number(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn add(&self, number: usize, exchange: Exchange) -> Arc<Gate> {
        let gate = Arc::new(Gate { exchange, wakers: Mutex::default() });
        self.lock().insert(number, Arc::downgrade(&gate));
        gate
    }

    pub(super) fn remove(&self, number: usize) {
        self.lock().remove(&number);
    }

    /// Something has happened to it.
    pub(super) fn event(&self, number: usize, events: u32) {
        if let Some(gate) = self.lock().get(&number).and_then(Weak::upgrade) {
            gate.event(events);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Weak<Gate>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn event(&self, events: u32) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        let bits = [EVENT_RESPONSE, EVENT_READABLE, EVENT_WRITABLE, EVENT_CANCELLED];
        for (waker, bit) in wakers.iter_mut().zip(bits) {
            if events & (bit | EVENT_CANCELLED) != 0
                && let Some(waker) = waker.take()
            {
                waker.wake();
            }
        }
    }

    fn wait(&self, what: Wait, cx: &Context<'_>) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers[what as usize] = Some(cx.waker().clone());
    }

    /// The next part of the peer's body.
    pub(super) fn poll_read(&self, cx: &Context<'_>) -> Poll<Result<Received, Refused>> {
        // First, so that no event is lost.
        self.wait(Wait::Readable, cx);
        match self.exchange.read() {
            Err(Refused::Pending) => Poll::Pending,
            read => Poll::Ready(read),
        }
    }

    /// Waits until valord does not want it any more.
    pub(super) async fn cancelled(&self) {
        poll_fn(|cx| {
            self.wait(Wait::Cancelled, cx);
            if self.exchange.failure().is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// The response head of a fetch.
    pub(super) async fn response(&self) -> Result<Arc<ResponseHead>, Refused> {
        poll_fn(|cx| {
            self.wait(Wait::Response, cx);
            match self.exchange.response() {
                Err(Refused::Pending) => Poll::Pending,
                response => Poll::Ready(response),
            }
        })
        .await
    }

    async fn write(&self, part: Bytes) -> Result<(), Refused> {
        let mut part = Some(part);
        poll_fn(|cx| {
            self.wait(Wait::Writable, cx);
            match self.exchange.write(&mut part, false) {
                Err(Refused::Pending) => Poll::Pending,
                written => Poll::Ready(written),
            }
        })
        .await
    }

    /// Sends all of a body; the error is what has gone wrong with it, or `None` when nobody wants it.
    pub(super) async fn send(&self, body: &mut WasiBody) -> Result<(), Option<Error>> {
        while let Some(frame) = body.frame().await {
            // The wire has no trailers.
            let Ok(part) = frame.map_err(Some)?.into_data() else { continue };
            if !part.is_empty() {
                self.write(part).await.map_err(|_| None)?;
            }
        }
        self.exchange.write(&mut None::<Bytes>, true).map_err(|_| None)
    }
}
