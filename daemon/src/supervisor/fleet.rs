//! The processes of one version of a plugin, each in its seat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::card::Card;
use super::events::{Process, Why};
use super::handshake;
use super::instance::Instance;
use super::rules::History;
use super::shared::Shared;
use super::task::Event;
use super::version::Version;
use super::view::{InstanceView, State};
use crate::plugin::Generation;
use crate::store::now_ms;

/// All processes of one version.
#[derive(Debug)]
pub(super) struct Fleet {
    /// Tells versions of one plugin apart.
    pub epoch: u64,
    pub version: Arc<Version>,
    pub since_ms: u64,
    pub seats: Vec<SeatOf>,
}

/// The place of one process, and its past.
#[derive(Debug)]
pub(super) struct SeatOf {
    pub state: Seat,
    pub history: History,
    /// Unexpected ends.
    pub restarts: u64,
    /// What brought its process, or the attempt at one, about.
    pub why: Why,
}

/// What is in a seat.
#[derive(Debug, Default)]
pub(super) enum Seat {
    /// Nothing yet.
    #[default]
    Empty,
    Starting {
        _attempt: Attempt,
        generation: Generation,
    },
    Ready(Instance),
    /// Told to end, or about to.
    Ending(Instance),
    Backoff {
        until: Instant,
        reason: String,
    },
    Quarantined {
        reason: String,
    },
    Failed {
        reason: String,
    },
}

/// A start that is under way. Dropped, it is given up and its processes are killed.
#[derive(Debug)]
pub(super) struct Attempt(AbortHandle);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Fleet {
    /// All seats empty.
    pub(super) fn new(epoch: u64, version: Arc<Version>, why: &Why) -> Self {
        let count = usize::from(version.registration.limits.instances.max(1));
        let seat =
            || SeatOf { state: Seat::Empty, history: History::default(), restarts: 0, why: why.clone() };
        let seats = std::iter::repeat_with(seat).take(count).collect();
        Self { epoch, version, since_ms: now_ms(), seats }
    }

    /// A plugin that is registered and shall have no processes.
    pub(super) fn without_seats(epoch: u64, version: Arc<Version>) -> Self {
        Self { epoch, version, since_ms: now_ms(), seats: Vec::new() }
    }

    /// Starts a process for a seat; `sender` hears how it went.
    pub(super) fn launch(
        &mut self,
        index: usize,
        shared: &Arc<Shared>,
        card: &Arc<Card>,
        sender: &mpsc::Sender<Event>,
    ) {
        let (shared, version) = (Arc::clone(shared), Arc::clone(&self.version));
        let (book, events, epoch) = (card.logs.clone(), sender.clone(), self.epoch);
        let (card, why) = (Arc::clone(card), self.seats[index].why.clone());
        let ticket = shared.enter(events.clone());
        let generation = ticket.generation;
        let seat = u16::try_from(index).unwrap_or(u16::MAX);
        let attempt = tokio::spawn(async move {
            let start = async {
                let tell = |state| {
                    let process = Process { index: seat, generation, pid: 0 };
                    shared.book.push(&card.name, Some(process), state, &why);
                };
                let mut compiles = false;
                let begin = || {
                    compiles = true;
                    tell("compiling");
                };
                // What takes longer than a start holds nobody else's up.
                let source = version.source(&shared, begin).await?;
                if compiles {
                    tell(State::Starting.as_str());
                }
                let _turn = shared.turn().await?;
                handshake::start(&shared, &version, source, ticket.generation, &book).await
            };
            let result = Box::pin(start).await;
            let result = result.map(|started| {
                version.show(&started.layers);
                Instance::watch(started, book, ticket, events.clone(), shared.options.exit_grace)
            });
            // Its artifact is not held any longer than the answer takes.
            drop(version);
            // A plugin that is gone wants no process; dropped, it ends.
            let _sent = events.send(Event::Started { epoch, index, result }).await;
        });
        let attempt = Attempt(attempt.abort_handle());
        self.seats[index].state = Seat::Starting { _attempt: attempt, generation };
    }

    /// A seat that nobody has tried to fill.
    pub(super) fn next_empty(&self) -> Option<usize> {
        self.seats.iter().position(|seat| matches!(seat.state, Seat::Empty))
    }

    pub(super) fn seat_of(&self, generation: Generation) -> Option<usize> {
        self.seats.iter().position(|seat| match &seat.state {
            Seat::Ready(instance) | Seat::Ending(instance) => instance.generation == generation,
            _ => false,
        })
    }

