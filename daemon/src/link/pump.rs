//! Sends a body over a link: a client's request, or the response to a plugin's fetch.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::poll_fn;
use http_body::{Body, Frame};
use valor_wire::{Field, ResetCode, StreamId};

use super::{Failure, Link};

/// The rest of a body that goes to the plugin.
#[derive(Debug)]
pub struct Source {
    writer: Writer,
    /// To be sent first.
    pending: Bytes,
    /// Nothing comes after `pending`.
    last: bool,
}

/// The right and the duty to end one direction of a stream.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) link: Rc<Link>,
    pub(crate) key: usize,
    pub(crate) id: StreamId,
}

/// Why no more is sent.
pub(crate) enum Over {
    /// The peer wants nothing more, or the stream is over.
    Closed,
    /// The stream must be ended for this.
    Failed(Failure),
}

impl Source {
    pub(crate) fn new(writer: Writer, pending: Bytes, last: bool) -> Self {
        Self { writer, pending, last }
    }

    /// Sends the rest of `body`, at most `limit` bytes more, as fast as the plugin reads.
    pub async fn run<B: Body<Data = Bytes>>(mut self, body: Option<B>, limit: u64) {
        let result = match body.filter(|_| !self.last) {
            Some(body) => self.copy(pin!(body), limit).await,
            None => self.flush(true).await,
        };
        if let Err(Over::Failed(failure)) = result {
            self.writer.abort(failure);
        }
    }

    async fn copy<B: Body<Data = Bytes>>(
        &mut self,
        mut body: Pin<&mut B>,
        mut limit: u64,
    ) -> Result<(), Over> {
        loop {
            self.flush(false).await?;
            let Some(frame) = poll_fn(|cx| self.writer.poll_source(cx, body.as_mut())).await? else {
                return self.flush(true).await;
            };
            // Trailers have no place on the wire.
            let Ok(data) = frame.into_data() else { continue };
            limit = limit.checked_sub(data.len() as u64).ok_or(Over::Failed(Failure::TooLarge))?;
            self.pending = data;
            if body.is_end_stream() {
                return self.flush(true).await;
            }
        }
    }

    /// Sends what is pending, and then, for the last part, END.
    async fn flush(&mut self, end: bool) -> Result<(), Over> {
        while !self.pending.is_empty() {
            let room = poll_fn(|cx| self.writer.poll_room(cx)).await?;
            let part = self.pending.split_to(self.pending.len().min(room));
            let last = end && self.pending.is_empty();
            self.writer.send(part, last)?;
            if last {
                return Ok(());
            }
        }
        if end { self.writer.send(Bytes::new(), true) } else { Ok(()) }
    }
}

impl Writer {
    /// How much may be sent.
    fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<usize, Over>> {
        let mut state = self.link.state.borrow_mut();
        let room = state.conn.capacity(self.id);
        let congested = state.conn.outbox().len() >= state.conn.limits().max_queued;
        let Some(stream) = state.table.held(self.key).filter(|s| !s.write_closed) else {
            return Poll::Ready(Err(Over::Closed));
        };
        if room > 0 {
            stream.write_due = None;
            return Poll::Ready(Ok(room));
        }
        let due = Instant::now() + self.link.plugin.idle_timeout();
        stream.writer = Some(cx.waker().clone());
        stream.write_due = Some((due, Failure::Idle));
        state.congested |= congested;
        state.arm(Some(due));
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        Poll::Pending
    }

    /// The next frame of the body, unless nobody wants it any more.
    fn poll_source<B: Body<Data = Bytes>>(
        &self,
        cx: &mut Context<'_>,
        body: Pin<&mut B>,
    ) -> Poll<Result<Option<Frame<Bytes>>, Over>> {
        let polled = body.poll_frame(cx);
        let mut state = self.link.state.borrow_mut();
        let Some(stream) = state.table.held(self.key).filter(|s| !s.write_closed) else {
            return Poll::Ready(Err(Over::Closed));
        };
        match polled {
            Poll::Ready(frame) => {
                stream.write_due = None;
                Poll::Ready(frame.transpose().map_err(|_| Over::Failed(Failure::SourceFailed)))
            }
            Poll::Pending => {
                let due = Instant::now() + self.link.plugin.idle_timeout();
                stream.writer = Some(cx.waker().clone());
                stream.write_due = Some((due, Failure::SourceIdle));
                state.arm(Some(due));
                let nudge = state.nudge();
                drop(state);
                nudge.wake();
                Poll::Pending
            }
        }
    }

    fn send(&self, part: Bytes, end: bool) -> Result<(), Over> {
        let mut state = self.link.state.borrow_mut();
        let sent = state.conn.send_data(self.id, part, end);
        if end && let Some(stream) = state.table.held(self.key) {
            stream.write_closed = true;
        }
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        sent.map_err(|_| Over::Closed)
    }

    /// Resolves when nobody wants anything from this writer any more.
    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.link.state.borrow_mut();
        match state.table.held(self.key).filter(|s| !s.write_closed) {
            Some(stream) => {
                stream.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }

    /// Answers a fetch; `end`: without a body.
    pub(crate) fn respond<'a>(
        &self,
        status: u16,
        fields: impl IntoIterator<Item = Field<'a>>,
        end: bool,
    ) -> Result<(), String> {
        let mut state = self.link.state.borrow_mut();
        let sent = state.conn.respond(self.id, status, fields, end);
        if end
            && sent.is_ok()
            && let Some(stream) = state.table.held(self.key)
        {
            stream.write_closed = true;
        }
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        sent.map_err(|error| format!("the response cannot be handed on: {error}"))
    }

    /// Turns a fetch down.
    pub(crate) fn refuse(&self, code: ResetCode, reason: &str) {
        self.end(Failure::Reset(code), code, reason);
    }

    /// Ends the whole stream; the reader of the response learns why.
    fn abort(&self, failure: Failure) {
        let code = if self.id.by_daemon() { ResetCode::Cancel } else { ResetCode::Internal };
        self.end(failure, code, "");
    }

    fn end(&self, failure: Failure, code: ResetCode, reason: &str) {
        let mut state = self.link.state.borrow_mut();
        let mut wakers = Vec::new();
        if let Some(stream) = state.table.held(self.key) {
            stream.fail(failure, &mut wakers);
        }
        state.conn.reset(self.id, code, reason);
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.link.state.borrow_mut();
        let Some(stream) = state.table.held(self.key) else {
            return;
        };
        stream.has_writer = false;
        stream.writer = None;
        stream.write_due = None;
        let unfinished = !stream.write_closed;
        let mut wakers = Vec::new();
        if unfinished {
            stream.fail(Failure::SourceFailed, &mut wakers);
            state.conn.reset(self.id, ResetCode::Cancel, "");
        }
        state.release(self.key);
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}
