//! The bodies that go to clients.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::connection::Busy;
use crate::link::{self, BoxError};

/// The body of a response to a client.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    /// The connection is in use as long as its response.
    busy: Option<Busy>,
}

#[derive(Debug)]
enum Kind {
    Link(link::Body),
    Axum(axum::body::Body),
}

impl Body {
    /// All of it at once.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        link::Body::whole(bytes).into()
    }

    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        link::Body::empty().into()
    }

    pub(crate) fn keep(mut self, mut busy: Busy) -> Self {
        busy.answered();
        self.busy = Some(busy);
        self
    }
}

impl From<link::Body> for Body {
    fn from(body: link::Body) -> Self {
        Self { kind: Kind::Link(body), busy: None }
    }
}

impl From<axum::body::Body> for Body {
    fn from(body: axum::body::Body) -> Self {
        Self { kind: Kind::Axum(body), busy: None }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = match &mut self.kind {
            Kind::Link(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Kind::Axum(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        };
        if let Some(busy) = &mut self.busy {
            busy.asked(polled.is_pending());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Link(body) => body.is_end_stream(),
            Kind::Axum(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Link(body) => body.size_hint(),
            Kind::Axum(body) => body.size_hint(),
        }
    }
}
