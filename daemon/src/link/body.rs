//! A body that comes in over a link: of a plugin's response, or of a plugin's fetch.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use valor_wire::{ResetCode, StreamId};

use super::{Failure, Link, State};

/// A body that comes in over a link. Dropping it tells the plugin that the rest is not wanted.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    /// All of it, or nothing.
    Whole(Option<Bytes>),
    Parts(Parts),
}

#[derive(Debug)]
struct Parts {
    handle: Reader,
    /// What is left of the declared length.
    left: Option<u64>,
    done: bool,
}

/// The right and the duty to read a stream.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) link: Rc<Link>,
    pub(crate) key: usize,
    pub(crate) id: StreamId,
}

impl Body {
    /// Nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Whole(None))
    }

    /// All of it at once.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(Some(bytes).filter(|b| !b.is_empty())))
    }

    /// Holds the body to a content-length; not for the answers to HEAD and for 304, which have none of their own.
    ///
    /// # Errors
    ///
    /// When it is known already that the body is longer or shorter.
    pub fn declare(&mut self, length: u64) -> Result<(), Failure> {
        let fits = match &mut self.0 {
            Kind::Whole(bytes) => bytes.as_ref().map_or(0, |b| b.len() as u64) == length,
            Kind::Parts(parts) => parts.left.replace(length).is_none_or(|known| known == length),
        };
        if fits { Ok(()) } else { Err(Failure::Length) }
    }

    pub(crate) fn parts(handle: Reader) -> Self {
        let left = handle.begin();
        Self(Kind::Parts(Parts { handle, left, done: false }))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Kind::Parts(parts) => parts.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Parts(parts) => parts.done || parts.left.is_none_or(|n| n == 0) && parts.handle.at_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Kind::Parts(parts) => parts.left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl Parts {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let result = match self.handle.poll_chunk(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Some(chunk))) => match self.left {
                None => Ok(Some(chunk)),
                Some(left) => match left.checked_sub(chunk.len() as u64) {
                    Some(left) => {
                        self.left = Some(left);
                        Ok(Some(chunk))
                    }
                    None => Err(Failure::Length),
                },
            },
            Poll::Ready(Ok(None)) if self.left.is_some_and(|n| n > 0) => Err(Failure::Length),
            Poll::Ready(other) => other,
        };
        self.done = !matches!(result, Ok(Some(_)));
        Poll::Ready(result.map(|chunk| chunk.map(Frame::data)).transpose())
    }
}

impl Reader {
    /// From now on it is to be read; the length of what waits, when it is all.
    fn begin(&self) -> Option<u64> {
        let mut state = self.link.state.borrow_mut();
        let due = Instant::now() + self.link.options.sink_timeout;
        let stream = state.table.held(self.key)?;
        stream.sink_due = Some(due);
        let complete = stream.end.then(|| stream.chunks.total());
        state.arm(Some(due));
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        complete
    }

    fn at_end(&self) -> bool {
        self.link
            .state
            .borrow_mut()
            .table
            .held(self.key)
            .is_none_or(|s| s.end && s.chunks.is_empty() && s.failure.is_none())
    }

    /// All that was declared has come: waits for the END without a reader, so that the plugin can finish.
    fn linger(&self) {
        let mut state = self.link.state.borrow_mut();
        let Some(stream) = state.table.held(self.key) else {
            return;
        };
        if self.id.by_daemon() && !stream.end && stream.failure.is_none() {
            stream.lingers = true;
            let due = Instant::now() + self.link.plugin.idle_timeout();
            stream.read_due = Some((due, Failure::Idle));
            state.arm(Some(due));
        }
    }

    fn poll_chunk(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        let mut state = self.link.state.borrow_mut();
        let result = state.poll_chunk(self, cx);
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        result
    }
}

impl State {
    fn poll_chunk(&mut self, reader: &Reader, cx: &Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        let Some(stream) = self.table.held(reader.key) else {
            return Poll::Ready(Err(Failure::Gone));
        };
        if let Some(chunk) = stream.chunks.pop() {
            stream.read_due = None;
            let due = Instant::now() + reader.link.options.sink_timeout;
            stream.sink_due = Some(due);
            self.arm(Some(due));
            self.conn.consumed(reader.id, chunk.len());
            return Poll::Ready(Ok(Some(chunk)));
        }
        // What came before a failure was handed on; a body that is complete has none that matters.
        if stream.end {
            return Poll::Ready(Ok(None));
        }
        if let Some(failure) = stream.failure {
            return Poll::Ready(Err(failure));
        }
        stream.reader = Some(cx.waker().clone());
        let due = Instant::now() + reader.link.plugin.idle_timeout();
        stream.read_due = Some((due, Failure::Idle));
        stream.sink_due = None;
        self.arm(Some(due));
        Poll::Pending
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if self.left == Some(0) && !self.done {
            self.handle.linger();
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.link.state.borrow_mut();
        let Some(stream) = state.table.held(self.key) else {
            return;
        };
        stream.has_reader = false;
        stream.reader = None;
        stream.sink_due = None;
        stream.permit = None;
        stream.chunks.clear();
        if !stream.lingers {
            stream.read_due = None;
        }
        let unwanted = !stream.end && stream.failure.is_none() && !stream.lingers;
        let mut writer = None;
        if unwanted {
            if self.id.by_daemon() {
                stream.failure = Some(Failure::Reset(ResetCode::Cancel));
                stream.write_closed = true;
                writer = stream.writer.take();
                state.conn.reset(self.id, ResetCode::Cancel, "");
            } else {
                state.conn.stop(self.id);
            }
        }
        state.release(self.key);
        let nudge = state.nudge();
        drop(state);
        writer.into_iter().for_each(std::task::Waker::wake);
        nudge.wake();
    }
}
