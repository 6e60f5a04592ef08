//! What somebody asks of a plugin's task, and the answer.

use tokio::sync::oneshot;

use super::error::SupervisorError;
use super::events::{Verb, Who, Why};

/// Who asks for a change, and for how much of it they wait.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Whose wish it is.
    pub who: Who,
    /// Until it is done; else until it is accepted.
    pub wait: bool,
}

impl Asked {
    /// By the daemon's own start, for the plugins file.
    pub const AT_BOOT: Self = Self { who: Who::Boot, wait: true };
    /// By a signal, for the plugins file.
    pub const ON_HANG_UP: Self = Self { who: Who::Reload(None), wait: true };
}

/// The answer to an order.
pub(super) type Reply = oneshot::Sender<Result<(), SupervisorError>>;

/// A change that somebody asked for.
#[derive(Debug)]
pub(super) struct Order {
    pub verb: Verb,
    pub who: Who,
    wait: bool,
    /// `None`: answered already.
    reply: Option<Reply>,
}

impl Order {
    pub(super) fn new(verb: Verb, asked: Asked, reply: Reply) -> Self {
        Self { verb, who: asked.who, wait: asked.wait, reply: Some(reply) }
    }

    pub(super) fn why(&self) -> Why {
        Why::asked(self.verb, self.who)
    }

    /// It is under way: who does not wait for the end of it has the answer.
    pub(super) fn accepted(&mut self) {
        if !self.wait {
            self.answer(Ok(()));
        }
    }

    /// It is over.
    pub(super) fn done(mut self, result: Result<(), SupervisorError>) {
        self.answer(result);
    }

    fn answer(&mut self, result: Result<(), SupervisorError>) {
        if let Some(reply) = self.reply.take() {
            // Whoever asked may have gone away.
            let _sent = reply.send(result);
        }
    }
}
