//! Two honest ends that do anything legal in any order, with the bytes cut anywhere: never a violation, never a byte
//! lost or out of order on a stream that nobody aborted, nothing left at the end. And arbitrary bytes never panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::HashMap;

use bytes::Bytes;
use common::{GET, LIMITS, Said, take};
use proptest::prelude::*;
use valor_wire::{Connection, Limits, ResetCode, Role, SendError, StreamId};

/// What one end knows of its streams.
#[derive(Default)]
struct Book {
    open: Vec<StreamId>,
    sent: HashMap<StreamId, Vec<u8>>,
    got: HashMap<StreamId, Vec<u8>>,
    /// Taken but not yet given back.
    owed: HashMap<StreamId, usize>,
    /// Its own direction of these has ended whole.
    ended: Vec<StreamId>,
    /// The peer's direction of these has ended whole.
    finished: Vec<StreamId>,
}

struct End {
    connection: Connection,
    book: Book,
    /// Bytes on their way to this end.
    pipe: Vec<u8>,
    counter: u8,
}

impl End {
    fn new(role: Role, limits: Limits) -> Self {
        Self {
            connection: Connection::new(role, limits),
            book: Book::default(),
            pipe: Vec::new(),
            counter: 0,
        }
    }

    fn act(&mut self, act: u8, pick: u8, amount: u8) {
        let id = self.book.open.get(usize::from(pick) % self.book.open.len().max(1)).copied();
        match (act, id) {
            (0, _) => match self.connection.open(&GET, [], amount.is_multiple_of(3)) {
                Ok(id) => {
                    self.book.open.push(id);
                    if amount.is_multiple_of(3) {
                        self.book.ended.push(id);
                    }
                }
                Err(error) => assert_eq!(error, SendError::NoStream),
            },
            (1, Some(id)) => {
                let end = amount.is_multiple_of(3);
                if self.connection.respond(id, 200, [], end).is_ok() && end {
                    self.book.ended.push(id);
                }
            }
            (2..=4, Some(id)) => self.send(id, usize::from(amount), amount.is_multiple_of(5)),
            (5, Some(id)) if pick.is_multiple_of(2) => self.connection.reset(id, ResetCode::Cancel, "x"),
            (6, Some(id)) if pick.is_multiple_of(2) => self.connection.stop(id),
            (7 | 8, Some(id)) => self.give_back(id, usize::from(amount)),
            (9, _) => _ = self.connection.ping(u64::from(amount)),
            _ => {}
        }
    }

    fn send(&mut self, id: StreamId, amount: usize, end: bool) {
        let n = self.connection.capacity(id).min(amount);
        self.counter = self.counter.wrapping_add(1);
        let data = vec![self.counter; n];
        match self.connection.send_data(id, Bytes::from(data.clone()), end) {
            Ok(()) => {
                self.book.sent.entry(id).or_default().extend(data);
                if end {
                    self.book.ended.push(id);
                }
            }
            Err(error) => assert!(matches!(error, SendError::Closed | SendError::Order), "{error}"),
        }
    }

    fn give_back(&mut self, id: StreamId, amount: usize) {
        let owed = self.book.owed.entry(id).or_default();
        let n = amount.min(*owed);
        *owed -= n;
        self.connection.consumed(id, n);
    }

    /// Reads `n` bytes of its pipe.
    fn hear(&mut self, n: usize) {
        let n = n.min(self.pipe.len());
        let bytes: Vec<u8> = self.pipe.drain(..n).collect();
        for said in common::hear(&mut self.connection, &bytes).expect("an honest peer") {
            match said {
                Said::Request { id, end, .. } => {
                    self.book.open.push(id);
                    if end {
                        self.book.finished.push(id);
                    }
                }
                Said::Response { id, end: true, .. } => self.book.finished.push(id),
                Said::Data { id, data, end } => {
                    *self.book.owed.entry(id).or_default() += data.len();
                    self.book.got.entry(id).or_default().extend_from_slice(&data);
                    if end {
                        self.book.finished.push(id);
                    }
                }
                _ => {}
            }
        }
        for owed in self.book.owed.values() {
            assert!(
                *owed <= self.connection.limits().max_window as usize,
                "more than a window waits for the consumer"
            );
        }
    }

    /// Ends what is open, and lets the peer hear of it.
    fn finish(&mut self, peer: &mut Self) {
        for id in self.book.open.clone() {
            drop(self.connection.respond(id, 200, [], false));
            self.give_back(id, usize::MAX);
            self.send(id, usize::MAX, true);
        }
        self.write_to(peer, usize::MAX);
        peer.hear(usize::MAX);
    }

    fn write_to(&mut self, peer: &mut Self, n: usize) {
        peer.pipe.extend(take(&mut self.connection, n));
    }
}

fn check_bodies(from: &Book, to: &Book) {
    for (id, got) in &to.got {
        let sent = from.sent.get(id).map_or(&[][..], |v| v);
        assert!(sent.starts_with(got), "bytes lost or out of order");
        if to.finished.contains(id) && from.ended.contains(id) {
            assert_eq!(sent, got);
        }
    }
}

fn run(limits: Limits, steps: &[(bool, u8, u8, u8)]) {
    let mut daemon = End::new(Role::Daemon, limits);
    let mut shim = End::new(Role::Shim, limits);
    for &(first, act, pick, amount) in steps {
        let (end, peer) = if first { (&mut daemon, &mut shim) } else { (&mut shim, &mut daemon) };
        match act {
            10..=12 => end.write_to(peer, usize::from(amount) * 4),
            13..=15 => end.hear(usize::from(amount) * 4),
            _ => end.act(act, pick, amount),
        }
    }
    // Both finish what they have open; nothing may be stuck.
    for _ in 0..10_000 {
        daemon.finish(&mut shim);
        shim.finish(&mut daemon);
        if daemon.connection.open_streams() + shim.connection.open_streams() == 0 && daemon.pipe.is_empty() {
            break;
        }
    }
    assert_eq!((daemon.connection.open_streams(), shim.connection.open_streams()), (0, 0), "stuck");
    check_bodies(&daemon.book, &shim.book);
    check_bodies(&shim.book, &daemon.book);
}

fn steps() -> impl Strategy<Value = Vec<(bool, u8, u8, u8)>> {
    proptest::collection::vec((any::<bool>(), 0..16_u8, any::<u8>(), any::<u8>()), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn honest_ends_never_breach(steps in steps()) {
        run(LIMITS, &steps);
    }

    #[test]
    fn nor_with_the_tightest_limits(steps in steps()) {
        let tight = Limits {
            max_data: 1, max_streams: 1, initial_window: 1, max_window: 3, max_buffered: 2, max_queued: 40, ..LIMITS
        };
        run(tight, &steps);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        valor_wire::fuzzing::connection(&bytes);
        for role in [Role::Daemon, Role::Shim] {
            let mut end = Connection::new(role, LIMITS);
            end.open(&GET, [], false).unwrap();
            drop(common::hear(&mut end, &bytes));
        }
    }
}