    pub(super) fn ready(&self) -> Vec<Generation> {
        let ready = self.seats.iter().filter_map(|seat| match &seat.state {
            Seat::Ready(instance) => Some(instance.generation),
            _ => None,
        });
        ready.collect()
    }

    /// It is not known of each whether it serves.
    pub(super) fn is_starting(&self) -> bool {
        self.seats.iter().any(|seat| seat.state() == State::Starting)
    }

    /// None serves, and of one it is not known yet how it ends.
    pub(super) fn is_ending(&self) -> bool {
        let any = |is: fn(&Seat) -> bool| self.seats.iter().any(|seat| is(&seat.state));
        any(|seat| matches!(seat, Seat::Ending(_))) && !any(|seat| matches!(seat, Seat::Ready(_)))
    }

    /// When the next pause is over.
    pub(super) fn next_attempt(&self) -> Option<Instant> {
        let pauses = self.seats.iter().filter_map(|seat| match seat.state {
            Seat::Backoff { until, .. } => Some(until),
            _ => None,
        });
        pauses.min()
    }

    /// How long that is.
    pub(super) fn pause(&self) -> Duration {
        let until = self.next_attempt().unwrap_or_else(Instant::now);
        until.saturating_duration_since(Instant::now())
    }

    /// The state of the whole: that of its best seat, and what there is to say of the worst.
    pub(super) fn state(&self) -> (State, String) {
        let rank = |seat: &&SeatOf| match seat.state {
            Seat::Ready(_) => 0,
            Seat::Starting { .. } | Seat::Empty => 1,
            Seat::Ending(_) => 2,
            Seat::Backoff { .. } => 3,
            Seat::Quarantined { .. } => 4,
            Seat::Failed { .. } => 5,
        };
        let Some(best) = self.seats.iter().min_by_key(rank) else { return (State::Draining, String::new()) };
        let worst = self.seats.iter().max_by_key(rank).unwrap_or(best);
        let reason = worst.reason();
        let ready = self.ready().len();
        match best.state() {
            State::Ready if ready < self.seats.len() && !reason.is_empty() => {
                (State::Ready, format!("{ready} of {} processes serve; another: {reason}", self.seats.len()))
            }
            state => (state, reason.to_owned()),
        }
    }

    pub(super) fn views(&self) -> Vec<InstanceView> {
        let indices = 0u16..;
        indices.zip(&self.seats).map(|(index, seat)| seat.view(index)).collect()
    }
}

impl SeatOf {
    /// It is over for what was in it, or was to be; returns which process that is.
    pub(super) fn fail(&mut self, index: usize, reason: String) -> Process {
        let process = self.process(index);
        self.state = Seat::Failed { reason };
        process
    }

    pub(super) fn state(&self) -> State {
        match self.state {
            Seat::Empty | Seat::Starting { .. } => State::Starting,
            Seat::Ready(_) => State::Ready,
            Seat::Ending(_) | Seat::Backoff { .. } => State::Backoff,
            Seat::Quarantined { .. } => State::Quarantined,
            Seat::Failed { .. } => State::Failed,
        }
    }

    fn reason(&self) -> &str {
        match &self.state {
            Seat::Backoff { reason, .. } | Seat::Quarantined { reason } | Seat::Failed { reason } => reason,
            Seat::Ending(_) => "the process is ending",
            _ => "",
        }
    }

    /// Which process is, or was to be, in it.
    pub(super) fn process(&self, index: usize) -> Process {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        match &self.state {
            Seat::Ready(instance) | Seat::Ending(instance) => instance.process(index),
            Seat::Starting { generation, .. } => Process { index, generation: *generation, pid: 0 },
            _ => Process { index, generation: Generation(0), pid: 0 },
        }
    }

    fn view(&self, index: u16) -> InstanceView {
        let (state, reason, restarts) = (self.state(), self.reason().to_owned(), self.restarts);
        match &self.state {
            Seat::Ready(instance) | Seat::Ending(instance) => InstanceView {
                index,
                generation: instance.generation,
                pid: instance.pid,
                state,
                started_ms: instance.started_ms,
                sdk: instance.sdk.clone(),
                abi: instance.abi,
                reason,
                restarts,
            },
            _ => InstanceView {
                index,
                generation: Generation(0),
                pid: 0,
                state,
                started_ms: 0,
                sdk: String::new(),
                abi: 0,
                reason,
                restarts,
            },
        }
    }
}
