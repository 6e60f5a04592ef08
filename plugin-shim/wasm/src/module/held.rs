//! One exchange, as host and guest share it.

use bytes::Bytes;
use valor_abi::message::{INITIAL_WINDOW, MAX_DATA, Writer};
use valor_shim_core::serve::{Exchange, Received, Refused};

/// Credit is given back when so much of it is used.
const GIVE_BACK: usize = INITIAL_WINDOW as usize / 2;

/// How far the guest's direction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// A request that is not answered.
    Head,
    Body,
    Ended,
}

/// An exchange that is open.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) exchange: Exchange,
    pub(super) fetch: bool,
    pub(super) sending: Sending,
    /// The guest knows the head of what it reads.
    pub(super) headed: bool,
    /// What the guest may still be sent.
    pub(super) credit: usize,
    /// Read, and not sent for lack of credit.
    rest: Bytes,
    read_to_end: bool,
    /// What the guest may still send.
    pub(super) allowance: usize,
    /// Taken from the guest, and waiting for the wire.
    queue: Vec<Bytes>,
    ends: bool,
    /// Passed on since the guest was last given credit.
    passed: usize,
}

impl Held {
    pub(super) fn new(exchange: Exchange, fetch: bool) -> Self {
        let sending = if fetch { Sending::Body } else { Sending::Head };
        Self {
            exchange,
            fetch,
            sending,
            headed: !fetch,
            credit: INITIAL_WINDOW as usize,
            rest: Bytes::new(),
            read_to_end: false,
            allowance: INITIAL_WINDOW as usize,
            queue: Vec::new(),
            ends: false,
            passed: 0,
        }
    }

    /// Hands the guest what has come, as far as its credit goes. `true`: that was the end of it.
    pub(super) fn feed(&mut self, id: u32, out: &mut Writer) -> bool {
        while self.headed && !self.read_to_end {
            if self.rest.is_empty() {
                match self.exchange.read() {
                    Ok(Received::Data(data)) => self.rest = data,
                    Ok(Received::End) => {
                        self.read_to_end = true;
                        let _fits = out.data(id, &[], true);
                        return true;
                    }
                    // An event follows.
                    Err(_) => return false,
                }
                continue;
            }
            let part = self.rest.split_to(self.rest.len().min(self.credit).min(MAX_DATA));
            if part.is_empty() {
                return false;
            }
            self.credit -= part.len();
            let _fits = out.data(id, &part, false);
        }
        self.read_to_end
    }

    /// Takes a part from the guest, whose length is checked.
    pub(super) fn take(&mut self, id: u32, part: &[u8], end: bool, out: &mut Writer) {
        self.allowance -= part.len();
        if !part.is_empty() {
            self.queue.push(Bytes::copy_from_slice(part));
        }
        self.ends |= end;
        if end {
            self.sending = Sending::Ended;
        }
        self.pass(id, out);
    }

    /// Passes on what the wire takes, and gives the guest its credit back.
    pub(super) fn pass(&mut self, id: u32, out: &mut Writer) {
        let mut passed = 0;
        for part in &mut self.queue {
            let (len, mut body) = (part.len(), Some(std::mem::take(part)));
            match self.exchange.write(&mut body, false) {
                Ok(()) => {}
                Err(Refused::Pending) => {
                    *part = body.unwrap_or_default();
                    break;
                }
                // The event that says so is on its way.
                Err(_) => {}
            }
            passed += 1;
            self.passed += len;
        }
        self.queue.drain(..passed);
        if self.queue.is_empty() && std::mem::take(&mut self.ends) {
            let _over: Result<(), Refused> = self.exchange.write(&mut None::<Bytes>, true);
        }
        if self.passed >= GIVE_BACK && self.sending == Sending::Body {
            self.allowance += self.passed;
            out.window(id, u32::try_from(self.passed).unwrap_or(u32::MAX));
            self.passed = 0;
        }
    }

    /// Whether something of the guest's still waits for the wire.
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty() || self.ends
    }
}
