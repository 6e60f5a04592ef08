//! Counts the calls under way on each connection, from their heads to the last byte of their answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tower_service::Service;

use super::Peer;

/// Around all services of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting;

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Counted<S>(S);

impl<S> tower::Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted(inner)
    }
}

impl<S, B, R> Service<http::Request<B>> for Counted<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    R: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let call = request.extensions().get::<Peer>().map(Peer::call);
        let answer = self.0.call(request);
        Box::pin(async move {
            // The body holds the count: an answer that is never read is a call under way.
            Ok(answer.await?.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _counted = &call;
                    frame
                }))
            }))
        })
    }
}
