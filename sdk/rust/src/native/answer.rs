//! A response on its way out: head and first part in one call, the rest as the window allows.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body as _;
use valor_abi::{VALOR_FLAG_END, VALOR_INVALID, VALOR_PENDING, valor_response};

use super::bytes::Given;
use super::exchange::Exchange;
use super::head::with_fields;
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
    let code = with_fields(&parts.headers, |fields| {
        let head = valor_response {
            status: u32::from(parts.status.as_u16()),
            end: u32::from(end),
            fields: fields.as_ptr(),
            field_count: fields.len(),
        };
        let (code, _invalid) = Given::new(first).give(|raw| {
            let flags = if end { VALOR_FLAG_END } else { 0 };
            // SAFETY: the exchange is ours, head and fields are alive for the call, the bytes taken unless it is invalid.
            let code = unsafe { (exchange.host.0.respond)(exchange.raw(), &head, raw, flags) };
            (code, code != VALOR_INVALID)
        });
        code
    });
    if code == VALOR_INVALID {
        exchange.fail(&format!(
            "the handler's response cannot be sent: status {}, or a header field",
            parts.status
        ));
        return None;
    }
    (!end).then(|| Upload::new(exchange.clone(), body))
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
        Poll::Ready(Some(Ok(frame))) => {
            let part = frame.into_data().unwrap_or_default();
            Ok((part, body.is_end_stream()))
        }
        Poll::Ready(Some(Err(error))) => Err(format!("the response body failed: {error}")),
    }
}

/// A body that is sent part by part; ready when it is, or when nobody wants it.
pub(super) struct Upload {
    exchange: Arc<Exchange>,
    body: Body,
    /// What the window had no room for, and the flags to send it with.
    held: Option<(Bytes, u32)>,
}

impl Upload {
    pub(super) fn new(exchange: Arc<Exchange>, body: Body) -> Self {
        Self { exchange, body, held: None }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Bytes, u32), String>> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Ok(held));
        }
        loop {
            let frame = self.exchange.enter(|| Pin::new(&mut self.body).poll_frame(cx));
            return Poll::Ready(match futures_util::ready!(frame) {
                None => Ok((Bytes::new(), VALOR_FLAG_END)),
                Some(Err(error)) => Err(format!("the body failed: {error}")),
                Some(Ok(frame)) => {
                    let end = self.body.is_end_stream();
                    match frame.into_data() {
                        Ok(part) if !part.is_empty() || end => {
                            Ok((part, if end { VALOR_FLAG_END } else { 0 }))
                        }
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
        while !this.exchange.is_cancelled() {
            let (part, flags) = match futures_util::ready!(this.next(cx)) {
                Ok(next) => next,
                Err(reason) => {
                    this.exchange.fail(&reason);
                    return Poll::Ready(());
                }
            };
            match this.exchange.write(part, flags) {
                (VALOR_PENDING, part) => {
                    // Registered before the first look, so room that comes now wakes.
                    this.held = Some((part.unwrap_or_default(), flags));
                    return Poll::Pending;
                }
                (valor_abi::VALOR_OK, _) if flags & VALOR_FLAG_END == 0 => {}
                _ => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }
}
