//! The daemon's end of a data socket; calls wait until what they ask for is there.

#![allow(dead_code, reason = "each shim's tests use their part of it")]

use std::io::{IoSlice, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use valor_wire::{Connection, Event, Field, Limits, RequestHead, ResetCode, Role, StreamId};

/// Longer than anything takes: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    ours.set_write_timeout(Some(PATIENCE)).unwrap();
    (ours, theirs)
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// It was aborted, before or after its head.
    pub(crate) reset: Option<(ResetCode, String)>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.reset, None, "{}", String::from_utf8_lossy(&self.body));
        str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// How it was aborted.
    pub(crate) fn code(&self) -> Option<ResetCode> {
        self.reset.as_ref().map(|(code, _)| *code)
    }
}

/// One data socket.
pub(crate) struct Link {
    pub(crate) socket: UnixStream,
    connection: Connection,
    seen: Vec<Seen>,
    /// The last pong.
    pong: Option<u64>,
    /// Whether there is work that outlives its requests.
    pub(crate) background: bool,
    /// Whether bodies are taken as they come.
    pub(crate) greedy: bool,
}

/// What was seen on the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Request {
        id: StreamId,
        method: String,
        target: String,
        fields: Vec<(String, String)>,
        parent: Option<StreamId>,
    },
    Response {
        id: StreamId,
        status: u16,
        fields: Vec<(String, String)>,
    },
    Data {
        id: StreamId,
        data: Bytes,
    },
    End {
        id: StreamId,
    },
    Reset {
        id: StreamId,
        code: ResetCode,
        reason: String,
    },
    Stop {
        id: StreamId,
    },
}

impl Seen {
    pub(crate) fn id(&self) -> StreamId {
        match self {
            Self::Request { id, .. }
            | Self::Response { id, .. }
            | Self::Data { id, .. }
            | Self::End { id }
            | Self::Stop { id }
            | Self::Reset { id, .. } => *id,
        }
    }
}

impl Link {
    pub(crate) fn new(socket: UnixStream) -> Self {
        let connection = Connection::new(Role::Daemon, Limits::default());
        Self { socket, connection, seen: Vec::new(), pong: None, background: false, greedy: true }
    }

    pub(crate) fn open(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        deadline_ms: u32,
        end: bool,
    ) -> StreamId {
        let head = RequestHead { method, target, deadline_ms, parent: None };
        let id = self.connection.open(&head, wire(fields), end).unwrap();
        self.flush();
        id
    }

    /// Opens a request without a body that is sent with the next [`flush`](Self::flush).
    pub(crate) fn queue(&mut self, method: &str, target: &str, deadline_ms: u32) -> StreamId {
        let head = RequestHead { method, target, deadline_ms, parent: None };
        self.connection.open(&head, wire(&[]), true).unwrap()
    }

    pub(crate) fn send(&mut self, id: StreamId, data: &[u8], end: bool) {
        let mut rest = data;
        loop {
            let room = self.connection.capacity(id).min(rest.len());
            let (part, more) = rest.split_at(room);
            let last = more.is_empty();
            self.connection.send_data(id, Bytes::copy_from_slice(part), end && last).unwrap();
            self.flush();
            rest = more;
            if last {
                return;
            }
            self.receive();
        }
    }

    /// How much may be sent now.
    pub(crate) fn capacity(&self, id: StreamId) -> usize {
        self.connection.capacity(id)
    }

    pub(crate) fn respond(&mut self, id: StreamId, status: u16, fields: &[(&str, &str)], end: bool) {
        self.connection.respond(id, status, wire(fields), end).unwrap();
        self.flush();
    }

    pub(crate) fn reset(&mut self, id: StreamId, code: ResetCode, reason: &str) {
        self.connection.reset(id, code, reason);
        self.flush();
    }

    /// Takes so many bytes of a body that was left lying.
    pub(crate) fn consume(&mut self, id: StreamId, n: usize) {
        self.connection.consumed(id, n);
        self.flush();
    }

