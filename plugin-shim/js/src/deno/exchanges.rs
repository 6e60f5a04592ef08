//! Requests and fetches by their numbers: from the wire to Deno and back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use valor_shim_core::serve::{self, Background, Exchange, Head, Parents, Received, Refused};
use valor_shim_core::wire::{RequestHead, ResetCode};

use super::frames::{self, Tell};
use crate::host::{latin1, text_of, write_head};

/// Parts of a body that are told before one is asked for.
const WINDOW: u32 = 2;
/// Parts that may wait for the wire: Deno waits for each but these to be taken.
const MAX_WAITING: usize = 4;
/// Requests that work may go on for after their answers.
const MAX_BACKGROUND: usize = 4096;

/// All that are under way.
pub(super) struct Exchanges {
    core: Arc<serve::Worker>,
    held: HashMap<u32, Held>,
    /// The first deadline of requests that were cancelled since Deno was last asked whether it is alive: their code may go on.
    gone: Option<Instant>,
    next: u32,
    parents: Parents,
    /// Work that goes on after the answer, by the numbers of its requests, and how much of it.
    background: HashMap<u32, (Background, u32)>,
    /// A head as it is made; used again.
    text: Vec<u8>,
}

struct Held {
    exchange: Exchange,
    /// By when a request has to be answered.
    deadline: Option<Instant>,
    /// Parts that may still be told.
    credit: u32,
    /// The body that comes in is complete, or not wanted.
    told: bool,
    /// Parts that wait for the wire; `None`: the end.
    waiting: VecDeque<Option<Bytes>>,
    /// Deno is done with it.
    released: bool,
}

impl Held {
    fn new(exchange: Exchange, deadline: Option<Instant>) -> Self {
        Self { exchange, deadline, credit: WINDOW, told: false, waiting: VecDeque::new(), released: false }
    }
}

impl Exchanges {
    pub(super) fn new(core: Arc<serve::Worker>) -> Self {
        Self {
            core,
            held: HashMap::new(),
            gone: None,
            next: 2,
            parents: Parents::default(),
            background: HashMap::new(),
            text: Vec::new(),
        }
    }

    /// A request has come.
    pub(super) fn admit(&mut self, exchange: Exchange, head: &Head<'_>, out: &mut Vec<u8>) {
        while self.held.contains_key(&self.next) {
            self.next = self.next.wrapping_add(2);
        }
        let id = self.next;
        self.next = id.wrapping_add(2);
        // Refused only when it is over already, of which no event will tell.
        if exchange.set_user(id as usize).is_err() {
            return;
        }
        self.parents.note(id, exchange.parent());
        let deadline = (head.deadline_ms > 0)
            .then(|| Instant::now() + Duration::from_millis(u64::from(head.deadline_ms)));
        self.text.clear();
        self.text.push(if head.end { b'-' } else { b'+' });
        self.text.extend_from_slice(head.method.as_bytes());
        self.text.push(b'\n');
        write_head(&mut self.text, head);
        frames::put(out, Tell::Request, id, text_of(&self.text).as_bytes());
        let mut held = Held::new(exchange, deadline);
        held.told = head.end;
        self.held.insert(id, held);
        self.feed(id, out);
    }

    /// Something has happened to exchange `id`.
    pub(super) fn event(&mut self, id: u32, events: u32, out: &mut Vec<u8>) {
        let is = |event| events & event != 0;
        if is(serve::EVENT_CANCELLED) {
            let Some(held) = self.held.remove(&id) else { return };
            let why = held.exchange.failure().unwrap_or_else(|| "it is over".to_owned());
            self.gone = self.gone.into_iter().chain(held.deadline).min();
            return frames::put(out, Tell::Cancel, id, why.as_bytes());
        }
        if is(serve::EVENT_RESPONSE)
            && let Some(held) = self.held.get_mut(&id)
            && let Ok(head) = held.exchange.response()
        {
            let fields: Vec<String> =
                head.fields().flat_map(|(name, value)| [latin1(name), latin1(value)]).collect();
            tell_head(out, Tell::Response, id, &(head.status, fields, head.end));
            held.told = head.end;
        }
        self.feed(id, out);
        if is(serve::EVENT_WRITABLE) {
            self.send(id, out);
        }
    }

    /// Tells what has come of the body, as far as it is asked for.
    fn feed(&mut self, id: u32, out: &mut Vec<u8>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        while !held.told && held.credit > 0 {
            match held.exchange.read() {
                Ok(Received::Data(part)) => {
                    held.credit -= 1;
                    frames::put(out, Tell::Data, id, &part);
                }
                Ok(Received::End) => {
                    held.told = true;
                    frames::put(out, Tell::End, id, &[]);
                }
                // An event will follow.
                Err(_) => return,
            }
        }
    }

    /// Deno takes one more part.
    pub(super) fn pull(&mut self, id: u32, out: &mut Vec<u8>) {
        if let Some(held) = self.held.get_mut(&id) {
            held.credit = held.credit.saturating_add(1).min(WINDOW);
            self.feed(id, out);
        }
    }

    /// The head of an answer.
    pub(super) fn respond(&mut self, id: u32, payload: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let ((status, fields, end), body): ((u16, Vec<String>, bool), _) = frames::head(payload)?;
        let Some(held) = self.held.get_mut(&id) else { return Ok(()) };
        let fields = wire_fields(&fields);
        let fields = fields.iter().map(|(name, value)| (&name[..], &value[..]));
        let mut body = (!body.is_empty()).then(|| Bytes::copy_from_slice(body));
        match held.exchange.respond(status, fields, &mut body, end) {
            // It needs no word that it is done with, and gets none.
            Ok(()) | Err(Refused::Cancelled) if end => drop(self.held.remove(&id)),
            Ok(()) | Err(Refused::Cancelled) => {}
            Err(_) => {
                let why = "the response's head cannot be sent: too many or too large headers, or characters that HTTP does not allow";
                self.abort(id, ResetCode::Failed, why, out);
            }
        }
        Ok(())
    }

