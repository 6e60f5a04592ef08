//! Lives of random requests and fetches: whatever the order of things, both ends stay within the protocol, every callback is
//! owed to somebody, and nothing is left over.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::EVENT_CANCELLED;
use super::*;

#[derive(Debug, Clone)]
enum Act {
    Open { end: bool },
    Body { which: usize, len: usize, end: bool },
    Cancel { which: usize },
    Answer { which: usize, len: usize, end: bool },
    DaemonReads,
    DaemonWrites,
    Pump,
    Flush,
    SetUser { which: usize },
    Respond { which: usize, len: usize, end: bool },
    Write { which: usize, len: usize, end: bool },
    Read { which: usize },
    Stop { which: usize },
    Reset { which: usize },
    Drop { which: usize },
    Fetch { which: usize, len: usize, end: bool },
}

fn act() -> impl Strategy<Value = Act> {
    let which = 0..8_usize;
    let len = prop_oneof![Just(0), 1..100_usize, 4000..5000_usize, 100_000..400_000_usize];
    let part = (which.clone(), len, any::<bool>());
    prop_oneof![
        1 => any::<bool>().prop_map(|end| Act::Open { end }),
        1 => part.clone().prop_map(|(which, len, end)| Act::Body { which, len, end }),
        1 => which.clone().prop_map(|which| Act::Cancel { which }),
        1 => part.clone().prop_map(|(which, len, end)| Act::Answer { which, len, end }),
        1 => Just(Act::DaemonReads),
        1 => Just(Act::DaemonWrites),
        3 => Just(Act::Pump),
        1 => Just(Act::Flush),
        1 => which.clone().prop_map(|which| Act::SetUser { which }),
        2 => part.clone().prop_map(|(which, len, end)| Act::Respond { which, len, end }),
        2 => part.clone().prop_map(|(which, len, end)| Act::Write { which, len, end }),
        2 => which.clone().prop_map(|which| Act::Read { which }),
        1 => which.clone().prop_map(|which| Act::Stop { which }),
        1 => which.clone().prop_map(|which| Act::Reset { which }),
        1 => which.clone().prop_map(|which| Act::Drop { which }),
        1 => part.prop_map(|(which, len, end)| Act::Fetch { which, len, end }),
    ]
}

struct World {
    worker: Arc<Worker>,
    daemon: Daemon,
    plugin: Plugin,
    /// The daemon's streams: its own requests, and the plugin's fetches.
    asked: Vec<StreamId>,
    fetched: Vec<StreamId>,
    /// By user: whether the last event was told.
    users: HashMap<usize, bool>,
    next_user: usize,
}

impl World {
    fn act(&mut self, act: &Act) {
        match *act {
            Act::Open { end } => {
                let id = self.daemon.request("/", end);
                self.asked.push(id);
            }
            Act::Body { which, len, end } => {
                let ids = &self.asked;
                if !ids.is_empty() {
                    self.send(ids[which % ids.len()], len, end);
                }
            }
            Act::Cancel { which } => {
                if let Some(id) = pick(&self.asked, which).or(pick(&self.fetched, which)) {
                    self.daemon.connection.reset(id, ResetCode::Cancel, "random");
                }
            }
            Act::Answer { which, len, end } => {
                if let Some(id) = pick(&self.fetched, which) {
                    // Refused when it was answered already, and then it is more of the body.
                    drop(self.daemon.connection.respond(id, 200, [], end && len == 0));
                    self.send(id, len, end);
                }
            }
            Act::DaemonReads => {
                self.daemon.receive();
                for seen in self.daemon.seen.drain(..) {
                    if let Seen::Request { id, .. } = seen {
                        self.fetched.push(id);
                    }
                }
            }
            Act::DaemonWrites => self.daemon.send(),
            Act::Pump => {
                assert!(!self.worker.pump(0, &mut self.plugin).closed);
                self.hear();
            }
            Act::Flush => {
                self.worker.flush(&mut self.plugin);
                self.hear();
            }
            Act::SetUser { which } => {
                let user = self.user();
                let set = self.on(which, |e| e.set_user(user).is_ok());
                if set == Some(true) {
                    self.users.insert(user, false);
                }
            }
            Act::Respond { which, len, end } => {
                self.on(which, |e| e.respond(200, [], &mut Some(body(len)), end));
            }
            Act::Write { which, len, end } => {
                self.on(which, |e| e.write(&mut Some(body(len)), end));
            }
            Act::Read { which } => {
                self.on(which, |e| while let Ok(Received::Data(_)) = e.read() {});
            }
            Act::Stop { which } => {
                self.on(which, Exchange::stop);
            }
            Act::Reset { which } => {
                self.on(which, |e| e.reset(ResetCode::Failed, "random"));
            }
            Act::Drop { which } => {
                if !self.plugin.exchanges.is_empty() {
                    let which = which % self.plugin.exchanges.len();
                    drop(self.plugin.exchanges.swap_remove(which));
                }
            }
            Act::Fetch { which, len, end } => {
                let user = self.user();
                let head = RequestHead { method: "PUT", target: "/x", deadline_ms: 1, parent: None };
                let exchanges = &self.plugin.exchanges;
                let parent =
                    (!exchanges.is_empty()).then(|| exchanges[which % exchanges.len()].parent()).flatten();
                if let Ok(fetch) = self.worker.fetch(parent, &head, [], &mut Some(body(len)), end, user) {
                    self.users.insert(user, false);
                    self.plugin.exchanges.push(fetch);
                }
            }
        }
    }

