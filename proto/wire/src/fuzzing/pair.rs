//! Two honest ends, their acts interleaved in any order and the bytes between them cut anywhere.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Input, SMALL};
use crate::{Connection, Event, RequestHead, ResetCode, Role, SendError, StreamId};

/// Turns that any exchange needs to come to its end; each moves all that can be moved.
const TURNS: usize = 64;

struct End {
    connection: Connection,
    /// On its way to this end.
    pipe: Vec<u8>,
    open: Vec<StreamId>,
    sent: HashMap<StreamId, Vec<u8>>,
    got: HashMap<StreamId, Vec<u8>>,
    /// Taken, and no credit given for it yet.
    owed: HashMap<StreamId, usize>,
    counter: u8,
}

/// # Panics
///
/// When an honest end is told of a violation, a byte is lost or out of order, or a stream is left over at the end.
pub fn pair(input: &[u8]) {
    let mut input = Input(input);
    let mut ends = [End::new(Role::Daemon), End::new(Role::Shim)];
    while !input.0.is_empty() {
        let (step, value) = (input.byte(), input.byte());
        let which = usize::from(step & 1);
        match (step >> 1) & 7 {
            0 | 1 => carry(&mut ends, which, usize::from(value)),
            2 => {
                let n = usize::from(value).min(ends[which].pipe.len());
                ends[which].hear(n);
            }
            act => ends[which].act(act, step >> 4, value),
        }
        agree(&ends);
    }
    // Everything comes to its end once both stop and read.
    for _ in 0..TURNS {
        for which in [0, 1] {
            ends[which].close();
            carry(&mut ends, which, usize::MAX);
        }
        for end in &mut ends {
            end.hear(end.pipe.len());
        }
        agree(&ends);
    }
    for end in &ends {
        assert!(end.connection.outbox().is_empty() && end.pipe.is_empty());
        assert_eq!(end.connection.open_streams(), 0, "streams are left over");
    }
}

/// What was received is a beginning of what was sent.
fn agree(ends: &[End; 2]) {
    for (from, to) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
        for (id, got) in &to.got {
            let sent = from.sent.get(id).map_or(&[][..], Vec::as_slice);
            assert!(sent.starts_with(got), "stream {id:?}");
        }
    }
}

/// Moves bytes from an end's outbox to the other's pipe.
fn carry(ends: &mut [End; 2], from: usize, n: usize) {
    let mut slices = [std::io::IoSlice::new(&[]); 64];
    let filled = ends[from].connection.outbox().slices(&mut slices);
    let bytes: Vec<u8> = slices[..filled].iter().flat_map(|s| s.iter().copied()).take(n).collect();
    ends[from].connection.written(bytes.len());
    ends[1 - from].pipe.extend_from_slice(&bytes);
}

impl End {
    fn new(role: Role) -> Self {
        Self {
            connection: Connection::new(role, SMALL),
            pipe: Vec::new(),
            open: Vec::new(),
            sent: HashMap::new(),
            got: HashMap::new(),
            owed: HashMap::new(),
            counter: 0,
        }
    }

    fn act(&mut self, act: u8, pick: u8, value: u8) {
        let id = self.open.get(usize::from(pick) % self.open.len().max(1)).copied();
        match (act, id) {
            (3, _) => {
                let parent = id.filter(|_| value & 2 != 0);
                let head = RequestHead { method: "GET", target: "/", deadline_ms: 7, parent };
                self.open.extend(self.connection.open(&head, [(&b"host"[..], &b"x"[..])], value & 1 == 0));
            }
            (4, Some(id)) => {
                drop(self.connection.respond(id, 200, [(&b"x-a"[..], &b"b"[..])], value & 1 == 0));
            }
            (5, Some(id)) => self.send(id, usize::from(value >> 1), value & 1 == 0),
            (6, Some(id)) => match value {
                0..32 => self.connection.reset(id, ResetCode::Cancel, "no"),
                32..64 => self.connection.stop(id),
                64..80 => _ = self.connection.begin_background(id),
                80..88 => self.connection.end_background(),
                _ => self.give_back(id, usize::from(value)),
            },
            (7, _) => _ = self.connection.ping(u64::from(value)),
            _ => {}
        }
    }

    fn send(&mut self, id: StreamId, n: usize, end: bool) {
        let n = n.min(self.connection.capacity(id));
        self.counter = self.counter.wrapping_add(1);
        let data = vec![self.counter; n];
        match self.connection.send_data(id, Bytes::from(data.clone()), end) {
            Ok(()) => self.sent.entry(id).or_default().extend(data),
            Err(error) => assert!(matches!(error, SendError::Closed | SendError::Order), "{error}"),
        }
    }

    fn give_back(&mut self, id: StreamId, n: usize) {
        let owed = self.owed.entry(id).or_default();
        let n = n.min(*owed);
        *owed -= n;
        self.connection.consumed(id, n);
    }

    /// Ends what this end still has to say, and takes what it was sent.
    fn close(&mut self) {
        for id in self.open.clone() {
            drop(self.connection.respond(id, 200, [], true));
            drop(self.connection.send_data(id, Bytes::new(), true));
            self.give_back(id, usize::MAX);
        }
    }

    fn hear(&mut self, n: usize) {
        let bytes: Vec<u8> = self.pipe.drain(..n).collect();
        self.connection.space(1).extend_from_slice(&bytes);
        loop {
            match self.connection.next_event() {
                Ok(Some(Event::Request { id, head, .. })) => {
                    assert_eq!((head.method, head.target, head.deadline_ms), ("GET", "/", 7));
                    assert_eq!(
                        head.fields.iter().next(),
                        Some((crate::names::id(b"host"), "host", &b"x"[..]))
                    );
                    self.open.push(id);
                }
                Ok(Some(Event::Response { head, .. })) => assert_eq!(head.status, 200),
                Ok(Some(Event::Data { id, data, .. })) => {
                    *self.owed.entry(id).or_default() += data.len();
                    self.got.entry(id).or_default().extend_from_slice(&data);
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(violation) => panic!("an honest peer is told of: {violation}"),
            }
        }
    }
}
