//! What the plugin holds of an exchange. Everything here is legal from any thread.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use valor_wire::{Field, ResetCode, SendError};

use super::background::Parent;
use super::entry::Sending;
use super::state::State;
use super::{EVENT_READABLE, EVENT_WRITABLE, ResponseHead, Worker};

/// One request with its response, or one fetch. Dropping it is the release: a request without a response, or a
/// body that was not ended, is reset.
pub struct Exchange {
    pub(super) worker: Arc<Worker>,
    pub(super) key: usize,
}

/// A part of a body that is offered: looked at first, and then perhaps shared.
pub trait Source {
    /// The bytes.
    fn bytes(&self) -> &[u8];
    /// The bytes with their owner.
    fn share(self) -> Bytes;
}

impl Source for Bytes {
    fn bytes(&self) -> &[u8] {
        self
    }
    fn share(self) -> Bytes {
        self
    }
}

impl Source for &[u8] {
    fn bytes(&self) -> &[u8] {
        self
    }
    fn share(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

/// Why a call did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not now: an event will follow.
    #[error("not now")]
    Pending,
    /// The exchange is over.
    #[error("the exchange is over")]
    Cancelled,
    /// An argument is invalid, or out of order.
    #[error("invalid")]
    Invalid,
    /// A limit is reached.
    #[error("a limit is reached")]
    Limit,
}

/// What [`Exchange::read`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The next part.
    Data(Bytes),
    /// The body is over.
    End,
}

impl Exchange {
    pub(super) fn new(worker: Arc<Worker>, key: usize) -> Self {
        Self { worker, key }
    }

    /// How fetches name it, also when it is over; `None` for a fetch.
    #[must_use]
    pub fn parent(&self) -> Option<Parent> {
        let mut state = self.worker.lock()?;
        let (entry, _) = state.parts(self.key).filter(|(entry, _)| !entry.fetch)?;
        Some(Parent::new(&self.worker, entry.link, entry.id))
    }

    /// Asks for events, which are delivered with `user`. Those that are due already are delivered soon.
    pub fn set_user(&self, user: usize) -> Result<(), Refused> {
        self.with(|state, key| state.set_user(key, user))
    }

