//! The whole data plane over TCP, with fake shims at its other end.

mod clients;
mod faults;
mod floods;
mod frames;
mod hostile;
mod http1;
mod http2;
mod leaving;
mod lifecycle;

use std::collections::HashMap;

use futures_util::future::LocalBoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::link::testing::{FakeShim, Said, run};
use crate::link::{Caller, FetchError};
use crate::plugin::{Grants, Limits};
use crate::routes::{Down, Route, Target};

/// A plane with one worker, unless a test says otherwise.
struct Bench {
    plane: DataPlane,
    failures: mpsc::Receiver<LinkFailure>,
    listener: std::net::TcpListener,
    next: u64,
}

/// Fetches go to other plugins only.
struct ToPlugins(Dispatcher);

impl link::Fetcher for ToPlugins {
    fn fetch(
        &self,
        caller: Caller,
        request: http::Request<link::Body>,
    ) -> LocalBoxFuture<'static, Result<http::Response<link::BoxedBody>, FetchError>> {
        self.0.call(&caller, request)
    }
}

fn options() -> PlaneOptions {
    PlaneOptions { workers: 1, ..PlaneOptions::default() }
}

impl Bench {
    fn new(options: PlaneOptions) -> Self {
        let (plane, failures) =
            DataPlane::start(options, |dispatcher| Rc::new(ToPlugins(dispatcher))).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self { plane, failures, listener, next: 0 }
    }

    /// A process of a plugin, installed but not published; one shim for each worker.
    async fn install(&mut self, plugin: &Arc<Plugin>) -> (Generation, Vec<FakeShim>) {
        self.next += 1;
        let generation = Generation(self.next);
        let (sockets, shims): (Vec<_>, Vec<_>) = (0..self.plane.workers())
            .map(|_| UnixStream::pair().unwrap())
            .map(|(a, b)| (a, FakeShim::new(b)))
            .unzip();
        let install = Install {
            plugin: Arc::clone(plugin),
            generation,
            sockets,
            deadline: Duration::from_secs(30),
            witness: None,
        };
        let plane = self.plane.clone();
        let installed = tokio::task::spawn_local(async move { plane.install(install).await });
        let mut ready = Vec::new();
        for mut shim in shims {
            // Reading the ping answers it.
            shim.socket.readable().await.unwrap();
            shim.socket.try_read_buf(shim.conn.space(1024)).unwrap();
            assert!(shim.conn.next_event().unwrap().is_none());
            shim.flush().await;
            ready.push(shim);
        }
        installed.await.unwrap().unwrap();
        (generation, ready)
    }

    /// A published plugin with one worker's shim.
    async fn plugin(&mut self, prefix: &str, limits: Limits) -> (Arc<Plugin>, FakeShim) {
        let plugin = Plugin::new(prefix.trim_matches('/'), prefix, limits, Grants::default());
        let (generation, mut shims) = self.install(&plugin).await;
        self.route(&plugin, Target::Ready([generation].into()));
        (plugin, shims.remove(0))
    }

    /// Sets a plugin's target beside the routes that are there.
    fn route(&self, plugin: &Arc<Plugin>, target: Target) {
        let mut routes: Vec<Route> =
            self.plane.routes().iter().filter(|r| r.plugin.prefix != plugin.prefix).cloned().collect();
        routes.push(Route { plugin: Arc::clone(plugin), target, published: None });
        self.plane.publish(Routes::build(routes).unwrap());
    }

    async fn connect(&self) -> Client {
        let address = self.listener.local_addr().unwrap();
        let (client, accepted) =
            (std::net::TcpStream::connect(address).unwrap(), self.listener.accept().unwrap());
        self.plane.accept(accepted.0, accepted.1).await;
        client.set_nonblocking(true).unwrap();
        Client { stream: TcpStream::from_std(client).unwrap(), buffer: bytes::BytesMut::new() }
    }

    /// Waits until no connection is counted any more.
    async fn all_places_are_free(&self) {
        while !self.plane.0.places.are_all_free() {
            tokio::task::yield_now().await;
        }
    }

    /// One request on a connection of its own.
    async fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect().await;
        client.send(request).await;
        client.answer().await
    }
}

/// A client that sends what a test writes.
struct Client {
    stream: TcpStream,
    buffer: bytes::BytesMut,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    /// All of it, unchunked; `None` when it broke off.
    body: Option<Vec<u8>>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_ref().expect("the body broke off")).unwrap()
    }

    /// Checks a problem and returns it.
    fn problem(&self, status: u16, slug: &str, plugin: Option<&str>) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(self.text()).unwrap();
        assert_eq!(problem["type"], format!("urn:valor:problem:{slug}"), "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem.get("plugin").and_then(|p| p.as_str()), plugin);
        assert_eq!(problem["request_id"], self.headers["x-correlation-id"]);
        assert_eq!(self.headers.get("x-valor-plugin").map(String::as_str), plugin);
        problem
    }
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Where a refusal may come before all was written.
    async fn try_send(&mut self, bytes: &[u8]) {
        let _refused = self.stream.write_all(bytes).await;
    }

    async fn more(&mut self) -> bool {
        // A reset is an end as well.
        self.stream.read_buf(&mut self.buffer).await.is_ok_and(|n| n > 0)
    }

    /// Takes bytes up to and with `end`.
    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|w| w == end) {
                return Some(self.buffer.split_to(at + end.len()).to_vec());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, n: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < n {
            if !self.more().await {
                return None;
            }
        }
        Some(self.buffer.split_to(n).to_vec())
    }

    async fn head(&mut self) -> Answer {
        let head = String::from_utf8(self.until(b"\r\n\r\n").await.expect("no answer")).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HashMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let before = headers.insert(name.to_owned(), value.trim().to_owned());
            assert!(before.is_none(), "{name} twice");
        }
        Answer { status, headers, body: None }
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.until(b"\r\n").await?;
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16).unwrap();
        let mut chunk = self.exactly(size + 2).await?;
        chunk.truncate(size);
        Some(chunk)
    }

    async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        answer.body = if let Some(length) = answer.headers.get("content-length") {
            self.exactly(length.parse().unwrap()).await
        } else if answer.headers.contains_key("transfer-encoding") {
            let mut body = Some(Vec::new());
            loop {
                match self.chunk().await {
                    Some(chunk) if chunk.is_empty() => break body,
                    Some(chunk) => body.as_mut().unwrap().extend(chunk),
                    None => break None,
                }
            }
        } else {
            Some(Vec::new())
        };
        answer
    }

    async fn closed(&mut self) -> bool {
        while self.more().await {}
        self.buffer.is_empty()
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}
