//! One client for HTTP, one for the control API.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use sha2::Digest as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};
use valor_control::v1::control_client::ControlClient;
use valor_control::v1::register_request::Part;
use valor_control::v1::{Limits, PluginSpec, RegisterRequest, RegisterResponse};

use crate::harness::PATIENCE;

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem+json that names a plugin.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, plugin: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(json["status"], status, "{json}");
        assert_eq!(json["plugin"], plugin, "{json}");
        json
    }
}

/// One exchange on a connection of its own.
pub(crate) async fn send(
    address: SocketAddr,
    request: http::Request<
        impl hyper::body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
    >,
) -> Result<http::Response<hyper::body::Incoming>, hyper::Error> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

pub(crate) async fn whole(response: http::Response<hyper::body::Incoming>) -> Result<Answer, hyper::Error> {
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// An answer of an echo at `path` begins before its request has ended, and each part comes when it was sent.
pub(crate) async fn echoes_part_by_part(address: SocketAddr, path: &str) {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let frames = tokio_stream::StreamExt::map(ReceiverStream::new(receiver), |part| {
        Ok::<_, std::convert::Infallible>(Frame::data(part))
    });
    let request = http::Request::post(path).header("host", "valor.test");
    let asked = send(address, request.body(StreamBody::new(frames)).unwrap());
    sender.send(Bytes::from_static(b"one")).await.unwrap();
    let mut answer = tokio::time::timeout(PATIENCE, asked).await.unwrap().unwrap();
    for part in [&b"one"[..], b"two"] {
        let frame =
            tokio::time::timeout(PATIENCE, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), part);
        drop(sender.send(Bytes::from_static(b"two")).await);
    }
}

pub(crate) fn request(method: &str, path: &str, body: impl Into<Bytes>) -> http::Request<Full<Bytes>> {
    let builder = http::Request::builder().method(method).uri(path).header("host", "valor.test");
    builder.body(Full::new(body.into())).unwrap()
}

pub(crate) async fn connect(control: &Path) -> ControlClient<Channel> {
    let path = control.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { Ok::<_, std::io::Error>(TokioIo::new(tokio::net::UnixStream::connect(path).await?)) }
    });
    let channel = Endpoint::from_static("http://control").connect_with_connector(connector).await.unwrap();
    ControlClient::new(channel).max_decoding_message_size(64 << 20)
}

/// What to register.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spec {
    file: PathBuf,
    spec: PluginSpec,
}

impl Spec {
    pub(crate) fn new(file: impl Into<PathBuf>, name: &str) -> Self {
        let spec = PluginSpec {
            name: name.to_owned(),
            prefix: format!("/{name}"),
            limits: Some(Limits::default()),
            ..PluginSpec::default()
        };
        Self { file: file.into(), spec }
    }

    pub(crate) fn config(mut self, config: &serde_json::Value) -> Self {
        self.spec.config = config.to_string();
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(self.spec.limits.get_or_insert_default());
        self
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut PluginSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    pub(crate) fn replace(self) -> Self {
        self.change(|spec| spec.replace = true)
    }
}

pub(crate) async fn register(
    mut control: ControlClient<Channel>,
    Spec { file, mut spec }: Spec,
) -> Result<RegisterResponse, tonic::Status> {
    let bytes = std::fs::read(&file).unwrap();
    spec.file_name = file.file_name().unwrap().to_str().unwrap().to_owned();
    spec.size = bytes.len() as u64;
    spec.sha256 = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut parts = vec![RegisterRequest { part: Some(Part::Spec(spec)) }];
    for chunk in bytes.chunks(64 * 1024) {
        parts.push(RegisterRequest { part: Some(Part::Chunk(chunk.to_vec())) });
    }
    Ok(control.register(tokio_stream::iter(parts)).await?.into_inner())
}
