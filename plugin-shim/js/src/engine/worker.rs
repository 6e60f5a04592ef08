//! The worker: sockets and timers on one side, the isolate on the other.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use valor_shim_core::program::{Failure, News, Teller};
use valor_shim_core::serve::{
    self, EVENT_CANCELLED, EVENT_READABLE, EVENT_RESPONSE, EVENT_WRITABLE, Exchange, Handler, Head, PollLoop,
    Pumped, Turn,
};
use valor_shim_core::wire::control::Step;
use valor_shim_core::wire::{Limits, Violation};

use super::isolate::{Isolate, Recipe};
use super::turn::{Cause, Wreck};
use super::{ABI, ENGINE};
use crate::host::{Host, Outcome, text_of, write_head};

/// One thread's share, which for JavaScript is everything.
struct Worker {
    core: Arc<serve::Worker>,
    recipe: Recipe,
    state: State,
    teller: Teller,
    /// There is no way on; the main thread knows, and ends the process.
    broken: bool,
}

/// What the callbacks of the pump need.
struct State {
    isolate: Isolate,
    host: Rc<Host>,
    /// valord was told that the plugin is created.
    created: bool,
    /// The module of this isolate is evaluated; a fresh one may take its time.
    ready: bool,
    /// Requests that wait for that.
    waiting: Vec<Waiting>,
    /// The head of the request that begins, as the glue gets it.
    text: Vec<u8>,
}

struct Waiting {
    id: u32,
    cause: Cause,
    method: String,
    text: String,
    end: bool,
}

/// Creates the plugin and serves it until all sockets are closed; whether it has ended for a reason that was told already.
pub(super) fn serve(recipe: Recipe, sockets: Vec<OwnedFd>, teller: &Teller) -> Result<bool, Failure> {
    let failed = Failure::at(Step::Create);
    let cure = "raise the plugin's limit of descriptors";
    let polled: Result<Vec<_>, _> =
        sockets.iter().map(|socket| socket.as_fd().try_clone_to_owned()).collect();
    let polled = polled.map_err(|error| failed(format!("cannot copy a data socket: {error}: {cure}")))?;
    let core = serve::Worker::new(sockets, Limits::default());
    core.bind();
    if recipe.background {
        core.tell_of_background();
    }
    let poll_loop =
        PollLoop::new(&core).map_err(|errno| failed(format!("cannot make an eventfd: {errno}: {cure}")))?;
    let host = Host::new(Arc::clone(&core), teller.log().clone(), 1);
    let isolate = Isolate::new(&recipe, Rc::clone(&host)).map_err(failed)?;
    let state = State { isolate, host, created: false, ready: false, waiting: Vec::new(), text: Vec::new() };
    let mut worker = Worker { core, recipe, state, teller: teller.clone(), broken: false };
    if let Err(errno) = poll_loop.run(polled, &mut worker) {
        worker.give_up(format!("cannot wait for the data sockets: {errno}"));
    }
    Ok(worker.broken)
}

impl Worker {
    /// Sees to what the turns have left: the outcome of the module, and an isolate that is a wreck.
    fn settle(&mut self) -> Result<(), String> {
        if let Some(wreck) = self.state.host.turn.wrecked() {
            self.replace(wreck)?;
        }
        match self.state.host.take_outcome() {
            Some(Outcome::Created) => {
                self.state.ready = true;
                // A fresh isolate is no news to valord.
                if !std::mem::replace(&mut self.state.created, true) {
                    self.teller.tell(News::Ready { abi: ABI, sdk: ENGINE.to_owned() });
                }
                for Waiting { id, cause, method, text, end } in std::mem::take(&mut self.state.waiting) {
                    self.state.isolate.request(cause, (id, &method, &text, end));
                }
            }
            Some(Outcome::Failed(message)) => return Err(message),
            None => {}
        }
        Ok(())
    }

    fn give_up(&mut self, message: String) {
        self.broken = true;
        self.teller.give_up(self.state.created, message);
    }

    /// Ends the isolate with all that is in flight in it, and makes a fresh one.
    fn replace(&mut self, wreck: Wreck) -> Result<(), String> {
        let limit = self.recipe.memory >> 20;
        let why = match wreck {
            Wreck::Spinning => "its code did not come to an end".to_owned(),
            Wreck::Memory => format!("it has used up its memory limit: its objects may take {limit} MiB"),
            Wreck::Broken => "its context is broken".to_owned(),
        };
        if !self.state.created {
            return Err(format!("{why} when the module was evaluated"));
        }
        let host = Host::new(Arc::clone(&self.core), self.state.host.log.clone(), self.state.host.next_id());
        let waiting: Vec<u32> = self.state.waiting.iter().map(|request| request.id).collect();
        let dropped = self.state.host.abandon(&why, &host, &waiting);
        self.state.host.say(&format!("{why}: it starts afresh, requests that were dropped: {dropped}"));
        self.state.isolate = Isolate::new(&self.recipe, Rc::clone(&host))?;
        self.state.host = host;
        self.state.ready = false;
        Ok(())
    }
}

impl Turn for Worker {
    fn pump(&mut self, index: usize) -> Pumped {
        if self.broken {
            return Pumped { drained: true, want_write: false, closed: true };
        }
        self.core.pump(index, &mut self.state)
    }

    fn flush(&mut self) -> Pumped {
        self.core.flush(&mut self.state)
    }

    /// Runs the timers that are due, and tidies up.
    fn turn(&mut self) -> Option<Duration> {
        if self.broken {
            return None;
        }
        let due = self.state.host.timers.borrow_mut().due(Instant::now());
        for (id, cause) in due {
            if self.state.host.turn.wrecked().is_none() {
                self.state.isolate.timer(cause, id);
            }
        }
        if let Err(message) = self.settle() {
            self.give_up(message);
            return None;
        }
        let next = self.state.host.timers.borrow().next();
        next.map(|due| due.saturating_duration_since(Instant::now()))
    }
}

impl Handler for State {
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>) {
        let deadline = (head.deadline_ms > 0)
            .then(|| Instant::now() + Duration::from_millis(u64::from(head.deadline_ms)));
        let (id, cause) = self.host.admit(exchange, deadline);
        self.text.clear();
        write_head(&mut self.text, head);
        // A wreck is cleared away at the end of this round.
        if self.ready && self.host.turn.wrecked().is_none() && self.waiting.is_empty() {
            self.isolate.request(cause, (id, head.method, &text_of(&self.text), head.end));
        } else {
            let (method, text) = (head.method.to_owned(), text_of(&self.text).into_owned());
            self.waiting.push(Waiting { id, cause, method, text, end: head.end });
        }
    }

    fn on_event(&mut self, user: usize, events: u32) {
        let Some(id) = u32::try_from(user).ok().filter(|_| self.host.turn.wrecked().is_none()) else {
            return;
        };
        let Some(cause) = self.host.cause_of(id) else {
            return;
        };
        let is = |event| events & event != 0;
        let bits = (id, is(EVENT_RESPONSE), is(EVENT_READABLE), is(EVENT_WRITABLE), is(EVENT_CANCELLED));
        self.isolate.event(cause, bits);
    }

    fn on_release(&mut self, _user: usize) {}

    fn on_violation(&mut self, index: usize, violation: &Violation) {
        self.host.say(&format!("valord broke the protocol on data socket {index}: {violation}"));
    }
}
