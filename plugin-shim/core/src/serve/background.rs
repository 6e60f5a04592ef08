//! What outlives a request: its name for fetches, and work that the end of the process has to wait for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use valor_wire::StreamId;

use super::Worker;

/// A request of one worker as its fetches name it, whether it is over or not: valord knows what they inherit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    worker: usize,
    pub(super) link: usize,
    pub(super) id: StreamId,
}

impl Parent {
    pub(super) fn new(worker: &Worker, link: usize, id: StreamId) -> Self {
        Self { worker: worker.address(), link, id }
    }

    pub(super) fn is_of(&self, worker: &Worker) -> bool {
        self.worker == worker.address()
    }
}

/// The latest requests by an engine's own numbers, for those that outlive them.
#[derive(Debug, Default)]
pub struct Parents(VecDeque<(u32, Parent)>);

/// So many are remembered.
const PARENTS: usize = 1024;

impl Parents {
    /// Remembers request `number`.
    pub fn note(&mut self, number: u32, parent: Option<Parent>) {
        if let Some(parent) = parent {
            self.0.truncate(PARENTS - 1);
            self.0.push_front((number, parent));
        }
    }

    /// The latest of this number.
    #[must_use]
    pub fn of(&self, number: u32) -> Option<Parent> {
        self.0.iter().find(|(noted, _)| *noted == number).map(|(_, parent)| *parent)
    }
}

/// Work that goes on after the answer of its request. While there is any, valord waits with the end of the process, as long as it
/// waits for requests.
pub struct Background {
    worker: Arc<Worker>,
    link: usize,
}

impl Worker {
    /// valord takes word of such work.
    pub fn tell_of_background(&self) {
        if let Some(mut state) = self.lock() {
            state.tells_of_background = true;
        }
    }

    /// Such work begins for `parent`. `None`: nobody waits for it, since the request is answered and none is under way that
    /// began before, or valord does not know of it.
    pub fn background(self: &Arc<Self>, parent: Parent) -> Option<Background> {
        let mut state = self.lock().filter(|_| parent.is_of(self))?;
        let begun = state.begin_background(parent);
        self.finish(state);
        begun.then(|| Background { worker: Arc::clone(self), link: parent.link })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(mut state) = self.worker.lock() {
            state.end_background(self.link);
            self.worker.finish(state);
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}
