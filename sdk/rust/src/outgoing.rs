//! Bodies on their way out, part by part, as the window allows: the same natively and in WebAssembly.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};

use crate::http::{Body, BoxError, Kind};

/// An exchange that has a body to send: an answer's, or that of a request.
pub(crate) trait Outgoing {
    /// Runs `poll` as work for this request.
    fn enter<T>(&self, poll: impl FnOnce() -> T) -> T;

    /// Has `cx` woken when there is room again, or it is over.
    fn wait(self: &Arc<Self>, cx: &Context<'_>);

    /// Nobody wants any more of it.
    fn is_over(&self) -> bool;

    /// Writes a part, and with the last one the end.
    fn write(&self, part: Bytes, end: bool) -> Written;

    /// Aborts it; the reason is for the log.
    fn fail(&self, reason: &str);
}

/// What has become of a part.
pub(crate) enum Written {
    All,
    /// For this there is no room yet.
    Full(Bytes),
    Over,
}

/// What of the body is there at once, and whether that is all of it.
pub(crate) fn first_part(exchange: &impl Outgoing, body: &mut Body) -> Result<(Bytes, bool), String> {
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
pub(crate) struct Upload<E> {
    exchange: Arc<E>,
    body: Body,
    /// What the window had no room for, and whether it is the last.
    held: Option<(Bytes, bool)>,
}

impl<E: Outgoing> Upload<E> {
    pub(crate) fn new(exchange: Arc<E>, body: Body) -> Self {
        Self { exchange, body, held: None }
    }

    /// A part of it that has been read already comes first.
    #[cfg(target_family = "wasm")]
    pub(crate) fn after(mut self, first: Bytes, end: bool) -> Self {
        self.held = (!first.is_empty()).then_some((first, end));
        self
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

impl<E: Outgoing> Future for Upload<E> {
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
            match this.exchange.write(part, end) {
                // Registered before the first look, so room that comes now wakes.
                Written::Full(left) => {
                    this.held = Some((left, end));
                    return Poll::Pending;
                }
                Written::All if !end => {}
                Written::All | Written::Over => break,
            }
        }
        Poll::Ready(())
    }
}

/// Goes on with an upload, if there is one still.
pub(crate) fn poll_upload<E: Outgoing>(upload: &mut Option<Upload<E>>, cx: &mut Context<'_>) {
    if let Some(sending) = upload
        && Pin::new(sending).poll(cx).is_ready()
    {
        *upload = None;
    }
}

/// A response's body, which goes on sending the request's while it is read.
pub(crate) struct Fetched<I, E> {
    pub(crate) incoming: I,
    pub(crate) upload: Option<Upload<E>>,
}

impl<I, E> HttpBody for Fetched<I, E>
where
    I: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
    E: Outgoing,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        poll_upload(&mut this.upload, cx);
        Pin::new(&mut this.incoming).poll_frame(cx)
    }
}
