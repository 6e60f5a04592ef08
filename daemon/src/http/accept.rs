//! A client's connection, from its socket to its end.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::poll_fn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use slab::Slab;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::HttpOptions;
use super::connection::{Connection, Ticks};
use super::dispatch::{Local, answer};
use super::socket::ClientSocket;

/// How often connections are looked at for being idle or slow.
const TICK: Duration = Duration::from_millis(500);

/// While stopping, for the first request of a connection that was accepted just before.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// h2c: what one stream and one connection may have under way towards us.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;

/// h2c: what a connection may be told to send later.
const SEND_BUFFER: usize = 256 * 1024;
const FRAME: u32 = 16 * 1024;

/// h2c: streams that a client has reset before they were handed on, and that we have reset for its mistakes. One that
/// opens and resets as fast as it can (CVE-2023-44487) is sent away.
const RESET_STREAMS: usize = 20;
const MISTAKES: usize = 128;

/// Runs hyper's tasks on this worker.
#[derive(Debug, Clone, Copy)]
struct OnThisWorker;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnThisWorker {
    fn execute(&self, future: F) {
        // Detached: hyper ends its tasks with the connection.
        drop(tokio::task::spawn_local(async move {
            future.await;
        }));
    }
}

/// Which connections are to end after the request that they have.
#[derive(Debug, Clone, Copy)]
enum Stopping {
    No,
    /// Those that have been used; of the others the first request may be on its way.
    Served,
    All,
}

/// One worker's connections.
pub(crate) struct Front {
    local: Rc<Local>,
    options: HttpOptions,
    builder: Builder<OnThisWorker>,
    connections: RefCell<Slab<Rc<Connection>>>,
    stopping: Cell<Stopping>,
    /// The first connection came, or the last one went.
    changed: Notify,
}

impl Front {
    pub(crate) fn new(local: Rc<Local>, options: HttpOptions) -> Rc<Self> {
        let mut builder = Builder::new(OnThisWorker);
        let mut http1 = builder.http1();
        // Its timer would cost an allocation a request; `Connection::tick` does it for all of them.
        // A head that fits the buffer and not the wire is answered with 431 all the same.
        http1.header_read_timeout(None).max_buf_size(2 * options.max_head.max(16 * 1024));
        if options.max_headers != 100 {
            // hyper keeps up to its own default on the stack.
            http1.max_headers(options.max_headers);
        }
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(options.max_streams)
            .max_header_list_size(u32::try_from(options.max_head).unwrap_or(u32::MAX))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .adaptive_window(false)
            .max_frame_size(FRAME)
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(RESET_STREAMS)
            .max_local_error_reset_streams(MISTAKES)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        Rc::new(Self {
            local,
            options,
            builder,
            connections: RefCell::default(),
            stopping: Cell::new(Stopping::No),
            changed: Notify::new(),
        })
    }

    /// Serves a connection on a task of its own; `guard` is dropped at its end.
    pub(crate) fn serve(
        self: &Rc<Self>,
        stream: std::net::TcpStream,
        peer: SocketAddr,
        guard: impl Sized + 'static,
    ) {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| stream.set_nodelay(true))
            .and_then(|()| TcpStream::from_std(stream));
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%peer, %error, "a client's connection is gone before it is served");
                return;
            }
        };
        let connection = Connection::new(peer, &self.options);
        let key = self.connections.borrow_mut().insert(Rc::clone(&connection));
        self.changed.notify_one();
        let front = Rc::clone(self);
        tokio::task::spawn_local(async move {
            front.run(stream, connection).await;
            front.connections.borrow_mut().remove(key);
            front.changed.notify_one();
            drop(guard);
        });
    }

    /// Serves until the connection ends. While stopping it still reads what has come, so that no request is lost.
    async fn run(&self, stream: TcpStream, connection: Rc<Connection>) {
        let io = TokioIo::new(ClientSocket::new(stream, Rc::clone(&connection), &self.options));
        let service = service_fn(|request| answer(Rc::clone(&self.local), Rc::clone(&connection), request));
        let mut conn = pin!(self.builder.serve_connection(io, service));
        let mut graceful = false;
        poll_fn(|cx| {
            loop {
                connection.register(cx);
                if connection.expired() {
                    return Poll::Ready(());
                }
                if let Poll::Ready(result) = conn.as_mut().poll(cx) {
                    if let Err(error) = result {
                        tracing::debug!(client = %connection.ip, %error, "a client's connection failed");
                    }
                    return Poll::Ready(());
                }
                let ends = match self.stopping.get() {
                    Stopping::No => false,
                    Stopping::Served => connection.has_spoken(),
                    Stopping::All => true,
                };
                if graceful || !ends {
                    return Poll::Pending;
                }
                graceful = true;
                conn.as_mut().graceful_shutdown();
            }
        })
        .await;
    }

    /// Ends connections that take too long over something.
    pub(crate) async fn watch(self: Rc<Self>) {
        let limits = Ticks::new(&self.options, TICK);
        loop {
            if self.connections.borrow().is_empty() {
                self.local.pace.rest();
                self.changed.notified().await;
                continue;
            }
            tokio::time::sleep(TICK).await;
            self.local.pace.tick();
            for (_, connection) in self.connections.borrow().iter() {
                connection.tick(&limits);
            }
        }
    }

    /// Lets every connection finish its request and then closes it; resolves when all are closed.
    pub(crate) async fn stop(&self) {
        self.tell(Stopping::Served);
        if tokio::time::timeout(FIRST_REQUEST, self.closed()).await.is_err() {
            self.tell(Stopping::All);
            self.closed().await;
        }
    }

    fn tell(&self, stopping: Stopping) {
        self.stopping.set(stopping);
        for (_, connection) in self.connections.borrow().iter() {
            connection.wake();
        }
    }

    /// Resolves when there are no connections.
    async fn closed(&self) {
        loop {
            let changed = pin!(self.changed.notified());
            if self.connections.borrow().is_empty() {
                // Others may wait for the same.
                self.changed.notify_one();
                return;
            }
            changed.await;
        }
    }
}
