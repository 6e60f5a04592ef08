//! The data plane alone, with a peer in this process that answers as `hello` does: what callgrind can follow, since
//! valgrind knows neither the calls that start processes nor the sandbox (`daemon/benches/cost.sh`).

use std::io::{IoSlice, Write as _};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use valor_wire::{Connection, Event, Limits, Role};
use valord::link::{self, Caller, FetchError, Fetcher};
use valord::plane::{DataPlane, Install, PlaneOptions};
use valord::plugin::{self, Generation, Grants, Plugin};
use valord::routes::{Route, Routes, Target};

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8093".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = PlaneOptions { workers: 1, ..PlaneOptions::default() };
        let (plane, _failures) = DataPlane::start(options, |_| Rc::new(NoFetch) as Rc<dyn Fetcher>)?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        std::thread::Builder::new().name("peer".to_owned()).spawn(move || answer(theirs))?;
        let plugin = Plugin::new("hello", "/hello", plugin::Limits::default(), Grants::default());
        let generation = Generation(1);
        let deadline = Duration::from_secs(20);
        let install =
            Install { plugin: plugin.clone(), generation, sockets: vec![ours], deadline, witness: None };
        plane.install(install).await?;
        plane.publish(Routes::build(vec![Route { plugin, target: Target::Ready([generation].into()) }])?);
        let listener = tokio::net::TcpListener::bind(address).await?;
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, peer) = accepted?;
                    plane.accept(stream.into_std()?, peer).await;
                }
                signal = tokio::signal::ctrl_c() => return Ok(signal?),
            }
        }
    })
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
