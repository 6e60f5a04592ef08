//! The worker: sockets and the timer on one side, the instance on the other.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use valor_abi::message::{FETCHES, reset};
use valor_shim_core::program::{Failure, Teller};
use valor_shim_core::serve::{
    self, EVENT_CANCELLED, EVENT_READABLE, EVENT_RESPONSE, EVENT_WRITABLE, Exchange, Handler, Head, PollLoop,
    Pumped, Turn,
};
use valor_shim_core::wire::control::Step;
use valor_shim_core::wire::{Limits, ResetCode, Violation};

use super::Recipe;
use super::guest::{Guest, Wreck};
use super::held::Held;
use super::host::Host;
use crate::serve::ready;

/// Large batches are delivered before they are full.
const FULL: usize = 512 * 1024;

struct Worker {
    core: Arc<serve::Worker>,
    state: State,
    /// There is no way on; the main thread knows, and ends the process.
    broken: bool,
}

/// What the callbacks of the pump need.
struct State {
    recipe: Recipe,
    guest: Guest,
    wreck: Option<Wreck>,
    /// valord was told that the plugin is created.
    created: bool,
    /// This instance is created; a fresh one may take its time.
    ready: bool,
    /// Requests that wait for that.
    waiting: Vec<Waiting>,
    /// The guest has not been told everything.
    more: bool,
}

struct Waiting {
    exchange: Exchange,
    deadline: Option<Instant>,
    deadline_ms: u32,
    method: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    end: bool,
}

/// Creates the plugin and serves it until all sockets are closed.
pub(super) fn run(recipe: Recipe, sockets: Vec<OwnedFd>, teller: &Teller) {
    teller.ended(serve(recipe, sockets, teller));
}

/// Whether it has ended for a reason that was told already.
fn serve(recipe: Recipe, sockets: Vec<OwnedFd>, teller: &Teller) -> Result<bool, Failure> {
    let load = Failure::at(Step::Load);
    let cure = "raise the plugin's limit of descriptors";
    let polled: Result<Vec<_>, _> =
        sockets.iter().map(|socket| socket.as_fd().try_clone_to_owned()).collect();
    let polled = polled.map_err(|error| load(format!("cannot copy a data socket: {error}: {cure}")))?;
    let core = serve::Worker::new(sockets, Limits::default());
    core.bind();
    let poll_loop =
        PollLoop::new(&core).map_err(|errno| load(format!("cannot make an eventfd: {errno}: {cure}")))?;
    let host = Host::new(Arc::clone(&core), teller.clone(), &recipe.budget, 0);
    let guest = Guest::new(&recipe, host).map_err(|wreck| {
        let step = if wreck.abi { Step::Abi } else { Step::Create };
        Failure::at(step)(format!("{}{}", wreck.why, indented(&wreck.backtrace)))
    })?;
    let state =
        State { recipe, guest, wreck: None, created: false, ready: false, waiting: Vec::new(), more: true };
    let mut worker = Worker { core, state, broken: false };
    if let Err(errno) = poll_loop.run(polled, &mut worker) {
        worker.give_up(teller, format!("cannot wait for the data sockets: {errno}"));
    }
    Ok(worker.broken)
}

fn indented(backtrace: &str) -> String {
    if backtrace.is_empty() { String::new() } else { format!("\n{}", backtrace.trim_end()) }
}

impl Worker {
    fn give_up(&mut self, teller: &Teller, message: String) {
        self.broken = true;
        teller.give_up(self.state.created, message);
    }

    /// Ends the instance with all that is in flight in it, and makes a fresh one.
    fn replace(&mut self, wreck: &Wreck) -> Result<(), String> {
        let state = &mut self.state;
        if !state.created {
            return Err(format!("{}{}", wreck.why, indented(&wreck.backtrace)));
        }
        let host = state.guest.store.data_mut();
        let held: Vec<_> = host.exchanges.drain().map(|(_, held)| held).collect();
        let dropped = held.iter().filter(|held| !held.fetch).count();
        for held in held {
            held.exchange.reset(ResetCode::Internal, &wreck.why);
        }
        let backtrace = indented(&wreck.backtrace);
        host.say(&format!(
            "{}: it starts afresh, requests that were dropped: {dropped}{backtrace}",
            wreck.why
        ));
        let generation = host.generation.wrapping_add(1);
        let fresh = Host::new(Arc::clone(&self.core), host.teller.clone(), &state.recipe.budget, generation);
        // Its memory is counted until it is gone.
        host.share = crate::memory::Share::new(&state.recipe.budget);
        state.guest = Guest::new(&state.recipe, fresh).map_err(|wreck| wreck.why)?;
        (state.ready, state.more) = (false, true);
        Ok(())
    }

