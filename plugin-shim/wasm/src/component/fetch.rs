//! Outgoing requests: all of them go through valord, and its grants.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use valor_shim_core::serve::Refused;
use valor_shim_core::wire::RequestHead;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::body::{Entry, Incoming};
use super::gate::{Gate, Gates};

/// What is left to do for a response that is there.
pub(super) type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Sends a request for the sake of `parent`.
pub(super) async fn send(
    gates: Arc<Gates>,
    parent: Arc<Gate>,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<(http::Response<WasiBody>, Rest), Error> {
    let (head, mut body) = request.into_parts();
    let target = head.uri.to_string();
    let empty = body.is_end_stream();
    let number = gates.number();
    let wire = RequestHead { method: head.method.as_str(), target: &target, deadline_ms: 0, parent: None };
    // valord takes the host from the URL.
    let fields = head.headers.iter().filter(|(name, _)| **name != HOST);
    let fields = fields.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let opened = gates.core.fetch(parent.exchange.parent(), &wire, fields, &mut None::<Bytes>, empty, number);
    drop(parent);
    let exchange = opened.map_err(|refused| match refused {
        Refused::Limit => Error::ConnectionLimitReached,
        Refused::Cancelled => Error::ConnectionTerminated,
        Refused::Invalid | Refused::Pending => Error::HttpRequestUriInvalid,
    })?;
    let gate = gates.add(number, exchange);
    let entry = Entry { gates, number };
    let sender = Arc::clone(&gate);
    let mut sending = Box::pin(async move {
        match sender.send(&mut body).await {
            // The peer has what it wanted.
            Ok(()) | Err(None) => Ok(()),
            Err(Some(error)) => {
                sender.exchange.reset(valor_shim_core::wire::ResetCode::Failed, &error.to_string());
                Err(error)
            }
        }
    });
    let first = options.and_then(|options| options.first_byte_timeout);
    let answer = async {
        tokio::select! {
            response = gate.response() => response,
            sent = &mut sending, if !empty => match sent {
                Ok(()) => gate.response().await,
                Err(_) => Err(Refused::Cancelled),
            },
        }
    };
    let response = match first {
        Some(limit) => tokio::time::timeout(limit, answer).await.map_err(|_| Error::ConnectionReadTimeout)?,
        None => answer.await,
    };
    let response = response.map_err(|_| failure(&gate))?;
    let mut answer = http::Response::builder().status(response.status);
    for (name, value) in response.fields() {
        answer = answer.header(name, value);
    }
    let incoming = Incoming::new(gate, response.end, Some(entry));
    let answer = answer.body(incoming.boxed_unsync()).map_err(|_| Error::HttpProtocolError)?;
    // When all is sent already, nothing of it is left to wait for; a future that is over is not polled again.
    let rest: Rest = if empty { Box::new(async { Ok(()) }) } else { Box::new(Fused(Some(sending))) };
    Ok((answer, rest))
}

/// Why valord did not do it.
fn failure(gate: &Gate) -> Error {
    let why = gate.exchange.failure().unwrap_or_default();
    match why.split(':').next() {
        Some("refused") => Error::HttpRequestDenied,
        Some("unreachable") => Error::DestinationUnavailable,
        Some("the deadline has passed") => Error::HttpResponseTimeout,
        _ => Error::InternalError(Some(why)),
    }
}

/// A body that is still being sent when its response is there.
struct Fused<F>(Option<std::pin::Pin<Box<F>>>);

impl<F: Future<Output = Result<(), Error>>> Future for Fused<F> {
    type Output = Result<(), Error>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let Some(future) = &mut self.0 else { return std::task::Poll::Ready(Ok(())) };
        let result = std::task::ready!(future.as_mut().poll(cx));
        self.0 = None;
        std::task::Poll::Ready(result)
    }
}
