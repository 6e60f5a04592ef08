//! The task of one plugin: it owns the processes, and everything that happens to them comes in as an event.

mod bring;
mod leave;
mod park;
mod tell;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::card::Card;
use super::error::{ErrorKind, SupervisorError};
use super::events::{Cause, Why};
use super::fleet::{Fleet, Seat};
use super::instance::{End, Instance};
use super::logs::LogLevel;
use super::moves::Held;
use super::order::{Order, Reply};
use super::rules::Next;
use super::shared::Shared;
use super::start_error::StartError;
use super::version::Version;
use super::view::State;
use crate::plane::{LinkFailure, LinkFailureKind};
use crate::plugin::Generation;
use crate::store::Registration;
use leave::Departed;
use park::Parked;

const FAILED: &str = State::Failed.as_str();

/// What happens to a plugin.
#[derive(Debug)]
pub(super) enum Event {
    /// Start this version, and let it take over when all of it is ready; with `base`, only if that is what is
    /// registered still.
    Bring { version: Arc<Version>, base: Option<Arc<Registration>>, order: Order },
    /// Start what there is anew.
    Restart(Order),
    /// Start what was disabled or drained.
    Enable(Order),
    /// Drain, end the processes, and stay so: disable or drain, by the order's verb.
    Park(Order),
    /// Wait, and be below another prefix when the answer's `go` says so.
    Move { prefix: String, why: Why, reply: oneshot::Sender<Result<Held, SupervisorError>> },
    /// What was registered before: start it and keep trying, unless it is disabled.
    Restore(Arc<Version>, TaskTrackerToken),
    /// End and be forgotten.
    Unregister(Order),
    /// End, for the daemon does.
    Shutdown { grace: Duration, reply: Reply },
    /// An attempt to start a process is over.
    Started { epoch: u64, index: usize, result: Result<Instance, StartError> },
    /// A process that was ready has ended.
    Ended { generation: Generation, end: End },
    /// The data plane has lost a process.
    Link(LinkFailure),
}

/// A plugin.
pub(super) struct Task {
    shared: Arc<Shared>,
    card: Arc<Card>,
    events: mpsc::Receiver<Event>,
    /// For the processes to report by.
    sender: mpsc::Sender<Event>,
    /// What serves, or tries to.
    current: Option<Fleet>,
    /// What shall take over.
    next: Option<Bring>,
    /// The daemon's start waits for the first attempts of `current`.
    boot: Option<TaskTrackerToken>,
    /// Somebody wants `current` to have no processes.
    parked: Option<Parked>,
    /// What takes its leave.
    departing: JoinSet<Departed>,
    closing: Option<Closing>,
    epochs: u64,
    /// What brought the latest change about.
    why: Why,
    /// An entry that comes back if this one cannot be registered.
    former: Option<Arc<Card>>,
}

/// A version on its way.
struct Bring {
    fleet: Fleet,
    order: Order,
    /// Others who asked for the same meanwhile.
    also: Vec<Order>,
    /// It is tried and saved, and ended again: the plugin is parked and stays so.
    park: bool,
}

enum Closing {
    Unregister(Order),
    Shutdown(Reply),
}

impl Task {
    pub(super) fn spawn(
        shared: &Arc<Shared>,
        card: &Arc<Card>,
        events: mpsc::Receiver<Event>,
        former: Option<Arc<Card>>,
    ) {
        let Some(sender) = card.events() else { return };
        let task = Self {
            shared: Arc::clone(shared),
            card: Arc::clone(card),
            events,
            sender,
            current: None,
            next: None,
            boot: None,
            parked: None,
            departing: JoinSet::new(),
            closing: None,
            epochs: 0,
            why: Why::new(Cause::Boot, ""),
            former,
        };
        tokio::spawn(task.run());
    }