    /// Sees to what the calls have left: an instance that is a wreck, the outcome of CREATE.
    fn settle(&mut self) -> Result<(), String> {
        if let Some(wreck) = self.state.wreck.take() {
            self.replace(&wreck)?;
        }
        let state = &mut self.state;
        if std::mem::take(&mut state.more) {
            state.deliver(None);
        }
        if !state.ready
            && let Some(created) = state.guest.store.data().created.clone()
        {
            created?;
            state.ready = true;
            // A fresh instance is no news to valord.
            if !std::mem::replace(&mut state.created, true) {
                state.guest.store.data().teller.tell(ready());
            }
            for request in std::mem::take(&mut state.waiting) {
                state.begin(request);
            }
        }
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

    /// Calls the guest when it wants to be, and tidies up.
    fn turn(&mut self) -> Option<Duration> {
        if self.broken {
            return None;
        }
        let now = Instant::now();
        let host = self.state.guest.store.data_mut();
        if host.wake.is_some_and(|at| at <= now) {
            host.wake = None;
            host.out.wake();
            self.state.deliver(None);
        }
        if let Err(message) = self.settle() {
            let teller = self.state.guest.store.data().teller.clone();
            self.give_up(&teller, message);
            return None;
        }
        if self.state.more || self.state.wreck.is_some() {
            return Some(Duration::ZERO);
        }
        self.state.guest.store.data().wake.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

impl State {
    /// Tells the guest what there is to tell; a wreck is cleared away at the end of this round.
    fn deliver(&mut self, deadline: Option<Instant>) {
        if self.wreck.is_some() {
            return;
        }
        match self.guest.deliver(&self.recipe, deadline) {
            Ok(done) => self.more |= !done,
            Err(wreck) => self.wreck = Some(wreck),
        }
    }

    fn begin(&mut self, request: Waiting) {
        let host = self.guest.store.data_mut();
        let mut id = host.last;
        loop {
            id = if id + 1 >= FETCHES { 1 } else { id + 1 };
            if !host.exchanges.contains_key(&id) {
                break;
            }
        }
        // It may have waited until it was over, and no event would say so.
        if request.exchange.set_user(host.user(id)).is_err() {
            return;
        }
        let fields = request.fields.iter().map(|(name, value)| (&name[..], &value[..]));
        let head = (&request.method[..], &request.target[..]);
        if let Err(error) = host.out.request(id, request.deadline_ms, head, fields, request.end) {
            return request
                .exchange
                .reset(ResetCode::Refused, &format!("the request cannot be passed on: {error}"));
        }
        host.last = id;
        host.exchanges.insert(id, Held::new(request.exchange, false));
        self.deliver(request.deadline);
    }
}

impl Handler for State {
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>) {
        let deadline = (head.deadline_ms > 0)
            .then(|| Instant::now() + Duration::from_millis(u64::from(head.deadline_ms)));
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let request = Waiting {
            exchange,
            deadline,
            deadline_ms: head.deadline_ms,
            method: head.method.to_owned(),
            target: head.target.to_owned(),
            fields: head.fields().map(|(name, value)| (text(name), value.to_vec())).collect(),
            end: head.end,
        };
        if self.ready && self.wreck.is_none() && self.waiting.is_empty() {
            self.begin(request);
        } else {
            self.waiting.push(request);
        }
    }

    fn on_event(&mut self, user: usize, events: u32) {
        let host = self.guest.store.data_mut();
        let Ok(id) = u32::try_from(user & 0xffff_ffff) else { return };
        if self.wreck.is_some() || user != host.user(id) {
            return;
        }
        let is = |event| events & event != 0;
        let Some(held) = host.exchanges.get_mut(&id) else { return };
        if is(EVENT_CANCELLED) {
            let reason = held.exchange.failure().unwrap_or_default();
            let code = if held.fetch { reset::FAILED } else { reset::CANCEL };
            host.out.reset(id, code, &reason);
            host.remove(id);
            return self.deliver(None);
        }
        if is(EVENT_RESPONSE)
            && let Ok(head) = held.exchange.response()
        {
            let fields: Vec<_> =
                head.fields().map(|(name, value)| (String::from_utf8_lossy(name), value)).collect();
            let fields = fields.iter().map(|(name, value)| (&name[..], *value));
            held.headed = true;
            if host.out.response(id, head.status, fields, head.end).is_err() {
                host.out.reset(id, reset::FAILED, "the response's head is too large");
                host.remove(id);
            } else if head.end {
                host.remove(id);
            }
        }
        if let Some(held) = host.exchanges.get_mut(&id).filter(|_| is(EVENT_WRITABLE)) {
            held.pass(id, &mut host.out);
            if !held.fetch && held.sending == super::held::Sending::Ended && !held.is_waiting() {
                host.remove(id);
            }
        }
        if is(EVENT_READABLE) || is(EVENT_RESPONSE) {
            host.feed(id);
        }
        if host.out.0.len() > FULL || !host.out.0.is_empty() {
            self.deliver(None);
        }
    }

    fn on_release(&mut self, _user: usize) {}

    fn on_violation(&mut self, index: usize, violation: &Violation) {
        let host = self.guest.store.data();
        host.say(&format!("valord broke the protocol on data socket {index}: {violation}"));
    }
}
