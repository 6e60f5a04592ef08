//! What comes from the daemon: bytes into events, events into entries.

use std::sync::Arc;

use slab::Slab;
use valor_wire::{Event, ResetCode, StreamId, Violation};

use super::super::entry::{Entry, Sending};
use super::super::link::ReadResult;
use super::super::{EVENT_READABLE, EVENT_RESPONSE, EVENT_WRITABLE, ResponseHead};
use super::{State, owe};

/// Reads in a row before the answers are written: what has come together, a head with its body, is answered together.
const READS: usize = 4;

impl State {
    /// Reads socket `index` and notes what was said. Nobody will hear of requests that are over again already. A
    /// violation closes the socket.
    pub(in super::super) fn receive(&mut self, index: usize) -> Option<Violation> {
        let violation = self.read(index);
        if std::mem::take(&mut self.cancelled) {
            let Self { batch, exchanges, .. } = self;
            let mut unheard = Vec::new();
            batch.retain(|key| {
                let over = exchanges.get(key).is_none_or(|entry| entry.over.is_some());
                unheard.extend(over.then_some(key));
                !over
            });
            for key in unheard {
                self.exchanges.try_remove(key);
            }
        }
        violation
    }

    fn read(&mut self, index: usize) -> Option<Violation> {
        for _ in 0..READS {
            match self.links[index].read() {
                ReadResult::Bytes => {}
                ReadResult::Nothing => return None,
                ReadResult::Closed => {
                    self.close(index, "the connection to valord is closed");
                    return None;
                }
            }
            loop {
                match self.next_event(index) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(violation) => {
                        self.close(index, "valord broke the protocol");
                        return Some(violation);
                    }
                }
            }
            if self.links[index].drained {
                break;
            }
        }
        None
    }

    /// Notes one event of link `index`; `false`: there is none.
    fn next_event(&mut self, index: usize) -> Result<bool, Violation> {
        let Self { links, exchanges, batch, calls, .. } = self;
        let link = &mut links[index];
        let Some(event) = link.connection.next_event()? else {
            return Ok(false);
        };
        match event {
            Event::Request { id, head, end } => {
                let mut entry = Entry::new(index, id, None);
                entry.body_end = end;
                let key = exchanges.insert(entry);
                batch.push(key, &head, end);
                link.bind(id, key);
            }
            Event::Response { id, head, end } => {
                let response = Arc::new(ResponseHead::copy(&head, end));
                let key = link.key(id);
                if let Some(entry) = find(exchanges, key, index, id) {
                    entry.response = Some(response);
                    entry.body_end = end;
                    owe(calls, key, entry, EVENT_RESPONSE);
                }
            }
            Event::Data { id, data, end } => {
                let key = link.key(id);
                if let Some(entry) = find(exchanges, key, index, id) {
                    if !data.is_empty() {
                        entry.body.push_back(data);
                    }
                    entry.body_end |= end;
                    owe(calls, key, entry, EVENT_READABLE);
                }
            }
            Event::Reset { id, code, reason } => {
                let (code, reason) = (code, reason.to_owned());
                self.cancel(index, id, code, &reason);
            }
            Event::Window { id } => {
                let key = link.key(id);
                self.resume(key, Some(id));
            }
            Event::Stop { id } => {
                let key = link.key(id);
                if let Some(entry) = find(exchanges, key, index, id) {
                    let waits = entry.want_write;
                    entry.sending = Sending::Unwanted;
                    entry.kept = bytes::Bytes::new();
                    if waits {
                        owe(calls, key, entry, EVENT_WRITABLE);
                    }
                }
            }
            // The second is never heard by a shim.
            Event::Pong { .. } | Event::Background { .. } => {}
        }
        Ok(true)
    }

    fn cancel(&mut self, index: usize, id: StreamId, code: ResetCode, reason: &str) {
        let key = self.links[index].key(id);
        let Some(entry) = find(&mut self.exchanges, key, index, id) else {
            return;
        };
        // An answer that is out does not become undone by a reset that crossed it.
        if entry.released && entry.kept.is_empty() {
            return;
        }
        entry.cancel(code, reason);
        self.cancelled = true;
        owe(&mut self.calls, key, entry, 0);
        self.sweep(key);
    }

    /// Ends link `index` and every exchange on it.
    fn close(&mut self, index: usize, reason: &str) {
        self.links[index].close();
        self.cancelled = true;
        let mut finished = Vec::new();
        for (key, entry) in self.exchanges.iter_mut().filter(|(_, e)| e.link == index) {
            entry.cancel(ResetCode::Internal, reason);
            owe(&mut self.calls, key, entry, 0);
            if entry.is_finished() {
                finished.push(key);
            }
        }
        for key in finished {
            self.remove(key);
        }
    }
}

/// The exchange that `key` stands for, when it is that of stream `id`.
fn find(exchanges: &mut Slab<Entry>, key: usize, link: usize, id: StreamId) -> Option<&mut Entry> {
    exchanges.get_mut(key).filter(|e| e.id == id && e.link == link)
}
