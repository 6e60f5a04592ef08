//! One line for each change and each attempt at one: who, what, and how it ended.

use std::sync::{Arc, Mutex, PoisonError};

use super::fit::cut;
use super::{ControlError, Peer};

/// So much of a text that a caller has chosen: a line stays a line, and short.
const MAX_TEXT: usize = 512;

/// A change that somebody asks for; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    peer: Peer,
    /// The verb and the plugin.
    what: Arc<Mutex<(&'static str, String)>>,
}

impl Deed {
    pub(super) fn new(verb: &'static str, plugin: &str, peer: Peer) -> Self {
        Self { peer, what: Arc::new(Mutex::new((verb, plugin.to_owned()))) }
    }

    /// It is known better what it is.
    pub(super) fn is(&self, verb: &'static str, plugin: &str) {
        *self.what.lock().unwrap_or_else(PoisonError::into_inner) = (verb, plugin.to_owned());
    }

    /// Writes the line. Texts are quoted and escaped, so that what they say is never taken for a field.
    pub(super) fn record<T>(&self, result: &Result<T, ControlError>) {
        let Peer { uid, gid, pid, .. } = self.peer;
        let (verb, plugin) = self.what.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let plugin = cut(&plugin, MAX_TEXT);
        match result {
            Ok(_) => tracing::info!(target: "audit", verb, plugin, uid, gid, pid, outcome = "ok", "control"),
            Err(error) => {
                let error = cut(&error.to_string(), MAX_TEXT);
                tracing::warn!(target: "audit", verb, plugin, uid, gid, pid, outcome = "failed", error, "control");
            }
        }
    }
}
