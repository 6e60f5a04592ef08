//! A worker against a daemon's end of the wire, over real socketpairs, with a handler that writes down what it sees.

mod background;
mod backpressure;
mod exchanges;
mod fetches;
mod random;
mod waking;

use std::collections::VecDeque;
use std::io::{IoSlice, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use valor_wire::{Connection, Event, Limits, RequestHead, ResetCode, Role, StreamId, Violation};

use super::{Exchange, Handler, Head, Pumped, Received, Refused, Worker};

/// The daemon's end of one data socket.
struct Daemon {
    socket: UnixStream,
    connection: Connection,
    seen: VecDeque<Seen>,
}

/// An event as the daemon saw it.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Request { id: StreamId, method: String, target: String, parent: Option<StreamId>, end: bool },
    Response { id: StreamId, status: u16, fields: Vec<(String, String)>, end: bool },
    Data { id: StreamId, len: usize, end: bool },
    Reset { id: StreamId, code: ResetCode, reason: String },
    Stop { id: StreamId },
    Pong(u64),
    Background(bool),
}

impl Daemon {
    fn request(&mut self, target: &str, end: bool) -> StreamId {
        let head = RequestHead { method: "GET", target, deadline_ms: 5000, parent: None };
        let fields: [(&[u8], &[u8]); 2] = [(b"host", b"example.org"), (b"x-odd", b"1")];
        self.connection.open(&head, fields, end).unwrap()
    }

    fn body(&mut self, id: StreamId, bytes: &'static [u8], end: bool) {
        self.connection.send_data(id, bytes::Bytes::from_static(bytes), end).unwrap();
    }

    /// Writes as much as the socket takes.
    fn send(&mut self) {
        while !self.connection.outbox().is_empty() {
            let mut parts = [IoSlice::new(&[]); 8];
            let filled = self.connection.outbox().slices(&mut parts);
            match self.socket.write_vectored(&parts[..filled]) {
                Ok(n) => self.connection.written(n),
                Err(_) => return,
            }
        }
    }

    /// Reads what is there, gives credit back, and returns whether anything was.
    fn receive(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut buffer = [0; 64 * 1024];
            let n = match self.socket.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => n,
            };
            any = true;
            self.connection.space(n).extend_from_slice(&buffer[..n]);
            let mut taken = Vec::new();
            while let Some(event) = self.connection.next_event().unwrap() {
                if let Event::Data { id, ref data, .. } = event {
                    taken.push((id, data.len()));
                }
                self.seen.extend(Seen::of(&event));
            }
            for (id, n) in taken {
                self.connection.consumed(id, n);
            }
        }
        self.send();
        any
    }

    fn next(&mut self) -> Option<Seen> {
        self.receive();
        self.seen.pop_front()
    }
}

impl Seen {
    fn of(event: &Event<'_>) -> Option<Self> {
        Some(match event {
            Event::Request { id, head, end } => Self::Request {
                id: *id,
                method: head.method.into(),
                target: head.target.into(),
                parent: head.parent,
                end: *end,
            },
            Event::Response { id, head, end } => Self::Response {
                id: *id,
                status: head.status,
                fields: head
                    .fields
                    .iter()
                    .map(|(_, n, v)| (n.to_owned(), String::from_utf8(v.to_vec()).unwrap()))
                    .collect(),
                end: *end,
            },
            Event::Data { id, data, end } => Self::Data { id: *id, len: data.len(), end: *end },
            Event::Reset { id, code, reason } => {
                Self::Reset { id: *id, code: *code, reason: (*reason).into() }
            }
            Event::Stop { id } => Self::Stop { id: *id },
            Event::Pong { value } => Self::Pong(*value),
            Event::Background { any } => Self::Background(*any),
            Event::Window { .. } => return None,
        })
    }
}

/// What the handler was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Request { target: String, fields: Vec<(String, String)>, end: bool },
    Event(usize, u32),
    Release(usize),
    Violation(Violation),
}

/// Keeps the exchanges, unless `answer` deals with them.
#[derive(Default)]
struct Plugin {
    told: Vec<Told>,
    exchanges: Vec<Exchange>,
    answer: Option<fn(Exchange, &Head<'_>)>,
    on_event: Option<Box<dyn FnMut(usize, u32)>>,
}

impl Handler for Plugin {
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>) {
        let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        let fields = head.fields().map(|(n, v)| (text(n), text(v))).collect();
        self.told.push(Told::Request { target: head.target.into(), fields, end: head.end });
        match self.answer {
            Some(answer) => answer(exchange, head),
            None => self.exchanges.push(exchange),
        }
    }
    fn on_event(&mut self, user: usize, events: u32) {
        self.told.push(Told::Event(user, events));
        if let Some(call) = &mut self.on_event {
            call(user, events);
        }
    }
    fn on_release(&mut self, user: usize) {
        self.told.push(Told::Release(user));
    }
    fn on_violation(&mut self, _: usize, violation: &Violation) {
        self.told.push(Told::Violation(violation.clone()));
    }
}

impl Plugin {
    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}

/// A worker with `n` sockets, bound to this thread, and a counter of its wake-ups.
fn worker(n: usize) -> (Arc<Worker>, Vec<Daemon>, Arc<AtomicUsize>) {
    let mut daemons = Vec::new();
    let mut sockets: Vec<OwnedFd> = Vec::new();
    for _ in 0..n {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        sockets.push(ours.into());
        daemons.push(Daemon {
            socket: theirs,
            connection: Connection::new(Role::Daemon, Limits::default()),
            seen: VecDeque::new(),
        });
    }
    let worker = Worker::new(sockets, Limits::default());
    worker.bind();
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    worker.set_wake(Some(Box::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    })));
    (worker, daemons, woken)
}

fn ok(exchange: &Exchange, body: &[u8], end: bool) -> Result<(), Refused> {
    exchange.respond(200, [(&b"content-type"[..], &b"text/plain"[..])], &mut Some(body), end)
}

const IDLE: Pumped = Pumped { drained: true, want_write: false, closed: false };