    fn user(&mut self) -> usize {
        self.next_user += 1;
        self.next_user
    }

    fn on<T>(&self, which: usize, call: impl FnOnce(&Exchange) -> T) -> Option<T> {
        let exchanges = &self.plugin.exchanges;
        (!exchanges.is_empty()).then(|| call(&exchanges[which % exchanges.len()]))
    }

    fn send(&mut self, id: StreamId, len: usize, end: bool) {
        let connection = &mut self.daemon.connection;
        let part = body(len.min(connection.capacity(id)));
        // Refused when the stream is over.
        drop(connection.send_data(id, part, end));
    }

    /// Checks the callbacks.
    fn hear(&mut self) {
        for told in self.plugin.told() {
            match told {
                Told::Request { .. } => {}
                Told::Event(user, events) => {
                    let last = self.users.get_mut(&user).expect("an event for nobody");
                    assert!(events != 0 && !*last, "an event after the last one");
                    *last = events & EVENT_CANCELLED != 0;
                }
                Told::Release(user) => {
                    self.users.remove(&user).expect("released twice");
                }
                Told::Violation(violation) => panic!("{violation}"),
            }
        }
    }

    /// Lets go of everything and sees what is left.
    fn finish(mut self) {
        let mut quiet = 0;
        while quiet < 3 {
            let mut moved = !self.plugin.exchanges.is_empty();
            self.plugin.exchanges.clear();
            for id in self.asked.iter().chain(&self.fetched) {
                drop(self.daemon.connection.send_data(*id, bytes::Bytes::new(), true));
            }
            self.daemon.send();
            moved |= self.worker.pump(0, &mut self.plugin) != IDLE;
            moved |= self.daemon.receive() || !self.daemon.connection.outbox().is_empty();
            self.hear();
            quiet = if moved { 0 } else { quiet + 1 };
        }
        assert_eq!(self.daemon.connection.open_streams(), 0, "streams are left");
        assert!(self.users.is_empty(), "not released: {:?}", self.users);
        assert_eq!(self.worker.lock().unwrap().left(), 0, "exchanges are left");
    }
}

fn pick(ids: &[StreamId], which: usize) -> Option<StreamId> {
    (!ids.is_empty()).then(|| ids[which % ids.len()])
}

fn body(len: usize) -> bytes::Bytes {
    static BYTES: [u8; 400_000] = [6; 400_000];
    bytes::Bytes::from_static(&BYTES[..len])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_life_ends_well(acts in prop::collection::vec(act(), 1..120)) {
        let (worker, mut daemons, _) = worker(1);
        let daemon = daemons.remove(0);
        let plugin = Plugin::default();
        let mut world = World {
            worker, daemon, plugin, asked: Vec::new(), fetched: Vec::new(), users: HashMap::new(), next_user: 0,
        };
        for act in &acts {
            world.act(act);
        }
        world.finish();
    }
}
