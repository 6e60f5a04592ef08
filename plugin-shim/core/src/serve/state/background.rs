//! Work that outlives its requests, counted for each link.

use super::super::background::Parent;
use super::super::entry::Entry;
use super::State;

impl State {
    /// The exchange of `parent`, unless it is forgotten.
    pub(super) fn of(&mut self, parent: Parent) -> Option<&mut Entry> {
        let key = self.links.get(parent.link)?.key(parent.id);
        self.exchanges.get_mut(key).filter(|e| e.id == parent.id && e.link == parent.link)
    }

    pub(in super::super) fn begin_background(&mut self, parent: Parent) -> bool {
        let open = self.links.get_mut(parent.link).filter(|link| !link.closed);
        let Some(link) = open.filter(|_| self.tells_of_background) else {
            return false;
        };
        if link.background == 0 {
            if !link.connection.begin_background(parent.id) {
                return false;
            }
            // Its stream is open, so it is not forgotten.
            if let Some(entry) = self.of(parent) {
                entry.background = true;
                self.links[parent.link].background += 1;
            }
        }
        self.links[parent.link].background += 1;
        self.touched(parent.link);
        true
    }

    pub(in super::super) fn end_background(&mut self, index: usize) {
        let link = &mut self.links[index];
        link.background -= 1;
        if link.background == 0 && !link.closed {
            link.connection.end_background();
            self.touched(index);
        }
    }

    /// Forgets an exchange.
    pub(super) fn remove(&mut self, key: usize) {
        let entry = self.exchanges.remove(key);
        if entry.background {
            self.end_background(entry.link);
        }
    }
}
