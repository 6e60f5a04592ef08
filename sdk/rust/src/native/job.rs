//! A request's way through the author's code.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::answer::answer;
use super::exchange::Exchange;
use crate::http::{Request, Response};
use crate::outgoing::{Outgoing as _, Upload};
use crate::plugin::Serve;
use crate::test::panic_text;

/// Polls the handler once where it is; one that is ready is answered without a task. Runs on the worker's thread, inside of
/// its `LocalSet`.
pub(super) fn begin(serve: &Rc<dyn Serve>, exchange: &Arc<Exchange>, request: Request) {
    let started = AssertUnwindSafe(|| {
        let mut future = serve.serve(request);
        let mut cx = Context::from_waker(Waker::noop());
        match exchange.enter(|| future.as_mut().poll(&mut cx)) {
            // The first poll of the task registers the waker that this one did not have.
            Poll::Pending => Some(Rest::Handler(future)),
            Poll::Ready(response) => answer(exchange, response)
                // What of it is there goes out together.
                .and_then(|mut upload| {
                    Pin::new(&mut upload).poll(&mut cx).is_pending().then_some(Rest::Body(upload))
                }),
        }
    });
    match std::panic::catch_unwind(started) {
        Ok(None) => {}
        Ok(Some(rest)) => drop(tokio::task::spawn_local(finish(exchange.clone(), rest))),
        Err(panic) => exchange.fail(&format!("the handler panicked: {}", panic_text(&*panic))),
    }
}

enum Rest {
    Handler(LocalBoxFuture<'static, Response>),
    Body(Upload<Exchange>),
}

/// Does what could not be done at once, unless the exchange is cancelled: then the future is dropped.
async fn finish(exchange: Arc<Exchange>, rest: Rest) {
    let work = async {
        let upload = match rest {
            Rest::Body(upload) => Some(upload),
            Rest::Handler(mut future) => {
                let response = poll_fn(|cx| {
                    exchange.wait(cx);
                    if exchange.is_over() {
                        return Poll::Ready(None);
                    }
                    exchange.enter(|| future.as_mut().poll(cx)).map(Some)
                });
                let Some(response) = response.await else { return };
                drop(future);
                answer(&exchange, response)
            }
        };
        if let Some(upload) = upload {
            upload.await;
        }
    };
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        exchange.fail(&format!("the handler panicked: {}", panic_text(&*panic)));
    }
}
