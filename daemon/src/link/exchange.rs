//! A request of a client, from its head to the response's head.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use valor_wire::{Field, HeadError, RequestHead, SendError};

use super::body::{Body, Reader};
use super::pump::{Source, Writer};
use super::table::{Head, Origin, ResponseHead, Stream};
use super::{Failure, Link};
use crate::plugin::Permit;

/// Waits for the response head; dropping it cancels the request.
#[derive(Debug)]
pub struct Exchange {
    /// Taken when the body goes on with it.
    reader: Option<Reader>,
}

/// The plugin's answer.
#[derive(Debug)]
pub struct Reply {
    /// Of the answer.
    pub status: StatusCode,
    /// End-to-end fields, without content-length.
    pub headers: HeaderMap,
    /// The content-length that the plugin has declared.
    pub length: Option<u64>,
    /// See [`Body::declare`] for its length.
    pub body: Body,
}

/// What is known of a request's body when its head is sent.
#[derive(Debug, Clone)]
pub enum First {
    /// There is none.
    Nothing,
    /// All of it.
    Whole(Bytes),
    /// It goes on, after these bytes.
    Start(Bytes),
}

/// Why a request could not be sent; the plugin has not seen it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The link is over, or draining.
    #[error("the plugin process is gone")]
    Closed,
    /// More requests than the wire carries.
    #[error("too many exchanges with the plugin")]
    Busy,
    /// The head does not fit the wire.
    #[error(transparent)]
    Head(#[from] HeadError),
}

impl Link {
    /// Sends a request head and the first part of its body in one write. With more to come, the second result sends it.
    ///
    /// # Errors
    ///
    /// When the request cannot be sent; it may then be sent to another process.
    pub fn open<'a>(
        self: &Rc<Self>,
        method: &str,
        target: &str,
        fields: impl IntoIterator<Item = Field<'a>>,
        first: First,
        origin: Origin,
        permit: impl Into<Option<Permit<Rc<Self>>>>,
    ) -> Result<(Exchange, Option<Source>), OpenError> {
        let now = Instant::now();
        let deadline_ms = origin.deadline.map_or(0, |due| {
            u32::try_from(due.saturating_duration_since(now).as_millis()).unwrap_or(u32::MAX).max(1)
        });
        let head = RequestHead { method, target, deadline_ms, parent: None };
        let mut state = self.state.borrow_mut();
        if state.ended.is_some() || state.closing {
            return Err(OpenError::Closed);
        }
        let start = state.sent + state.conn.outbox().len() as u64;
        let id = match state.conn.open(&head, fields, matches!(first, First::Nothing)) {
            Ok(id) => id,
            Err(SendError::Head(error)) => return Err(error.into()),
            Err(_) => return Err(OpenError::Busy),
        };
        let mut stream = Stream::new(id, Head::Waiting, origin);
        stream.start = start;
        stream.read_due = stream.origin.deadline.map(|due| (due, Failure::Deadline));
        stream.permit = permit.into();
        stream.total_due = self.plugin.total_timeout().map(|limit| now + limit);
        let due = stream.due().map(|(at, _)| at);
        let rest = match first {
            First::Nothing => None,
            First::Whole(bytes) => {
                let capacity = state.conn.capacity(id);
                if bytes.len() <= capacity && state.conn.send_data(id, bytes.clone(), true).is_ok() {
                    None
                } else {
                    Some((bytes, true))
                }
            }
            First::Start(mut bytes) => {
                let part = bytes.split_to(bytes.len().min(state.conn.capacity(id)));
                // Within the capacity of a stream that was opened just now, so it cannot fail.
                let _sent = part.is_empty() || state.conn.send_data(id, part, false).is_ok();
                Some((bytes, false))
            }
        };
        stream.has_writer = rest.is_some();
        let key = state.table.insert(stream);
        state.arm(due);
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        let source =
            rest.map(|(bytes, last)| Source::new(Writer { link: Rc::clone(self), key, id }, bytes, last));
        let reader = Some(Reader { link: Rc::clone(self), key, id });
        Ok((Exchange { reader }, source))
    }
}

impl Future for Exchange {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(reader) = &self.reader else {
            return Poll::Pending;
        };
        let mut state = reader.link.state.borrow_mut();
        let Some(stream) = state.table.held(reader.key) else {
            return Poll::Ready(Err(Failure::Gone));
        };
        match std::mem::replace(&mut stream.head, Head::Taken) {
            // While the head is not out, a body that is known to fail is better answered with an error.
            Head::Ready(head) if stream.end || stream.failure.is_none() => {
                stream.read_due = None;
                let whole =
                    stream.end.then(|| stream.chunks.is_single().then(|| stream.chunks.pop())).flatten();
                let whole =
                    whole.unwrap_or_else(|| (stream.end && stream.chunks.is_empty()).then(Bytes::new));
                drop(state);
                Poll::Ready(self.reply(head, whole))
            }
            _ => {
                stream.head = Head::Waiting;
                if let Some(failure) = stream.failure {
                    return Poll::Ready(Err(failure));
                }
                match &mut stream.reader {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl Exchange {
    fn reply(&mut self, head: ResponseHead, whole: Option<Bytes>) -> Result<Reply, Failure> {
        let ResponseHead { status, headers, length } = head;
        let body = match whole {
            Some(bytes) => Body::whole(bytes),
            None => self.reader.take().map_or(Body::empty(), Body::parts),
        };
        Ok(Reply { status, headers, length, body })
    }
}
