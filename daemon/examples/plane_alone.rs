//! `plane_alone N [PLUGINS]`: the data plane alone, asked N times one after the other by a client in this process, with a peer that answers
//! as `hello` does, beside other plugins that are idle, for `daemon/benches`: valgrind knows neither the calls that start processes nor the sandbox. The
//! threads, in their order: main, the data worker, the peer, the client.

use std::io::{IoSlice, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use futures_util::future::LocalBoxFuture;
use valor_wire::{Connection, Event, Limits, Role};
use valord::link::{self, Caller, FetchError, Fetcher};
use valord::plane::{DataPlane, Install, PlaneOptions};
use valord::plugin::{self, Generation, Grants, Plugin};
use valord::routes::{Route, Routes, Target};

fn main() -> anyhow::Result<()> {
    let count: usize = std::env::args().nth(1).context("usage: plane_alone N [PLUGINS]")?.parse()?;
    let plugins: u64 = std::env::args().nth(2).map_or(Ok(1), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = PlaneOptions { workers: 1, ..PlaneOptions::default() };
        let (plane, _failures) = DataPlane::start(options, |_| Rc::new(NoFetch) as Rc<dyn Fetcher>)?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        std::thread::Builder::new().name("peer".to_owned()).spawn(move || answer(theirs))?;
        let mut routes = vec![install(&plane, "hello", Generation(1), ours).await?];
        let mut idle = Vec::new();
        for number in 2..=plugins {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            let pinged = std::thread::spawn(move || pong(theirs));
            routes.push(install(&plane, &format!("idle-{number}"), Generation(number), ours).await?);
            idle.push(pinged.join().map_err(|_| anyhow!("a peer has panicked"))??);
        }
        plane.publish(Routes::build(routes)?);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let client =
            std::thread::Builder::new().name("client".to_owned()).spawn(move || ask(address, count))?;
        let (stream, peer) = listener.accept().await?;
        plane.accept(stream.into_std()?, peer).await;
        tokio::task::spawn_blocking(|| client.join())
            .await?
            .map_err(|_| anyhow!("the client has panicked"))?
    })
}

async fn install(
    plane: &DataPlane,
    name: &str,
    generation: Generation,
    socket: UnixStream,
) -> anyhow::Result<Route> {
    let plugin = Plugin::new(name, &format!("/{name}"), plugin::Limits::default(), Grants::default());
    let deadline = Duration::from_secs(20);
    let install =
        Install { plugin: plugin.clone(), generation, sockets: vec![socket], deadline, witness: None };
    plane.install(install).await?;
    Ok(Route { plugin, target: Target::Ready([generation].into()), published: None })
}

/// Answers the ping of an installation, and nothing after it.
fn pong(mut socket: UnixStream) -> anyhow::Result<UnixStream> {
    let mut connection = Connection::new(Role::Shim, Limits::default());
    while connection.outbox().is_empty() {
        rustix::io::read(&socket, rustix::buffer::spare_capacity(connection.space(4096)))?;
        while connection.next_event()?.is_some() {}
    }
    let mut slices = [IoSlice::new(&[]); 4];
    let filled = connection.outbox().slices(&mut slices);
    for slice in &slices[..filled] {
        socket.write_all(slice)?;
    }
    Ok(socket)
}

/// One connection, one request at a time.
fn ask(address: SocketAddr, count: usize) -> anyhow::Result<()> {
    const REQUEST: &str = "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8091\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\
        Accept-Language: en\r\nUser-Agent: bench\r\nX-Request-Id: 0123456789abcdef\r\n\r\n";
    const BODY: &[u8] = b"OK response from a plugin";
    let mut stream = TcpStream::connect(address)?;
    let mut buffer = [0; 4096];
    for _ in 0..count {
        stream.write_all(REQUEST.as_bytes())?;
        let mut have = 0;
        while !buffer[..have].ends_with(BODY) {
            let n = stream.read(&mut buffer[have..])?;
            ensure!(n > 0, "the connection was closed after {:?}", String::from_utf8_lossy(&buffer[..have]));
            have += n;
        }
        ensure!(buffer.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&buffer[..have]));
    }
    Ok(())
}

/// Answers every request at once, all of a read with one write, like the shim.
fn answer(mut socket: UnixStream) -> anyhow::Result<()> {
    let mut connection = Connection::new(Role::Shim, Limits::default());
    loop {
        rustix::io::read(&socket, rustix::buffer::spare_capacity(connection.space(64 * 1024)))?;
        while let Some(event) = connection.next_event()? {
            if let Event::Request { id, .. } = event {
                let fields: [(&[u8], &[u8]); 1] = [(b"content-type", b"text/plain; charset=utf-8")];
                connection.respond(id, 200, fields, false)?;
                connection.send_slice(id, b"OK response from a plugin", true)?;
            }
        }
        while !connection.outbox().is_empty() {
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = connection.outbox().slices(&mut slices);
            let n = socket.write_vectored(&slices[..filled])?;
            connection.written(n);
        }
    }
}

/// Nobody fetches here.
struct NoFetch;

impl Fetcher for NoFetch {
    fn fetch(
        &self,
        _: Caller,
        _: http::Request<link::Body>,
    ) -> LocalBoxFuture<'static, Result<http::Response<link::BoxedBody>, FetchError>> {
        Box::pin(std::future::pending())
    }
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
