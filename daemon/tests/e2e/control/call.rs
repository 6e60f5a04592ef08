//! Calls with any bytes in them, over an honest HTTP/2.

use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::harness::PATIENCE;

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) http: u16,
    pub(super) grpc: String,
    pub(super) message: String,
}

/// A message as gRPC frames it, with whatever flag and length.
pub(super) fn message(flag: u8, length: u32, bytes: &[u8]) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes(), bytes].concat()
}

/// One call on a connection of its own; `Err`: the stream was reset, or the connection is gone.
pub(super) async fn call(
    socket: &Path,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Ended, hyper::Error> {
    let mut request = http::Request::post(format!("http://valord{path}")).header("te", "trailers");
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let exchange = async {
        let stream = TokioIo::new(tokio::net::UnixStream::connect(socket).await.unwrap());
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = builder.max_header_list_size(1 << 20).handshake(stream).await?;
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?;
        let text = |name: &str| {
            let value = body.trailers().and_then(|trailers| trailers.get(name)).or(head.headers.get(name));
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        Ok(Ended { http: head.status.as_u16(), grpc: text("grpc-status"), message: text("grpc-message") })
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| panic!("{path} is not answered"))
}
