//! What the guest can do: its imports, and what becomes of its frames. Everything that it says is checked here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use valor_abi::message::{
    CLOCK_MONOTONIC, CLOCK_WALL, FETCHES, Fields, MAX_BATCH, MAX_EXCHANGES, MAX_RANDOM, MAX_WINDOW, MODULE,
    Message, NOW, RANDOM, SEND, Writer, frames, reset,
};
use valor_shim_core::program::Teller;
use valor_shim_core::serve::{self, Refused};
use valor_shim_core::turn::End;
use valor_shim_core::wire::control::LogLevel;
use valor_shim_core::wire::{RequestHead, ResetCode};
use wasmtime::{Caller, Linker, Memory, bail};

use super::held::{Held, Sending};
use crate::memory::{Budget, Share};

/// The host's side of one instance.
pub(crate) struct Host {
    pub(super) core: Arc<serve::Worker>,
    pub(super) teller: Teller,
    pub(super) share: Share,
    pub(super) memory: Option<Memory>,
    /// Imports may be called.
    pub(super) legal: bool,
    pub(super) exchanges: HashMap<u32, Held>,
    fetches: usize,
    /// The last request.
    pub(super) last: u32,
    /// Which instance this is: events of former ones mean nothing.
    pub(super) generation: u32,
    /// What became of CREATE.
    pub(super) created: Option<Result<(), String>>,
    pub(super) wake: Option<Instant>,
    /// What the guest is to be told.
    pub(super) out: Writer,
    /// When the call that is under way has to come back.
    pub(super) end: End,
    begin: Instant,
}

impl Host {
    pub(super) fn new(
        core: Arc<serve::Worker>,
        teller: Teller,
        budget: &Arc<Budget>,
        generation: u32,
    ) -> Self {
        Self {
            core,
            teller,
            share: Share::new(budget),
            memory: None,
            legal: true,
            exchanges: HashMap::new(),
            fetches: 0,
            last: 0,
            generation,
            created: None,
            wake: None,
            out: Writer::default(),
            end: End::of(None),
            begin: Instant::now(),
        }
    }

    /// By which events name an exchange of this instance.
    pub(super) fn user(&self, id: u32) -> usize {
        (self.generation as usize) << 32 | id as usize
    }

    /// An error of valor's own in the plugin's log.
    pub(super) fn say(&self, message: &str) {
        self.teller.log().log(LogLevel::Error, "valor", message);
    }

    pub(super) fn remove(&mut self, id: u32) {
        if self.exchanges.remove(&id).is_some_and(|held| held.fetch) {
            self.fetches -= 1;
        }
    }

    /// Acts upon a batch. An error is a violation: the instance is of no use any more.
    fn receive(&mut self, batch: &[u8]) -> wasmtime::Result<()> {
        for frame in frames(batch) {
            let frame = frame?;
            let id = frame.id;
            match Message::read(&frame)? {
                Message::Created { failure } => {
                    if self.created.is_some() {
                        bail!("it has said twice that it is created");
                    }
                    self.created = Some(failure.map_or(Ok(()), |why| Err(why.to_owned())));
                }
                Message::Response { status, fields, end } => self.respond(id, status, fields, end)?,
                Message::Data { part, end } => self.data(id, part, end)?,
                Message::Reset { code, reason } => self.reset(id, code, reason),
                Message::Window { credit } => self.window(id, credit)?,
                Message::Fetch { parent, method, target, fields, end } => {
                    self.fetch(id, parent, (method, target), fields, end)?;
                }
                Message::Wake { after_ns: Some(0) } => self.wake = None,
                Message::Wake { after_ns: Some(ns) } => {
                    self.wake = Instant::now().checked_add(Duration::from_nanos(ns));
                }
                Message::Log { level, target, message } => {
                    let level = match level {
                        0 => LogLevel::Trace,
                        1 => LogLevel::Debug,
                        2 => LogLevel::Info,
                        3 => LogLevel::Warn,
                        _ => LogLevel::Error,
                    };
                    self.teller.log().log(level, target, message);
                }
                Message::Create { .. } | Message::Request { .. } | Message::Wake { after_ns: None } => {
                    bail!("it has sent a frame that only the host sends");
                }
            }
        }
        Ok(())
    }

    /// The exchange; `None`: it is over, and what was under way is ignored.
    fn held(&mut self, id: u32) -> wasmtime::Result<Option<&mut Held>> {
        if id < FETCHES && id > self.last {
            bail!("it speaks of request {id}, which there never was");
        }
        Ok(self.exchanges.get_mut(&id))
    }