    /// Waits until what was sent before is heard.
    pub(crate) fn ping(&mut self) {
        assert!(self.connection.ping(3));
        self.flush();
        while self.pong.take() != Some(3) {
            self.receive();
        }
    }

    /// Waits until there is no work that outlives its requests.
    pub(crate) fn rest(&mut self) {
        while self.background {
            self.receive();
        }
    }

    /// The next thing seen that is wanted.
    pub(crate) fn next(&mut self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        loop {
            if let Some(at) = self.seen.iter().position(&wanted) {
                return self.seen.remove(at);
            }
            self.receive();
        }
    }

    /// The next fetch of the plugin.
    pub(crate) fn fetch(&mut self) -> Seen {
        self.next(|seen| matches!(seen, Seen::Request { .. }))
    }

    /// The rest of the body of `id`.
    pub(crate) fn body(&mut self, id: StreamId) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            match self.next(|seen| seen.id() == id && !matches!(seen, Seen::Stop { .. })) {
                Seen::Data { data, .. } => body.extend_from_slice(&data),
                Seen::End { .. } => return body,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The whole answer to `id`.
    pub(crate) fn answer(&mut self, id: StreamId) -> Answer {
        let mut answer = Answer { status: 0, fields: Vec::new(), body: Vec::new(), reset: None };
        loop {
            match self.next(|seen| seen.id() == id && !matches!(seen, Seen::Stop { .. })) {
                Seen::Response { status, fields, .. } => (answer.status, answer.fields) = (status, fields),
                Seen::Data { data, .. } => answer.body.extend_from_slice(&data),
                Seen::End { .. } => return answer,
                Seen::Reset { code, reason, .. } => {
                    answer.reset = Some((code, reason));
                    return answer;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn receive(&mut self) {
        let mut buffer = [0; 64 * 1024];
        let n = self.socket.read(&mut buffer).expect("nothing comes");
        assert_ne!(n, 0, "the shim has closed its socket");
        self.connection.space(n).extend_from_slice(&buffer[..n]);
        let mut taken = Vec::new();
        while let Some(event) = self.connection.next_event().unwrap() {
            let text = |b: &[u8]| b.iter().map(|&b| char::from(b)).collect::<String>();
            let (seen, ended) = match event {
                Event::Request { id, head, end } => {
                    let fields = head.fields.iter().map(|(_, n, v)| (n.to_owned(), text(v))).collect();
                    let (method, target) = (head.method.into(), head.target.into());
                    (Seen::Request { id, method, target, fields, parent: head.parent }, end.then_some(id))
                }
                Event::Response { id, head, end } => {
                    let fields = head.fields.iter().map(|(_, n, v)| (n.to_owned(), text(v))).collect();
                    (Seen::Response { id, status: head.status, fields }, end.then_some(id))
                }
                Event::Data { id, data, end } => {
                    taken.push((id, data.len()));
                    (Seen::Data { id, data }, end.then_some(id))
                }
                Event::Reset { id, code, reason } => (Seen::Reset { id, code, reason: reason.into() }, None),
                Event::Stop { id } => (Seen::Stop { id }, None),
                Event::Pong { value } => {
                    self.pong = Some(value);
                    continue;
                }
                Event::Background { any } => {
                    self.background = any;
                    continue;
                }
                Event::Window { .. } => continue,
            };
            self.seen.push(seen);
            self.seen.extend(ended.map(|id| Seen::End { id }));
        }
        for (id, n) in taken.into_iter().filter(|_| self.greedy) {
            self.connection.consumed(id, n);
        }
        self.flush();
    }

    pub(crate) fn flush(&mut self) {
        while !self.connection.outbox().is_empty() {
            let mut parts = [IoSlice::new(&[]); 8];
            let filled = self.connection.outbox().slices(&mut parts);
            let n = self.socket.write_vectored(&parts[..filled]).unwrap();
            self.connection.written(n);
        }
    }
}

fn wire<'a>(fields: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = Field<'a>> {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}
