//! What a worker knows about one exchange.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use valor_wire::{Connection, ResetCode, SendError, StreamId};

use super::exchange::Source;
use super::{EVENT_CANCELLED, EVENT_READABLE, EVENT_WRITABLE, ResponseHead};

/// Parts of this size and above are sent without a copy.
const SHARE: usize = 4 * 1024;

/// How far our direction of an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// A request that is not answered.
    Head,
    Body,
    Ended,
    /// A fetch whose rest the daemon does not want.
    Unwanted,
}

/// One exchange.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) link: usize,
    pub(super) id: StreamId,
    pub(super) fetch: bool,
    /// The plugin has let go of it; it lives on until what was kept is sent.
    pub(super) released: bool,
    pub(super) user: Option<usize>,
    /// Work that outlives it was told of: it counts as such itself, so that this is told once.
    pub(super) background: bool,
    /// Events to be delivered; without `user` they wait for one.
    pub(super) due: u32,
    /// Why it is over before its time.
    pub(super) over: Option<Failure>,

    pub(super) body: VecDeque<Bytes>,
    /// The peer's body is complete, or is not wanted.
    pub(super) body_end: bool,
    pub(super) response: Option<Arc<ResponseHead>>,

    pub(super) sending: Sending,
    /// What the window had no room for.
    pub(super) kept: Bytes,
    pub(super) kept_end: bool,
    /// `write` was turned away.
    pub(super) want_write: bool,
}

/// Why an exchange was cancelled.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) code: ResetCode,
    pub(super) reason: Box<str>,
}

impl Entry {
    pub(super) fn new(link: usize, id: StreamId, user: Option<usize>) -> Self {
        let fetch = !id.by_daemon();
        Self {
            link,
            id,
            fetch,
            released: false,
            user,
            background: false,
            due: 0,
            over: None,
            body: VecDeque::new(),
            body_end: false,
            response: None,
            sending: if fetch { Sending::Body } else { Sending::Head },
            kept: Bytes::new(),
            kept_end: false,
            want_write: false,
        }
    }

    /// Sends what fits and keeps the rest.
    pub(super) fn push(&mut self, connection: &mut Connection, body: impl Source, end: bool) {
        let len = body.bytes().len();
        if self.kept.is_empty() && len < SHARE && (len == 0 || len <= connection.capacity(self.id)) {
            self.sent(&connection.send_slice(self.id, body.bytes(), end), end);
            return;
        }
        self.kept = body.share();
        self.kept_end = end;
        self.resume(connection);
    }

    /// Sends what was kept, as far as the window goes. `true`: somebody waits for an event that is due now.
    pub(super) fn resume(&mut self, connection: &mut Connection) -> bool {
        while !self.kept.is_empty() {
            let room = connection.capacity(self.id).min(self.kept.len());
            if room == 0 {
                return false;
            }
            let part = self.kept.split_to(room);
            let end = self.kept_end && self.kept.is_empty();
            self.sent(&connection.send_data(self.id, part, end), end);
        }
        // An emptied `Bytes` still holds its owner.
        self.kept = Bytes::new();
        if self.want_write && (self.sending == Sending::Unwanted || connection.capacity(self.id) > 0) {
            self.due |= EVENT_WRITABLE;
            return true;
        }
        false
    }

    fn sent(&mut self, result: &Result<(), SendError>, end: bool) {
        if result.is_err() {
            // The stream is gone; the event that says so is on its way.
            self.kept = Bytes::new();
        }
        if end {
            self.sending = Sending::Ended;
            self.kept_end = false;
        }
    }

    /// The peer or the connection has ended it.
    pub(super) fn cancel(&mut self, code: ResetCode, reason: &str) {
        if self.over.is_none() {
            self.over = Some(Failure { code, reason: reason.into() });
            self.due = EVENT_CANCELLED;
            self.forget();
        }
    }

    /// Drops what was to be read or sent.
    pub(super) fn forget(&mut self) {
        self.body.clear();
        self.kept = Bytes::new();
        self.kept_end = false;
        self.want_write = false;
    }

    /// The events that are due and still true.
    pub(super) fn take_due(&mut self) -> u32 {
        let mut events = std::mem::take(&mut self.due);
        if self.over.is_some() {
            return events & EVENT_CANCELLED;
        }
        if self.body.is_empty() && !self.body_end {
            events &= !EVENT_READABLE;
        }
        if !self.want_write {
            events &= !EVENT_WRITABLE;
        }
        if events & EVENT_WRITABLE != 0 {
            self.want_write = false;
        }
        events
    }

    /// Whether nothing more will happen to an exchange that was released.
    pub(super) fn is_finished(&self) -> bool {
        self.released && self.kept.is_empty()
    }
}

impl Failure {
    /// For the plugin's author.
    pub(super) fn text(&self) -> String {
        let what = match self.code {
            ResetCode::Cancel => "cancelled",
            ResetCode::Deadline => "the deadline has passed",
            ResetCode::Refused => "refused",
            ResetCode::Unreachable => "unreachable",
            ResetCode::Failed | ResetCode::NoAnswer | ResetCode::Internal => "failed",
        };
        if self.reason.is_empty() { what.to_owned() } else { format!("{what}: {}", self.reason) }
    }
}
