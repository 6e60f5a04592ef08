//! A request's way through the author's code.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::answer::answer;
use super::exchange::Exchange;
use super::executor::spawn;
use crate::http::Request;
use crate::outgoing::Outgoing as _;
use crate::plugin::Serve;

/// Polls the handler once where it is; one that is ready is answered without a task.
pub(super) fn begin(serve: &Rc<dyn Serve>, exchange: &Arc<Exchange>, request: Request) {
    let mut future = serve.serve(request);
    let mut cx = Context::from_waker(Waker::noop());
    match exchange.enter(|| future.as_mut().poll(&mut cx)) {
        Poll::Ready(response) => {
            if let Some(upload) = answer(exchange, response) {
                spawn(upload);
            }
        }
        Poll::Pending => {
            let exchange = exchange.clone();
            // The first poll of the task registers the waker that this one did not have.
            spawn(async move {
                // A cancelled exchange drops the future.
                let response = poll_fn(|cx| {
                    exchange.wait(cx);
                    if exchange.is_over() {
                        return Poll::Ready(None);
                    }
                    exchange.enter(|| future.as_mut().poll(cx)).map(Some)
                });
                let Some(response) = response.await else { return };
                drop(future);
                if let Some(upload) = answer(&exchange, response) {
                    upload.await;
                }
            });
        }
    }
}