    /// A fetch begins.
    pub(super) fn fetch(&mut self, id: u32, payload: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        type Asked = (String, String, Vec<String>, bool, Option<u32>);
        let ((method, target, fields, end, parent), body): (Asked, _) = frames::head(payload)?;
        if id.is_multiple_of(2) || self.held.contains_key(&id) {
            return Err(format!("a fetch of the number {id}, which is taken"));
        }
        let fields = wire_fields(&fields);
        let mut body = (!body.is_empty()).then(|| Bytes::copy_from_slice(body));
        let head = RequestHead { method: &method, target: &target, deadline_ms: 0, parent: None };
        let parent = parent.and_then(|parent| self.parents.of(parent));
        let fields = fields.iter().map(|(name, value)| (&name[..], &value[..]));
        match self.core.fetch(parent, &head, fields, &mut body, end, id as usize) {
            Ok(exchange) => drop(self.held.insert(id, Held::new(exchange, None))),
            Err(refused) => {
                let why = match refused {
                    Refused::Limit => "too many are under way",
                    Refused::Cancelled => "the request that it is for is over",
                    Refused::Invalid | Refused::Pending => "the request's head is invalid or too large",
                };
                frames::put(out, Tell::Cancel, id, why.as_bytes());
            }
        }
        Ok(())
    }

    /// Work begins that goes on after the answer of request `id`; nobody waits for it where there is too much.
    pub(super) fn begin_background(&mut self, id: u32) {
        if let Some((_, count)) = self.background.get_mut(&id) {
            *count = count.saturating_add(1);
        } else if self.background.len() < MAX_BACKGROUND
            && let Some(work) = self.parents.of(id).and_then(|parent| self.core.background(parent))
        {
            self.background.insert(id, (work, 1));
        }
    }

    /// One work for request `id` has ended.
    pub(super) fn end_background(&mut self, id: u32) {
        if let Some((_, count)) = self.background.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.background.remove(&id);
            }
        }
    }

    /// A part of a body of Deno's; `None`: it is complete.
    pub(super) fn part(&mut self, id: u32, part: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), String> {
        let Some(held) = self.held.get_mut(&id) else { return Ok(()) };
        if held.waiting.len() >= MAX_WAITING {
            return Err("more of a body than was asked for".to_owned());
        }
        held.waiting.push_back(part.map(Bytes::copy_from_slice));
        self.send(id, out);
        Ok(())
    }

    /// Sends what waits, as far as the wire takes it.
    fn send(&mut self, id: u32, out: &mut Vec<u8>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        while let Some(part) = held.waiting.pop_front() {
            let end = part.is_none();
            let mut body = part;
            match held.exchange.write(&mut body, end) {
                Ok(()) if !end => frames::put(out, Tell::Took, id, &[]),
                Ok(()) => {}
                Err(Refused::Pending) => {
                    held.waiting.push_front(body);
                    return;
                }
                // Over: an event says so. Out of order: that is Deno's own harm.
                Err(_) => held.waiting.clear(),
            }
        }
        if held.released {
            self.held.remove(&id);
        }
    }

    /// Deno aborts it.
    pub(super) fn reset(&mut self, id: u32, payload: &[u8]) {
        if let Some(held) = self.held.remove(&id) {
            let (failed, reason) = payload.split_first().unwrap_or((&b'c', &[]));
            let code = if *failed == b'f' { ResetCode::Failed } else { ResetCode::Cancel };
            held.exchange.reset(code, &String::from_utf8_lossy(reason));
        }
    }

    /// Deno wants no more of a body.
    pub(super) fn stop(&mut self, id: u32) {
        if let Some(held) = self.held.get_mut(&id) {
            held.told = true;
            held.exchange.stop();
        }
    }

    /// Deno is done with it.
    pub(super) fn release(&mut self, id: u32) {
        if let Some(held) = self.held.get_mut(&id) {
            held.released = true;
            if held.waiting.is_empty() {
                self.held.remove(&id);
            }
        }
    }

    fn abort(&mut self, id: u32, code: ResetCode, why: &str, out: &mut Vec<u8>) {
        if let Some(held) = self.held.remove(&id) {
            held.exchange.reset(code, why);
            frames::put(out, Tell::Cancel, id, why.as_bytes());
        }
    }

    /// When it is to be doubted that Deno is alive: at the deadline of a request that was cancelled, then or before, and `grace`
    /// after that of one that was not.
    pub(super) fn doubtful(&self, grace: Duration) -> Option<Instant> {
        let late = self.held.values().filter_map(|held| held.deadline).min();
        late.map(|late| late + grace).into_iter().chain(self.gone).min()
    }

    /// Deno is asked whether it is alive.
    pub(super) fn asked(&mut self) {
        self.gone = None;
    }
}

fn tell_head(out: &mut Vec<u8>, kind: Tell, id: u32, head: &impl serde::Serialize) {
    // Strings, numbers and lists of them can be written.
    frames::put(out, kind, id, &serde_json::to_vec(head).unwrap_or_default());
}

/// Names and values by turns as the wire has them; characters above U+00FF were refused by `Headers`.
fn wire_fields(fields: &[String]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes =
        |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect::<Vec<u8>>();
    fields.chunks_exact(2).map(|pair| (bytes(&pair[0]), bytes(&pair[1]))).collect()
}
