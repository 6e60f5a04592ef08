//! What valord sends, before the gRPC library sees it: on details of a status that are no base64 it would panic.

use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Error};

const DETAILS: &str = "grpc-status-details-bin";

/// A channel whose answers are checked.
#[derive(Debug, Clone)]
pub(crate) struct Checked(pub(crate) Channel);

impl Service<Request<Body>> for Checked {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Self::Response, Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = Service::call(&mut self.0, request);
        Box::pin(async move {
            let (mut head, body) = answer.await?.into_parts();
            check(&mut head.headers);
            let body = body.map_frame(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    check(trailers);
                }
                frame
            });
            Ok(Response::from_parts(head, Body::new(body)))
        })
    }
}

/// Without details a status still has its code and its message.
fn check(headers: &mut HeaderMap) {
    let Some(details) = headers.get(DETAILS) else { return };
    let mut alone = HeaderMap::new();
    alone.insert(DETAILS, details.clone());
    let alone = MetadataMap::from_headers(alone);
    if alone.get_bin(DETAILS).is_none_or(|details| details.to_bytes().is_err()) {
        headers.remove(DETAILS);
    }
}
