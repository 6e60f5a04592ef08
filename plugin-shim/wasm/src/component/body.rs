//! The peer's body, as wasmtime reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use valor_shim_core::serve::Received;
use wasmtime_wasi_http::Error;

use super::gate::{Gate, Gates};

/// Of a request or of a fetch's response.
pub(super) struct Incoming {
    gate: Arc<Gate>,
    over: bool,
    /// Ends the fetch with its body.
    _fetch: Option<Entry>,
}

/// A fetch among those that are open.
pub(super) struct Entry {
    pub(super) gates: Arc<Gates>,
    pub(super) number: usize,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.gates.remove(self.number);
    }
}

impl Incoming {
    /// `over`: there is none.
    pub(super) fn new(gate: Arc<Gate>, over: bool, fetch: Option<Entry>) -> Self {
        Self { gate, over, _fetch: fetch }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let read = std::task::ready!(self.gate.poll_read(cx));
        Poll::Ready(match read {
            Ok(Received::Data(part)) => Some(Ok(Frame::data(part))),
            Ok(Received::End) => {
                self.over = true;
                None
            }
            Err(_) => {
                self.over = true;
                Some(Err(Error::InternalError(self.gate.exchange.failure())))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}
