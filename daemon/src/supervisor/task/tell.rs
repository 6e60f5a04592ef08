//! What others see of a plugin: its card, its route, the events, the log.

use std::sync::Arc;

use super::Task;
use super::park::Rest;
use crate::routes::{Down, Route, Target};
use crate::store::now_ms;
use crate::supervisor::events::{Process, Why};
use crate::supervisor::fleet::Fleet;
use crate::supervisor::logs::{LogLevel, LogStream};
use crate::supervisor::view::State;

impl Task {
    /// Shows what is.
    pub(super) fn refresh(&mut self) {
        if self.closing.is_some() {
            return;
        }
        let Some(fleet) = &self.current else { return };
        let (state, reason) = self.state(fleet);
        let (ready, is_starting) = (fleet.ready(), fleet.is_starting());
        let target = if ready.is_empty() {
            Target::Down(match state {
                State::Quarantined => Down::Quarantined,
                State::Failed => Down::Failed,
                State::Backoff => Down::Backoff { retry_after: fleet.pause() },
                State::Stopped => Down::Stopped,
                State::Disabled => Down::Disabled,
                // Whoever asks is told the end of it at once.
                State::Draining
                    if self.parked.as_ref().is_some_and(|parked| parked.rest == Rest::Disabled) =>
                {
                    Down::Disabled
                }
                State::Draining => Down::Draining,
                State::Starting | State::Ready => Down::Starting,
            })
        } else {
            Target::Ready(ready.into())
        };
        let news = {
            let mut face = self.card.face();
            if face.state != state {
                face.state = state;
                face.since_ms = now_ms();
                face.shown = false;
            }
            // A process that is on its way out will soon have said why.
            let news = !face.shown && !fleet.is_ending();
            face.shown |= news;
            face.reason = reason;
            face.instances = fleet.views();
            face.version = Some(Arc::clone(&fleet.version));
            face.uid_slot = fleet.version.registration.uid_slot;
            // What an operator has stopped does not go on in browsers.
            let published = fleet.version.published().filter(|_| self.parked.is_none());
            face.route = Some(Route { plugin: Arc::clone(&fleet.version.plugin), target, published });
            news
        };
        if news {
            self.tell(None, state.as_str(), &self.why);
        }
        self.shared.publish();
        if !is_starting {
            self.boot = None;
        }
    }

    fn state(&self, fleet: &Fleet) -> (State, String) {
        let (state, reason) = match &self.parked {
            Some(parked) => (parked.state(), parked.reason()),
            None => fleet.state(),
        };
        let comes_back = self.next.as_ref().is_some_and(|bring| !bring.park);
        match state {
            // Somebody asked for another attempt.
            State::Backoff | State::Quarantined | State::Failed | State::Stopped | State::Disabled
                if comes_back =>
            {
                (State::Starting, reason)
            }
            state => (state, reason),
        }
    }

    /// An event.
    pub(super) fn tell(&self, process: Option<Process>, state: &'static str, why: &Why) {
        self.shared.book.push(&self.card.name, process, state, why);
    }

    /// An event of what a seat is now.
    pub(super) fn tell_seat(&self, fleet: Option<&Fleet>, index: usize) {
        if let Some(seat) = fleet.and_then(|fleet| fleet.seats.get(index)) {
            self.tell(Some(seat.process(index)), seat.state().as_str(), &seat.why);
        }
    }

    /// For whoever reads the plugin's log, and the daemon's.
    pub(super) fn note(&self, level: LogLevel, text: &str) {
        tracing::warn!(plugin = %self.card.name, "{text}");
        self.card.logs.push(LogStream::Valord, level, "", text);
    }
}
