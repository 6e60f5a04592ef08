//! What a worker's lock guards: sockets, exchanges, and the callbacks that are owed.

mod arrive;
mod background;

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use slab::Slab;
use valor_wire::{Field, Limits, RequestHead, ResetCode, StreamId};

use super::Pumped;
use super::background::Parent;
use super::batch::Batch;
use super::entry::{Entry, Sending};
use super::exchange::{Refused, Source};
use super::link::Link;

/// How often one flush writes to one socket, whose peer may be reading all the time.
const ROUNDS: usize = 8;

#[derive(Debug)]
pub(super) struct State {
    links: Vec<Link>,
    exchanges: Slab<Entry>,
    /// valord is told of work that outlives its requests.
    pub(super) tells_of_background: bool,
    /// Callbacks in the order in which they became due.
    calls: VecDeque<Due>,
    /// Request heads on their way to the plugin; buffers that are reused.
    pub(super) batch: Batch,
    /// Some of them may be over already.
    cancelled: bool,
    /// A pump or flush of the worker's thread is under way, and will see to everything before it ends.
    pub(super) pumping: bool,
    /// The loop was woken and has not flushed since.
    pub(super) woken: bool,
    /// Something waits for a flush.
    pub(super) dirty: bool,
    /// Where the next fetch without a parent goes.
    next_link: usize,
}

/// A callback that is owed. The exchange of an `Event` may be gone by then, or have nothing to say any more.
#[derive(Debug)]
enum Due {
    Event(usize),
    Release(usize),
}

/// A callback to be made.
pub(super) enum Call {
    Event { user: usize, events: u32 },
    Release { user: usize },
}

impl State {
    pub(super) fn new(sockets: Vec<OwnedFd>, limits: Limits) -> Self {
        Self {
            links: sockets.into_iter().map(|socket| Link::new(socket, limits)).collect(),
            exchanges: Slab::new(),
            tells_of_background: false,
            calls: VecDeque::new(),
            batch: Batch::default(),
            cancelled: false,
            pumping: false,
            woken: false,
            dirty: false,
            next_link: 0,
        }
    }

    /// Goes on with what exchange `key` has to send.
    fn resume(&mut self, key: usize, id: Option<StreamId>) {
        let Some(entry) = self.exchanges.get_mut(key).filter(|e| id.is_none_or(|id| e.id == id)) else {
            return;
        };
        if entry.over.is_some() {
            return;
        }
        if entry.resume(&mut self.links[entry.link].connection) {
            owe(&mut self.calls, key, entry, 0);
        }
        self.sweep(key);
    }

    /// Forgets an exchange that was released, when nothing of it is left to be sent.
    fn sweep(&mut self, key: usize) {
        if self.exchanges.get(key).is_some_and(Entry::is_finished) {
            self.remove(key);
        }
    }

    /// Writes to every socket that has something to write.
    pub(super) fn send(&mut self) {
        for index in 0..self.links.len() {
            for _ in 0..ROUNDS {
                let link = &mut self.links[index];
                if link.closed || link.connection.outbox().is_empty() || !link.write() {
                    break;
                }
                // A congestion has ended: everybody who waited for that may go on.
                let waiting = |e: &Entry| e.link == index && (e.want_write || !e.kept.is_empty());
                let keys: Vec<usize> =
                    self.exchanges.iter().filter(|(_, e)| waiting(e)).map(|(key, _)| key).collect();
                for key in keys {
                    self.resume(key, None);
                }
            }
            self.links[index].wait_for_more();
        }
    }

    /// The next callback that is owed.
    pub(super) fn next_call(&mut self) -> Option<Call> {
        while let Some(due) = self.calls.pop_front() {
            match due {
                Due::Release(user) => return Some(Call::Release { user }),
                Due::Event(key) => {
                    let Some(entry) = self.exchanges.get_mut(key) else {
                        continue;
                    };
                    let Some(user) = entry.user else { continue };
                    let events = entry.take_due();
                    if events != 0 {
                        return Some(Call::Event { user, events });
                    }
                }
            }
        }
        None
    }

    /// Whether callbacks are owed.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Whether a link is blocked that the loop does not know of: it has to flush to be told.
    pub(super) fn has_news(&self) -> bool {
        self.links.iter().any(|l| l.blocked && !l.told)
    }

    /// The result of a pump of link `index`, or of a flush of all links by the worker's loop.
    pub(super) fn tell(&mut self, index: Option<usize>) -> Pumped {
        match index {
            Some(index) => {
                let link = &mut self.links[index];
                link.told = link.blocked;
                Pumped { drained: link.drained, want_write: link.blocked, closed: link.closed }
            }
            None => {
                self.links.iter_mut().for_each(|l| l.told = l.blocked);
                self.pumped()
            }
        }
    }

