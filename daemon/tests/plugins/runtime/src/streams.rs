//! Bodies that come and go in parts.

use std::io::Error;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use valor::http::{Body, Event, Request, Response, Result};
use valor::time;

/// The body, as it comes.
pub(crate) fn echo(request: &mut Request) -> Response {
    let kind = request.headers().get("content-type").cloned();
    let mut response = Response::from(request.take_body());
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

/// How much came, read on a blocking thread's terms: bodies may go anywhere.
pub(crate) async fn sink(mut body: Body) -> Result<Response> {
    let handle = tokio::runtime::Handle::current();
    let total = tokio::task::spawn_blocking(move || {
        handle.block_on(async {
            let mut total = 0;
            while let Some(part) = body.chunk().await? {
                total += part.len();
            }
            Ok::<_, valor::http::Error>(total)
        })
    });
    Ok(total.await??.to_string().into())
}

/// `n` parts of `size` bytes, each filled with its number's last digit.
pub(crate) fn numbered(n: u64, size: usize) -> Response {
    let digit = |i: u64| b"0123456789"[usize::try_from(i % 10).unwrap_or_default()];
    Response::stream(stream::iter(0..n).map(move |i| Ok::<_, Error>(vec![digit(i); size])))
}

/// `n` events, `ms` apart.
pub(crate) fn events(n: u64, ms: u64) -> Response {
    Response::sse(stream::iter(0..n).then(move |i| async move {
        time::sleep(Duration::from_millis(ms)).await;
        Event::data(format!("tick {i}")).id(i.to_string())
    }))
}

/// A body that breaks off after its first part.
pub(crate) fn cut_off() -> Response {
    let first = stream::iter([Ok("the first part")]);
    let second = stream::once(async {
        time::sleep(Duration::from_millis(1)).await;
        Err(Error::other("told to break off"))
    });
    Response::stream(first.chain(second))
}
