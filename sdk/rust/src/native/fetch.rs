//! Requests that the plugin makes.

use std::future::poll_fn;
use std::ptr::null_mut;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body as _;
use valor_abi::{
    VALOR_FLAG_END, VALOR_INVALID, VALOR_LIMIT, VALOR_OK, VALOR_PENDING, valor_request, valor_response,
};

use super::bytes::{Given, lend, lend_str};
use super::exchange::{self, Exchange, Incoming};
use super::head::{self, with_fields};
use super::worker::with_worker;
use crate::Error;
use crate::http::{Body, Kind, Request, Response};
use crate::outgoing::{Fetched, Outgoing as _, Upload, poll_upload};

/// Makes a request through the daemon.
pub(crate) async fn fetch(request: Request) -> Result<Response, Error> {
    let (exchange, mut upload) = start(request)?;
    let (parts, end) = poll_fn(|cx| {
        poll_upload(&mut upload, cx);
        exchange.wait(cx);
        response(&exchange)
    })
    .await?;
    let body =
        if end { Body::empty() } else { Body::new(Fetched { incoming: Incoming::new(exchange), upload }) };
    Ok(parts.map(|()| body).into())
}

fn start(request: Request) -> Result<(Arc<Exchange>, Option<Upload<Exchange>>), Error> {
    let (parts, mut body) = http::Request::from(request).into_parts();
    let (first, end) = match &mut body.0 {
        Kind::Full(bytes) => (std::mem::take(bytes), true),
        Kind::Stream(body) => (Bytes::new(), body.is_end_stream()),
    };
    let target = parts.uri.to_string();
    let started = with_worker(|worker| {
        let exchange = Exchange::new(worker.host, null_mut());
        let started = with_fields(&parts.headers, |fields| {
            let head = valor_request {
                method: lend_str(parts.method.as_str()),
                target: lend_str(&target),
                fields: fields.as_ptr(),
                field_count: fields.len(),
                block: lend(&[]),
                deadline_ms: 0,
                end: u32::from(end),
            };
            exchange.start(|user| {
                let mut raw = null_mut();
                let flags = if end { VALOR_FLAG_END } else { 0 };
                let (code, _invalid) = Given::new(first).give(|body| {
                    // SAFETY: the worker is alive; so are head and fields, for the call; the parent is the request that is
                    // being worked for, and so is it. The bytes are taken unless it is invalid.
                    let code = unsafe {
                        (worker.host.0.fetch)(
                            worker.raw,
                            exchange::parent(),
                            &head,
                            body,
                            flags,
                            user,
                            &mut raw,
                        )
                    };
                    (code, code != VALOR_INVALID)
                });
                if code == VALOR_OK { Ok(raw) } else { Err(code) }
            })
        });
        started.map(|()| exchange)
    });
    match started {
        Some(Ok(exchange)) => {
            let upload = (!end).then(|| Upload::new(exchange.clone(), body));
            Ok((exchange, upload))
        }
        Some(Err(VALOR_INVALID)) => {
            Err(Error::Fetch(format!("{target}: method, target or a header field cannot be sent")))
        }
        Some(Err(VALOR_LIMIT)) => Err(Error::Fetch(format!("{target}: too many fetches at once"))),
        Some(Err(_)) => Err(Error::Fetch(format!("{target}: the request that it is for is over"))),
        None => Err(Error::Fetch(format!("{target}: no worker runs; a unit test stubs it with valor::test"))),
    }
}

fn response(exchange: &Exchange) -> Poll<Result<(http::Response<()>, bool), Error>> {
    let mut head = valor_response { status: 0, end: 0, fields: std::ptr::null(), field_count: 0 };
    // SAFETY: the exchange is ours.
    let code = unsafe { (exchange.host.0.response)(exchange.raw(), &mut head) };
    Poll::Ready(match code {
        VALOR_PENDING => return Poll::Pending,
        // SAFETY: valid until the release, which is not now.
        VALOR_OK => match unsafe { head::response(&head) } {
            Ok(parts) => Ok((parts, head.end != 0)),
            Err(error) => Err(Error::Fetch(format!("the response head cannot be read: {error}"))),
        },
        _ => Err(Error::Fetch(exchange.failure())),
    })
}