    async fn run(mut self) {
        loop {
            let pause =
                self.current.as_ref().filter(|_| self.closing.is_none()).and_then(Fleet::next_attempt);
            let pause = tokio::time::sleep_until(
                pause.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600)).into(),
            );
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => Box::pin(self.handle(event)).await,
                    None => return,
                },
                Some(gone) = self.departing.join_next(), if !self.departing.is_empty() => self.departed(gone),
                () = pause => self.attempt_again(),
            }
            if self.closing.is_some() && self.departing.is_empty() {
                return Box::pin(self.close()).await;
            }
            if self.current.is_none() && self.next.is_none() && self.closing.is_none() {
                // A first registration that has failed, and is out of the table.
                self.card.logs.close();
                while let Some(gone) = self.departing.join_next().await {
                    self.departed(gone);
                }
                return;
            }
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Bring { version, base, order } => self.bring(version, base.as_deref(), order),
            Event::Restart(order) => self.restart(order),
            Event::Enable(order) => self.enable(order),
            Event::Park(order) => self.park(order).await,
            Event::Move { prefix, why, reply } => self.relocate(&prefix, why, reply).await,
            Event::Restore(version, boot) => self.restore(version, boot),
            Event::Unregister(order) => self.unregister(order).await,
            Event::Shutdown { grace, reply } => {
                self.why = Why::new(Cause::Shutdown, "");
                self.leave(grace);
                self.closing = Some(Closing::Shutdown(reply));
            }
            Event::Started { epoch, index, result } => self.started(epoch, index, result).await,
            Event::Ended { generation, end } => self.ended(generation, end).await,
            Event::Link(failure) => self.link_failed(&failure),
        }
        self.refresh();
    }

    /// Until it is decided nothing else happens to it; that takes as long as a registration takes to be saved.
    async fn relocate(
        &mut self,
        prefix: &str,
        why: Why,
        reply: oneshot::Sender<Result<Held, SupervisorError>>,
    ) {
        let (go, gone) = oneshot::channel();
        let held = match (self.refusal(), &self.current) {
            (Some(error), _) => Err(error),
            (None, None) => Err(SupervisorError::not_found(&self.card.name)),
            (None, Some(fleet)) => Ok(Held { version: Arc::new(fleet.version.moved(prefix)), go }),
        };
        let version = held.as_ref().ok().map(|held| Arc::clone(&held.version));
        // Who has gone away drops `go`, too.
        let _sent = reply.send(held);
        if gone.await.is_err() {
            return;
        }
        if let Some((fleet, version)) = self.current.as_mut().zip(version) {
            fleet.version = version;
            let state = self.card.face().state;
            self.tell(None, state.as_str(), &why.and(&format!("to {prefix}")));
        }
    }

    fn attempt_again(&mut self) {
        let now = Instant::now();
        let Some(fleet) = &self.current else { return };
        let over = |index: &usize| matches!(&fleet.seats[*index].state, Seat::Backoff { until, .. } if *until <= now);
        let over: Vec<usize> = (0..fleet.seats.len()).filter(over).collect();
        for index in over {
            self.why = Why::new(Cause::Retry, "");
            if let Some(fleet) = &mut self.current {
                fleet.seats[index].why = self.why.clone();
                fleet.launch(index, &self.shared, &self.card, &self.sender);
            }
            self.tell_seat(self.current.as_ref(), index);
        }
        self.refresh();
    }

    async fn started(&mut self, epoch: u64, index: usize, result: Result<Instance, StartError>) {
        if let Some(mut bring) = self.next.take_if(|bring| bring.fleet.epoch == epoch) {
            return match result {
                Ok(instance) => self.advance(bring, index, instance).await,
                Err(error) => {
                    let process = bring.fleet.seats[index].fail(index, error.to_string());
                    self.tell(Some(process), FAILED, &Why::new(error.cause, error.to_string()));
                    self.fail(bring, error.into()).await;
                }
            };
        }
        // A fleet that takes its leave has no seats any more.
        let is_there = |fleet: &&mut Fleet| fleet.epoch == epoch && index < fleet.seats.len();
        let Some(fleet) = self.current.as_mut().filter(is_there) else { return };
        match result {
            Ok(instance) => {
                let (name, pid) = (&self.card.name, instance.pid);
                tracing::info!(plugin = %name, pid, generation = %instance.generation, "ready");
                self.why = fleet.seats[index].why.clone();
                fleet.seats[index].state = Seat::Ready(instance);
                self.tell_seat(self.current.as_ref(), index);
            }
            Err(error) if error.permanent => {
                self.note(LogLevel::Error, &format!("cannot be started: {error}"));
                let reason = with_cure(&error);
                self.why = Why::new(error.cause, reason.clone());
                let process = self.current.as_mut().map(|fleet| fleet.seats[index].fail(index, reason));
                self.tell(process, FAILED, &self.why);
            }
            Err(error) => self.crashed(index, error.cause, &with_cure(&error), None),
        }
    }

    async fn ended(&mut self, generation: Generation, mut end: End) {
        // The data plane has seen it, too, unless only the supervisor knows why the process must not serve any more. A
        // process that breaks the rules loses its socket and ends for that, maybe before the order to kill it came.
        match self.shared.plane.cut(generation).await {
            None | Some(LinkFailureKind::Closed) => {}
            Some(kind) => (end.cause, end.reason) = (cause_of(&kind), kind.to_string()),
        }
        let seat = self.next.as_ref().and_then(|bring| bring.fleet.seat_of(generation));
        if let Some((index, mut bring)) = seat.zip(self.next.take_if(|_| seat.is_some())) {
            let message = format!("the process has ended before all were ready: {}", end.reason);
            let process = bring.fleet.seats[index].fail(index, end.reason.clone());
            self.tell(Some(process), FAILED, &Why::new(end.cause, end.reason));
            let error =
                SupervisorError::new(ErrorKind::Plugin, "start", message, "see what it said at the end");
            return self.fail(bring, error).await;
        }
        let Some(index) = self.current.as_ref().and_then(|fleet| fleet.seat_of(generation)) else { return };
        if self.closing.is_none() {
            let last = end.output.last().map(|line| format!("; its last line: {line}")).unwrap_or_default();
            self.crashed(index, end.cause, &format!("{}{last}", end.reason), Some(end.ready));
        }
    }

    /// A process has ended unexpectedly, or was never ready.
    fn crashed(&mut self, index: usize, cause: Cause, reason: &str, ready: Option<Duration>) {
        let Some(fleet) = &mut self.current else { return };
        let process = fleet.seats[index].process(index);
        let seat = &mut fleet.seats[index];
        let next =
            seat.history.ended(&self.shared.options.rules, self.shared.origin.elapsed(), ready, jitter());
        let then = match next {
            Next::After(pause) => {
                seat.state = Seat::Backoff { until: Instant::now() + pause, reason: reason.to_owned() };
                format!("started again in {pause:?}")
            }
            Next::Quarantine => {
                seat.state = Seat::Quarantined { reason: reason.to_owned() };
                "too often: quarantined until `valorctl restart`".to_owned()
            }
        };
        seat.restarts += 1;
        let state = seat.state();
        {
            let mut face = self.card.face();
            face.restarts += 1;
            face.out_of_memory += u64::from(cause == Cause::OutOfMemory);
        }
        let text = format!("{reason} ({then})");
        self.note(LogLevel::Error, &text);
        self.why = Why::new(cause, text);
        self.tell(Some(process), state.as_str(), &self.why);
    }

    fn link_failed(&mut self, failure: &LinkFailure) {
        let fleets = self.current.iter_mut().chain(self.next.as_mut().map(|bring| &mut bring.fleet));
        for fleet in fleets {
            let Some(seat) = fleet.seat_of(failure.generation).map(|index| &mut fleet.seats[index]) else {
                continue;
            };
            seat.state = match std::mem::take(&mut seat.state) {
                Seat::Ready(instance) => {
                    let (cause, reason) = (cause_of(&failure.kind), failure.kind.to_string());
                    match &failure.kind {
                        LinkFailureKind::Closed => instance.expect_end(cause, reason),
                        _ => instance.kill(cause, reason),
                    }
                    Seat::Ending(instance)
                }
                // Each worker tells of its own link.
                other => other,
            };
        }
    }
}

fn cause_of(kind: &LinkFailureKind) -> Cause {
    match kind {
        LinkFailureKind::Closed => Cause::Closed,
        LinkFailureKind::Violation(_) => Cause::Violation,
        LinkFailureKind::Hung => Cause::Hung,
    }
}

fn with_cure(error: &StartError) -> String {
    if error.cure.is_empty() { error.to_string() } else { format!("{error}; {}", error.cure) }
}

/// From 0 to 1, different each time; the standard library seeds its hashers at random.
fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::hash::RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(random).unwrap_or_default()) / f64::from(u32::MAX)
}