    fn respond(&mut self, id: u32, status: u16, fields: Fields<'_>, end: bool) -> wasmtime::Result<()> {
        let Some(held) = self.held(id)? else { return Ok(()) };
        if held.sending != Sending::Head {
            bail!("it has answered request {id} twice");
        }
        held.sending = if end { Sending::Ended } else { Sending::Body };
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value));
        match held.exchange.respond(status, fields, &mut None::<Bytes>, end) {
            Err(Refused::Invalid | Refused::Limit) => {
                let why =
                    "the response's head cannot be sent: too large, or characters that HTTP does not allow";
                held.exchange.reset(ResetCode::Failed, why);
                self.out.reset(id, reset::FAILED, why);
                self.say(why);
                self.remove(id);
            }
            // The event that says so is on its way.
            Err(_) => {}
            Ok(()) if end => self.remove(id),
            Ok(()) => {}
        }
        Ok(())
    }

    fn data(&mut self, id: u32, part: &[u8], end: bool) -> wasmtime::Result<()> {
        let Some(held) = self.held(id)? else { return Ok(()) };
        match held.sending {
            Sending::Head => bail!("it has sent a body before the head of request {id}"),
            Sending::Ended => bail!("it has sent more after the end of a body"),
            Sending::Body if part.len() > held.allowance => {
                bail!("it has sent more of a body than it had credit for")
            }
            Sending::Body => {}
        }
        // Two borrows of one struct.
        let mut out = std::mem::take(&mut self.out);
        if let Some(held) = self.exchanges.get_mut(&id) {
            held.take(id, part, end, &mut out);
            if !held.fetch && held.sending == Sending::Ended && !held.is_waiting() {
                self.exchanges.remove(&id);
            }
        }
        self.out = out;
        Ok(())
    }

    fn reset(&mut self, id: u32, code: u8, reason: &str) {
        if let Some(held) = self.exchanges.get(&id) {
            let code = match code {
                reset::CANCEL => ResetCode::Cancel,
                reset::DEADLINE => ResetCode::Deadline,
                reset::FAILED => ResetCode::Failed,
                reset::NO_ANSWER => ResetCode::NoAnswer,
                reset::REFUSED => ResetCode::Refused,
                reset::UNREACHABLE => ResetCode::Unreachable,
                _ => ResetCode::Internal,
            };
            held.exchange.reset(code, reason);
        }
        self.remove(id);
    }

    fn window(&mut self, id: u32, credit: u32) -> wasmtime::Result<()> {
        let Some(held) = self.held(id)? else { return Ok(()) };
        held.credit = held.credit.saturating_add(credit as usize);
        if held.credit > MAX_WINDOW as usize {
            bail!("it has given more credit than is allowed");
        }
        self.feed(id);
        Ok(())
    }

    /// Hands the guest what has come of a body.
    pub(super) fn feed(&mut self, id: u32) {
        let Some(held) = self.exchanges.get_mut(&id) else { return };
        // A fetch is over with its response.
        if held.feed(id, &mut self.out) && held.fetch {
            self.remove(id);
        }
    }

    fn fetch(
        &mut self,
        id: u32,
        parent: u32,
        (method, target): (&str, &str),
        fields: Fields<'_>,
        end: bool,
    ) -> wasmtime::Result<()> {
        if id < FETCHES || self.exchanges.contains_key(&id) {
            bail!("it has numbered a fetch {id}, which is no number for one, or open already");
        }
        if self.fetches >= MAX_EXCHANGES {
            bail!("it has more than {MAX_EXCHANGES} fetches open");
        }
        let head = RequestHead { method, target, deadline_ms: 0, parent: None };
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value));
        let parent = self.exchanges.get(&parent).and_then(|held| held.exchange.parent());
        match self.core.fetch(parent, &head, fields, &mut None::<Bytes>, end, self.user(id)) {
            Ok(exchange) => {
                let mut held = Held::new(exchange, true);
                held.sending = if end { Sending::Ended } else { Sending::Body };
                self.exchanges.insert(id, held);
                self.fetches += 1;
            }
            Err(Refused::Limit) => self.out.reset(id, reset::REFUSED, "too many fetches are under way"),
            Err(Refused::Cancelled) => {
                self.out.reset(id, reset::CANCEL, "the request that it is for is over");
            }
            Err(_) => self.out.reset(id, reset::INTERNAL, "the request's head is invalid or too large"),
        }
        Ok(())
    }
}

/// The imports of the ABI.
pub(super) fn imports(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, SEND, |mut caller: Caller<'_, Host>, at: u32, len: u32| {
        let memory = legal_memory(&mut caller)?;
        let (bytes, host) = memory.data_and_store_mut(&mut caller);
        if len as usize > MAX_BATCH {
            bail!("it has sent a batch of {len} bytes, more than {MAX_BATCH}");
        }
        let batch = bytes.get(at as usize..).and_then(|rest| rest.get(..len as usize));
        let Some(batch) = batch else { bail!("it has sent a batch that is not within its memory") };
        host.receive(batch)
    })?;
    linker.func_wrap(MODULE, NOW, |caller: Caller<'_, Host>, clock: i32| -> wasmtime::Result<u64> {
        let since = match clock {
            _ if !caller.data().legal => bail!("it has called an import when none may be called"),
            CLOCK_WALL => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            CLOCK_MONOTONIC => caller.data().begin.elapsed(),
            _ => bail!("it has asked for clock {clock}, which there is not"),
        };
        Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    })?;
    linker.func_wrap(MODULE, RANDOM, |mut caller: Caller<'_, Host>, at: u32, len: u32| {
        let memory = legal_memory(&mut caller)?;
        if len as usize > MAX_RANDOM {
            bail!("it has asked for {len} random bytes at once, more than {MAX_RANDOM}");
        }
        let bytes = memory.data_mut(&mut caller).get_mut(at as usize..);
        let Some(bytes) = bytes.and_then(|rest| rest.get_mut(..len as usize)) else {
            bail!("it wants random bytes where it has no memory");
        };
        getrandom::fill(bytes).map_err(|error| wasmtime::format_err!("there is no randomness: {error}"))
    })?;
    Ok(())
}

fn legal_memory(caller: &mut Caller<'_, Host>) -> wasmtime::Result<Memory> {
    if !caller.data().legal {
        bail!("it has called an import when none may be called");
    }
    let known = caller.data().memory;
    let found = known.or_else(|| caller.get_export("memory")?.into_memory());
    found.ok_or_else(|| wasmtime::format_err!("it has no memory"))
}
