//! A response on its way out: head and first part at once, the rest as the window allows.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::exchange::Exchange;
use super::{head, outbox};
use crate::http::Response;
use crate::outgoing::{Outgoing as _, Upload, first_part};

/// Answers a request. What is left to be sent is returned.
pub(super) fn answer(exchange: &Arc<Exchange>, response: Response) -> Option<Upload<Exchange>> {
    let (parts, mut body) = http::Response::from(response).into_parts();
    let (first, end) = match first_part(&**exchange, &mut body) {
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
    let mut upload = Upload::new(exchange.clone(), body).after(first, end);
    let mut cx = Context::from_waker(Waker::noop());
    // What fits goes with the head; a task polls the rest, and registers the waker that this has not.
    Pin::new(&mut upload).poll(&mut cx).is_pending().then_some(upload)
}
