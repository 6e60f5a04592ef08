//! A daemon that lies: any answer to any call, or any bytes instead of HTTP/2.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use valor_control::v1;

use crate::common::{Run, run};

type Frame = http_body_util::combinators::BoxBody<Bytes, Infallible>;

/// What it says: a content type, the bytes of the body, its trailers.
#[derive(Clone, Default)]
pub struct Lie {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// The body again and again, without end.
    pub endless: bool,
    pub trailers: Vec<(&'static str, String)>,
}

impl Lie {
    /// Well-formed, and a success.
    pub fn new(body: Vec<u8>) -> Self {
        let trailers = vec![("grpc-status", "0".into())];
        Self { status: 200, content_type: "application/grpc", body, endless: false, trailers }
    }

    /// A refusal.
    pub fn refusal(trailers: &[(&'static str, &str)]) -> Self {
        let trailers = trailers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { trailers, ..Self::new(Vec::new()) }
    }

    fn body(&self) -> Frame {
        use http_body::Frame as Part;
        use tokio_stream::{StreamExt as _, iter, once};
        let bytes = Bytes::from(self.body.clone());
        if self.endless {
            return StreamBody::new(iter(std::iter::repeat(bytes)).map(|bytes| Ok(Part::data(bytes))))
                .boxed();
        }
        let mut map = HeaderMap::new();
        for (name, value) in &self.trailers {
            map.append(*name, value.parse().unwrap());
        }
        let trailers = iter((!map.is_empty()).then(|| Ok(Part::trailers(map))));
        StreamBody::new(once(Ok(Part::data(bytes))).chain(trailers)).boxed()
    }
}

#[derive(Clone)]
struct Liar(Arc<Lie>);

impl NamedService for Liar {
    const NAME: &'static str = "valor.control.v1.Control";
}

impl Service<Request<Body>> for Liar {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let lie = Arc::clone(&self.0);
        Box::pin(async move {
            let response = Response::builder().status(lie.status).header("content-type", lie.content_type);
            Ok(response.body(Body::new(lie.body())).unwrap())
        })
    }
}

/// The socket of a daemon that gives this answer to everything, as long as its directory lives.
pub struct Place {
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("control.sock")
    }

    pub fn run(&self, args: &[&str]) -> Run {
        run(self.dir.path(), args, &[("VALOR_CONTROL", self.socket().to_str().unwrap())])
    }
}

fn place() -> (Place, UnixListener) {
    let place = Place { dir: tempfile::tempdir().unwrap() };
    let listener = UnixListener::bind(place.socket()).unwrap();
    (place, listener)
}

/// Honest HTTP/2 and a lie in it.
pub fn tells(lie: Lie) -> Place {
    let (place, listener) = place();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let incoming = UnixListenerStream::new(tokio::net::UnixListener::from_std(listener).unwrap());
            let server = tonic::transport::Server::builder().add_service(Liar(Arc::new(lie)));
            drop(server.serve_with_incoming(incoming).await);
        });
    });
    place
}

/// These bytes to whoever connects, again and again where `endless`; then it reads what comes, to the end.
pub fn says(bytes: Vec<u8>, endless: bool) -> Place {
    let (place, listener) = place();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut other: UnixStream = stream.try_clone().unwrap();
        let reader = std::thread::spawn(move || drop(other.read_to_end(&mut Vec::new())));
        while stream.write_all(&bytes).is_ok() && endless {}
        drop(reader.join());
    });
    place
}

/// A message as gRPC frames it.
pub fn framed(message: &impl prost::Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &bytes].concat()
}

/// Everything that drives a terminal or forges a line, around a word.
pub fn evil(word: &str) -> String {
    format!("\u{1b}[2J\u{1b}]0;{word}\u{7}\u{9b}31m\u{202e}\r\nerror: forged\u{7f}\u{85}\u{2028}")
}

/// All fields are evil.
pub fn plugin() -> v1::Plugin {
    v1::Plugin {
        name: evil("name"),
        version: evil("version"),
        prefix: evil("prefix"),
        state: evil("state"),
        reason: evil("reason"),
        kind: evil("kind"),
        sha256: evil("sha256"),
        restarts: u64::MAX,
        since_ms: u64::MAX,
        source: evil("source"),
        requests: u64::MAX,
        errors: u64::MAX,
        in_flight: u32::MAX,
        wanted: u32::MAX,
        ready: u32::MAX,
        web: String::new(),
        out_of_memory: u64::MAX,
    }
}

pub fn line() -> v1::LogLine {
    v1::LogLine {
        time_ms: u64::MAX,
        stream: evil("stream"),
        level: evil("level"),
        target: evil("target"),
        message: evil("message"),
    }
}

pub fn grants() -> v1::Grants {
    v1::Grants {
        net: vec![evil("net")],
        read: vec![evil("read")],
        write: vec![evil("write")],
        env: vec![evil("env")],
    }
}

pub fn layer() -> v1::Layer {
    v1::Layer { layer: evil("layer"), status: evil("status"), reason: evil("reason"), verified: true }
}
