//! Requests that the plugin makes.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use http_body::Body as _;

use super::exchange::{self, Exchange, Incoming};
use super::{head, outbox};
use crate::Error;
use crate::http::{Body, Request, Response};
use crate::outgoing::{Fetched, Outgoing as _, Upload, poll_upload};

/// Makes a request through the host.
pub(crate) async fn fetch(request: Request) -> Result<Response, Error> {
    let (exchange, mut upload) = start(request)?;
    let (parts, end) = poll_fn(|cx| {
        exchange.wait(cx);
        poll_upload(&mut upload, cx);
        if let Some(response) = exchange.take_response() {
            return Poll::Ready(Ok(response));
        }
        match exchange.failure() {
            Some(reason) => Poll::Ready(Err(Error::Fetch(reason))),
            None => Poll::Pending,
        }
    })
    .await?;
    let body = if end { Body::empty() } else { Body::new(Fetched { incoming: Incoming(exchange), upload }) };
    Ok(parts.map(|()| body).into())
}

fn start(request: Request) -> Result<(Arc<Exchange>, Option<Upload<Exchange>>), Error> {
    let (parts, body) = http::Request::from(request).into_parts();
    let end = body.is_end_stream();
    let target = parts.uri.to_string();
    let parent = exchange::parent();
    let too_many = || Error::Fetch(format!("{target}: too many fetches at once"));
    let exchange = exchange::fetch().ok_or_else(too_many)?;
    let head = (parts.method.as_str(), target.as_str());
    let written = outbox::with(|out| out.fetch(exchange.id, parent, head, head::fields(&parts.headers), end));
    if let Err(error) = written {
        // Nothing was sent, so there is nothing to take back.
        exchange.answered();
        return Err(Error::Fetch(format!("{target}: {error}")));
    }
    let upload = (!end).then(|| Upload::new(exchange.clone(), body));
    Ok((exchange, upload))
}
