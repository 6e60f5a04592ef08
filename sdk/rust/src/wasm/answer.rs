//! A response on its way out: head and first part at once, the rest as the window allows.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::Body as _;

use super::exchange::Exchange;
use super::{head, outbox};
use crate::http::{Body, Kind, Response};

/// Answers a request. What is left to be sent is returned.
pub(super) fn answer(exchange: &Arc<Exchange>, response: Response) -> Option<Upload> {
    let (parts, mut body) = http::Response::from(response).into_parts();
    let (first, end) = match first_part(exchange, &mut body) {
        Ok(first) => first,
        Err(reason) => {
            exchange.fail(&reason);
            return None;
        }
    };
    if exchange.is_over() {
        return None;
    }
    let only = end && first.is_empty();
    let written = outbox::with(|out| {
        out.response(exchange.id, parts.status.as_u16(), head::fields(&parts.headers), only)
    });
    if let Err(error) = written {
        exchange.fail(&format!("the handler's response cannot be sent (status {}): {error}", parts.status));
        return None;
    }
    if only {
        exchange.answered();
        return None;
    }
    let mut upload = Upload::new(exchange.clone(), body);
    upload.held = (!first.is_empty()).then_some((first, end));
    let mut cx = Context::from_waker(Waker::noop());
    // What fits goes with the head; a task polls the rest, and registers the waker that this has not.
    Pin::new(&mut upload).poll(&mut cx).is_pending().then_some(upload)
}

/// What of the body is there at once, and whether that is all of it.
fn first_part(exchange: &Exchange, body: &mut Body) -> Result<(Bytes, bool), String> {
    if let Kind::Full(bytes) = &mut body.0 {
        return Ok((std::mem::take(bytes), true));
    }
    let mut cx = Context::from_waker(Waker::noop());
    match exchange.enter(|| Pin::new(&mut *body).poll_frame(&mut cx)) {
        Poll::Pending => Ok((Bytes::new(), false)),
        Poll::Ready(None) => Ok((Bytes::new(), true)),
        Poll::Ready(Some(Ok(frame))) => Ok((frame.into_data().unwrap_or_default(), body.is_end_stream())),
        Poll::Ready(Some(Err(error))) => Err(format!("the response body failed: {error}")),
    }
}

/// A body that is sent part by part; ready when it is, or when nobody wants it.
pub(super) struct Upload {
    exchange: Arc<Exchange>,
    body: Body,
    /// What the window had no room for, and whether it is the last.
    held: Option<(Bytes, bool)>,
}

impl Upload {
    pub(super) fn new(exchange: Arc<Exchange>, body: Body) -> Self {
        Self { exchange, body, held: None }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Bytes, bool), String>> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Ok(held));
        }
        loop {
            let frame = self.exchange.enter(|| Pin::new(&mut self.body).poll_frame(cx));
            return Poll::Ready(match ready!(frame) {
                None => Ok((Bytes::new(), true)),
                Some(Err(error)) => Err(format!("the body failed: {error}")),
                Some(Ok(frame)) => {
                    let end = self.body.is_end_stream();
                    match frame.into_data() {
                        Ok(part) if !part.is_empty() || end => Ok((part, end)),
                        _ => continue,
                    }
                }
            });
        }
    }
}

impl Future for Upload {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.exchange.wait(cx);
        while !this.exchange.is_over() {
            let (part, end) = match ready!(this.next(cx)) {
                Ok(next) => next,
                Err(reason) => {
                    this.exchange.fail(&reason);
                    break;
                }
            };
            if let Some(left) = this.exchange.write(part, end) {
                this.held = Some((left, end));
                return Poll::Pending;
            }
            if end {
                this.exchange.sent();
                break;
            }
        }
        Poll::Ready(())
    }
}
