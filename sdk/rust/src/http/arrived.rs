//! A request between its arrival and the first look at the whole of it.

use std::cell::{Cell, OnceCell};

use super::{Body, Fields, Method, Uri};

/// The head of a request as an engine hands it on.
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) fields: Fields,
}

/// A request that is made an `http::Request` when that is first asked for: many handlers never look at the map of the
/// headers, whose making would cost more than everything else in front of them.
pub(super) struct Lazy {
    /// How it has arrived; not looked at any more once there is a whole.
    head: Option<Arrived>,
    /// `None` once it is part of the whole.
    body: Cell<Option<Body>>,
    whole: OnceCell<Box<::http::Request<Body>>>,
}

impl Lazy {
    pub(super) fn arrived(head: Arrived, body: Body) -> Self {
        Self { head: Some(head), body: Cell::new(Some(body)), whole: OnceCell::new() }
    }

    pub(super) fn built(request: ::http::Request<Body>) -> Self {
        Self { head: None, body: Cell::new(None), whole: OnceCell::from(Box::new(request)) }
    }

    /// How it has arrived, as long as nothing more is known of it.
    pub(super) fn head(&self) -> Option<&Arrived> {
        self.head.as_ref().filter(|_| self.whole.get().is_none())
    }

    pub(super) fn whole(&self) -> &::http::Request<Body> {
        self.whole.get_or_init(|| Box::new(self.make()))
    }

    pub(super) fn whole_mut(&mut self) -> &mut ::http::Request<Body> {
        let _made = self.whole();
        self.whole.get_mut().expect("it was made just now")
    }

    pub(super) fn into_whole(mut self) -> ::http::Request<Body> {
        match self.whole.take() {
            Some(whole) => *whole,
            None => self.make(),
        }
    }

    /// The body; an empty one stays.
    pub(super) fn take_body(&mut self) -> Body {
        match self.body.get_mut() {
            Some(body) => std::mem::take(body),
            None => std::mem::take(self.whole_mut().body_mut()),
        }
    }

    fn make(&self) -> ::http::Request<Body> {
        let mut request = ::http::Request::new(self.body.take().unwrap_or_default());
        if let Some(head) = &self.head {
            *request.method_mut() = head.method.clone();
            *request.uri_mut() = head.uri.clone();
            *request.headers_mut() = head.fields.map();
        }
        request
    }
}

#[cfg(test)]
#[path = "arrived_tests.rs"]
mod tests;