    /// What is to be done on all links together.
    pub(super) fn pumped(&self) -> Pumped {
        Pumped {
            drained: self.links.iter().all(|l| l.drained),
            want_write: self.links.iter().any(|l| l.blocked),
            closed: false,
        }
    }

    /// Exchanges that are not forgotten.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.exchanges.len()
    }

    pub(super) fn is_closed(&self, index: usize) -> bool {
        self.links.get(index).is_none_or(|l| l.closed)
    }

    pub(super) fn is_done(&self) -> bool {
        self.links.iter().all(|l| l.closed)
    }

    /// Starts a fetch and returns its key.
    pub(super) fn open<'a, S: Source>(
        &mut self,
        parent: Option<Parent>,
        head: &RequestHead<'_>,
        fields: impl IntoIterator<Item = Field<'a>>,
        body: &mut Option<S>,
        end: bool,
        user: usize,
    ) -> Result<usize, Refused> {
        let over = parent.and_then(|p| self.of(p)).is_some_and(|entry| entry.over.is_some());
        let index = match parent {
            Some(parent) => parent.link,
            None => {
                self.next_link = self.next_link.wrapping_add(1);
                let n = self.links.len();
                (0..n)
                    .map(|i| self.next_link.wrapping_add(i) % n)
                    .find(|&i| !self.links[i].closed)
                    .unwrap_or(0)
            }
        };
        let head = RequestHead { parent: parent.map(|p| p.id), ..*head };
        let empty = body.as_ref().is_none_or(|b| b.bytes().is_empty());
        let link = self.links.get_mut(index).filter(|l| !l.closed && !over).ok_or(Refused::Cancelled)?;
        let id = link.connection.open(&head, fields, end && empty)?;
        let mut entry = Entry::new(index, id, Some(user));
        if end && empty {
            entry.sending = Sending::Ended;
        } else if let Some(body) = body.take()
            && !empty
        {
            entry.push(&mut link.connection, body, end);
        }
        let key = self.exchanges.insert(entry);
        self.links[index].bind(id, key);
        self.touched(index);
        Ok(key)
    }

    /// An exchange with its link.
    pub(super) fn parts(&mut self, key: usize) -> Option<(&mut Entry, &mut Link)> {
        let entry = self.exchanges.get_mut(key)?;
        let link = self.links.get_mut(entry.link)?;
        Some((entry, link))
    }

    /// Notes that something may have been queued on link `index`.
    pub(super) fn touched(&mut self, index: usize) {
        let link = &self.links[index];
        // The loop waits already for a blocked link to be writable, and comes back then.
        self.dirty |= !link.connection.outbox().is_empty() && !link.told;
    }

    /// Gives exchange `key` a user, and makes the events due that were waiting for one.
    pub(super) fn set_user(&mut self, key: usize, user: usize) -> Result<(), Refused> {
        let entry = self.exchanges.get_mut(key).filter(|e| e.over.is_none()).ok_or(Refused::Cancelled)?;
        let old = entry.user.replace(user);
        if entry.due != 0 {
            self.calls.push_back(Due::Event(key));
            self.dirty = true;
        }
        if let Some(old) = old.filter(|&old| old != user) {
            self.calls.push_back(Due::Release(old));
            self.dirty = true;
        }
        Ok(())
    }

    /// The plugin lets go of exchange `key`: what it has not finished is reset.
    pub(super) fn release(&mut self, key: usize) {
        let Some(entry) = self.exchanges.get_mut(key) else {
            return;
        };
        let (index, id) = (entry.link, entry.id);
        let connection = &mut self.links[index].connection;
        entry.released = true;
        entry.due = 0;
        entry.body.clear();
        if let Some(user) = entry.user.take() {
            self.calls.push_back(Due::Release(user));
            self.dirty = true;
        }
        let ended = matches!(entry.sending, Sending::Ended | Sending::Unwanted) || entry.kept_end;
        if entry.over.is_some() {
            entry.forget();
        } else if ended && (entry.body_end || !entry.fetch) {
            if !entry.body_end {
                connection.stop(id);
            }
        } else {
            let (code, reason) = match entry.sending {
                _ if entry.fetch => (ResetCode::Cancel, ""),
                Sending::Head => (ResetCode::NoAnswer, "dropped without an answer"),
                _ => (ResetCode::Failed, "the response's body was not finished"),
            };
            connection.reset(id, code, reason);
            entry.forget();
        }
        self.touched(index);
        self.sweep(key);
    }
}

/// Makes events due; they are delivered when somebody waits for them.
fn owe(calls: &mut VecDeque<Due>, key: usize, entry: &mut Entry, events: u32) {
    // What is due already is in the queue already.
    let queued = entry.due != 0 && events != 0;
    entry.due |= events;
    if entry.user.is_some() && !queued {
        calls.push_back(Due::Event(key));
    }
}