    /// Answers a request: the head and the first part of the body; `end`: nothing follows. What exceeds the window
    /// is taken out of `body`, kept and sent later.
    pub fn respond<'a, S: Source>(
        &self,
        status: u16,
        fields: impl IntoIterator<Item = Field<'a>>,
        body: &mut Option<S>,
        end: bool,
    ) -> Result<(), Refused> {
        self.with(|state, key| {
            let (entry, link) = state.parts(key).ok_or(Refused::Invalid)?;
            if entry.over.is_some() {
                return Err(Refused::Cancelled);
            }
            if entry.sending != Sending::Head {
                return Err(Refused::Invalid);
            }
            let empty = body.as_ref().is_none_or(|b| b.bytes().is_empty());
            link.connection.respond(entry.id, status, fields, end && empty)?;
            entry.sending = if end && empty { Sending::Ended } else { Sending::Body };
            if let Some(body) = body.take()
                && !empty
            {
                entry.push(&mut link.connection, body, end);
            }
            let index = entry.link;
            state.touched(index);
            Ok(())
        })
    }

    /// The next part of the peer's body.
    pub fn read(&self) -> Result<Received, Refused> {
        self.with(|state, key| {
            let (entry, link) = state.parts(key).ok_or(Refused::Cancelled)?;
            if entry.over.is_some() {
                return Err(Refused::Cancelled);
            }
            let Some(data) = entry.body.pop_front() else {
                entry.due &= !EVENT_READABLE;
                return if entry.body_end { Ok(Received::End) } else { Err(Refused::Pending) };
            };
            let queued = link.connection.outbox().len();
            link.connection.consumed(entry.id, data.len());
            if link.connection.outbox().len() > queued {
                let index = entry.link;
                state.touched(index);
            }
            Ok(Received::Data(data))
        })
    }

    /// The next part of our body; `end`: the last one. With [`Refused::Pending`] nothing was sent, and an event says
    /// when to try again.
    pub fn write<S: Source>(&self, body: &mut Option<S>, end: bool) -> Result<(), Refused> {
        self.with(|state, key| {
            let (entry, link) = state.parts(key).ok_or(Refused::Invalid)?;
            if entry.over.is_some() {
                return Err(Refused::Cancelled);
            }
            match entry.sending {
                Sending::Unwanted => return Ok(()),
                Sending::Body if !entry.kept_end => {}
                _ => return Err(Refused::Invalid),
            }
            let empty = body.as_ref().is_none_or(|b| b.bytes().is_empty());
            if empty {
                if end && !entry.kept.is_empty() {
                    entry.kept_end = true;
                } else if end {
                    entry.push(&mut link.connection, Bytes::new(), true);
                }
            } else if !entry.kept.is_empty() || link.connection.capacity(entry.id) == 0 {
                entry.want_write = true;
                entry.due &= !EVENT_WRITABLE;
                return Err(Refused::Pending);
            } else if let Some(body) = body.take() {
                entry.push(&mut link.connection, body, end);
            }
            let index = entry.link;
            state.touched(index);
            Ok(())
        })
    }

    /// Aborts the exchange.
    pub fn reset(&self, code: ResetCode, reason: &str) {
        let _: Result<(), Refused> = self.with(|state, key| {
            let Some((entry, link)) = state.parts(key).filter(|(e, _)| e.over.is_none()) else {
                return Ok(());
            };
            link.connection.reset(entry.id, code, reason);
            entry.cancel(code, reason);
            // Who resets needs no event that says so.
            entry.due = 0;
            let index = entry.link;
            state.touched(index);
            Ok(())
        });
    }

    /// The rest of the peer's body is not wanted: a request's is stopped, a fetch is reset.
    pub fn stop(&self) {
        let _: Result<(), Refused> = self.with(|state, key| {
            let Some((entry, link)) = state.parts(key).filter(|(e, _)| e.over.is_none()) else {
                return Ok(());
            };
            entry.body.clear();
            entry.due &= !EVENT_READABLE;
            if !std::mem::replace(&mut entry.body_end, true) {
                if entry.fetch {
                    link.connection.reset(entry.id, ResetCode::Cancel, "");
                    entry.cancel(ResetCode::Cancel, "");
                    entry.due = 0;
                } else {
                    link.connection.stop(entry.id);
                }
            }
            let index = entry.link;
            state.touched(index);
            Ok(())
        });
    }

    /// The response head of a fetch.
    pub fn response(&self) -> Result<Arc<ResponseHead>, Refused> {
        self.with(|state, key| {
            let (entry, _) = state.parts(key).ok_or(Refused::Invalid)?;
            match (&entry.response, &entry.over) {
                _ if !entry.fetch => Err(Refused::Invalid),
                (_, Some(_)) => Err(Refused::Cancelled),
                (Some(response), None) => Ok(Arc::clone(response)),
                (None, None) => Err(Refused::Pending),
            }
        })
    }

    /// Why the exchange is over before its time; `None` when it is not.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let mut state = self.worker.lock()?;
        let (entry, _) = state.parts(self.key)?;
        entry.over.as_ref().map(super::entry::Failure::text)
    }

    fn with<T>(&self, call: impl FnOnce(&mut State, usize) -> Result<T, Refused>) -> Result<T, Refused> {
        let mut state = self.worker.lock().ok_or(Refused::Cancelled)?;
        let result = call(&mut state, self.key);
        self.worker.finish(state);
        result
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(mut state) = self.worker.lock() {
            state.release(self.key);
            self.worker.finish(state);
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("key", &self.key).finish_non_exhaustive()
    }
}

impl From<SendError> for Refused {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => Self::Cancelled,
            SendError::NoStream => Self::Limit,
            SendError::Window | SendError::Order | SendError::Head(_) => Self::Invalid,
        }
    }
}
