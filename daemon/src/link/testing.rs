//! The other end of a link, for tests.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Request, Response};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, LocalOptions};
use valor_wire::{Connection, Event, Limits, RequestHead, ResetCode, Role, StreamId};

use super::{Body, BoxedBody, Caller, FetchError, FetchErrorKind, Fetcher, First, Link, LinkOptions, Origin};
use crate::plugin::{self, Entry, Gate, Generation, Permit, Plugin};

/// What the daemon has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Request {
        id: StreamId,
        method: String,
        target: String,
        fields: Vec<(String, String)>,
        end: bool,
    },
    Response {
        id: StreamId,
        status: u16,
        fields: Vec<(String, String)>,
        end: bool,
    },
    Data {
        id: StreamId,
        data: Bytes,
        end: bool,
    },
    Reset {
        id: StreamId,
        code: ResetCode,
        reason: String,
    },
    Window,
    Stop {
        id: StreamId,
    },
    /// The socket is closed.
    Gone,
}

/// A shim that does what a test says.
pub(crate) struct FakeShim {
    pub(crate) socket: UnixStream,
    pub(crate) conn: Connection,
}

impl FakeShim {
    pub(crate) fn new(socket: std::os::unix::net::UnixStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        Self {
            socket: UnixStream::from_std(socket).unwrap(),
            conn: Connection::new(Role::Shim, Limits::default()),
        }
    }

    /// Writes what is queued.
    pub(crate) async fn flush(&mut self) {
        while !self.conn.outbox().is_empty() {
            let mut slices = [IoSlice::new(&[]); 8];
            let filled = self.conn.outbox().slices(&mut slices);
            self.socket.writable().await.unwrap();
            match self.socket.try_write_vectored(&slices[..filled]) {
                Ok(n) => self.conn.written(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// The next thing that the daemon says; pings are answered, and windows skipped.
    pub(crate) async fn next(&mut self) -> Said {
        loop {
            let said = self.next_or_window().await;
            if said != Said::Window {
                return said;
            }
        }
    }

    pub(crate) async fn next_or_window(&mut self) -> Said {
        loop {
            if let Some(event) = self.conn.next_event().unwrap() {
                return said(event);
            }
            self.flush().await;
            self.socket.readable().await.unwrap();
            match self.socket.try_read_buf(self.conn.space(64 * 1024)) {
                Ok(0) => return Said::Gone,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Said::Gone,
            }
        }
    }

    /// The next request's id; its body is not waited for.
    pub(crate) async fn request(&mut self) -> StreamId {
        match self.next().await {
            Said::Request { id, .. } => id,
            other => panic!("no request but {other:?}"),
        }
    }

    pub(crate) async fn answer(&mut self, id: StreamId, status: u16, fields: &[(&str, &str)], body: &[u8]) {
        self.respond(id, status, fields, body.is_empty());
        if !body.is_empty() {
            self.conn.send_data(id, Bytes::copy_from_slice(body), true).unwrap();
        }
        self.flush().await;
    }

    pub(crate) fn respond(&mut self, id: StreamId, status: u16, fields: &[(&str, &str)], end: bool) {
        let fields = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
        self.conn.respond(id, status, fields, end).unwrap();
    }

    pub(crate) async fn send(&mut self, id: StreamId, data: &[u8], end: bool) {
        self.conn.send_data(id, Bytes::copy_from_slice(data), end).unwrap();
        self.flush().await;
    }

    pub(crate) async fn fetch(&mut self, target: &str, parent: Option<StreamId>, end: bool) -> StreamId {
        let head = RequestHead { method: "POST", target, deadline_ms: 0, parent };
        let id = self.conn.open(&head, [], end).unwrap();
        self.flush().await;
        id
    }
}

fn said(event: Event<'_>) -> Said {
    let fields = |fields: valor_wire::Fields<'_>| {
        fields
            .iter()
            .map(|(_, name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
            .collect()
    };
    match event {
        Event::Request { id, head, end } => Said::Request {
            id,
            method: head.method.to_owned(),
            target: head.target.to_owned(),
            fields: fields(head.fields),
            end,
        },
        Event::Response { id, head, end } => {
            Said::Response { id, status: head.status, fields: fields(head.fields), end }
        }
        Event::Data { id, data, end } => Said::Data { id, data, end },
        Event::Reset { id, code, reason } => Said::Reset { id, code, reason: reason.to_owned() },
        Event::Stop { id } => Said::Stop { id },
        Event::Window { .. } | Event::Pong { .. } | Event::Background { .. } => Said::Window,
    }
}

/// What became of a fetch in [`Fetches`].
pub(crate) type Fetched = Result<Response<BoxedBody>, FetchError>;

/// Answers fetches.
pub(crate) type Answering = Box<dyn FnMut(Request<Body>) -> LocalBoxFuture<'static, Fetched>>;

/// A fetcher that notes the callers and answers with what a test has put there.
#[derive(Default)]
pub(crate) struct Fetches {
    pub(crate) callers: RefCell<Vec<Caller>>,
    pub(crate) answer: RefCell<Option<Answering>>,
}

impl Fetcher for Fetches {
    fn fetch(&self, caller: Caller, request: Request<Body>) -> LocalBoxFuture<'static, Fetched> {
        self.callers.borrow_mut().push(caller);
        match &mut *self.answer.borrow_mut() {
            Some(answer) => answer(request),
            None => Box::pin(async {
                Err(FetchError {
                    kind: FetchErrorKind::Unreachable,
                    reason: "nothing is reachable".to_owned(),
                })
            }),
        }
    }
}

/// A link with a fake shim, on this thread.
pub(crate) struct Pair {
    pub(crate) link: Rc<Link>,
    pub(crate) shim: FakeShim,
    pub(crate) fetches: Rc<Fetches>,
    pub(crate) driver: tokio::task::JoinHandle<super::Ended>,
}

impl Pair {
    pub(crate) fn new(limits: plugin::Limits, options: &LinkOptions) -> Self {
        let plugin = Plugin::new("tester", "/t", limits, plugin::Grants::default());
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let fetches = Rc::new(Fetches::default());
        let link = Link::new(plugin, Generation(1), 0, options, Rc::clone(&fetches) as Rc<dyn Fetcher>, None);
        let driver = tokio::task::spawn_local(Rc::clone(&link).drive(ours));
        Self { link, shim: FakeShim::new(theirs), fetches, driver }
    }

    pub(crate) fn permit(&self) -> Permit<Rc<Link>> {
        match Gate::enter(Rc::clone(&self.link)) {
            Entry::Entered(permit) => permit,
            other => panic!("the gate is closed: {other:?}"),
        }
    }

    /// Opens a request with the plugin's own deadline.
    pub(crate) fn open(&self, first: First) -> (super::Exchange, Option<super::Source>) {
        let deadline = Some(std::time::Instant::now() + self.link.plugin().timeout());
        let origin = Origin { deadline, depth: 0, request_id: None };
        self.link.open("POST", "/x?y", [], first, origin, self.permit()).unwrap()
    }
}

/// Runs a test on a worker's kind of runtime; nothing takes longer than the limit, which only a failure reaches.
pub(crate) fn run<F: Future>(test: impl FnOnce() -> F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test())
            .await
            .expect("the test waits for something that never comes")
    })
}

/// Limits with short deadlines.
pub(crate) fn short(timeout_ms: u64) -> plugin::Limits {
    let timeout = Duration::from_millis(timeout_ms);
    plugin::Limits { timeout, idle_timeout: timeout, ..plugin::Limits::default() }
}
