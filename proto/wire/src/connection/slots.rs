//! The streams of one side, by slot.

use crate::stream::{Phase, Stream};
use crate::{StreamId, Violation};

/// The streams that one side has opened.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    /// Slots that are free, on the side that opens.
    free: Vec<u32>,
    serial: u64,
    open: usize,
}

#[derive(Debug, Default)]
struct Slot {
    live: Option<Stream>,
    /// The last stream here that is over: only for this one may stragglers arrive.
    last: u64,
    /// Where our last frame for it ended in the outbox: nobody opens the slot anew before having read that.
    ended_at: u64,
}

impl Slots {
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&Stream> {
        self.slots.get(id.slot())?.live.as_ref().filter(|s| s.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.slots.get_mut(id.slot())?.live.as_mut().filter(|s| s.id == id)
    }

    /// Whether a straggler may still arrive for this id, whose stream is over.
    pub(crate) fn lingers(&self, id: StreamId) -> bool {
        id.serial() > 0 && self.slots.get(id.slot()).is_some_and(|s| s.last == id.get())
    }

    /// The id that the next stream of ours will have, `None` when `max` are open.
    pub(crate) fn next_id(&self, max: usize, side: u64) -> Option<StreamId> {
        let slot = match self.free.last() {
            Some(&slot) => slot as usize,
            None => Some(self.slots.len()).filter(|&len| len < max.min(StreamId::SLOTS))?,
        };
        Some(StreamId::new(self.serial + 1, slot, side))
    }

    /// Checks an id that the peer opens; gives the place in the outbox that it must have read for that.
    pub(crate) fn check_new(&self, id: StreamId, max: usize) -> Result<u64, Violation> {
        let slot = id.slot();
        if id.serial() <= self.serial || slot >= max || slot > self.slots.len() {
            return Err(Violation::StreamId);
        }
        match self.slots.get(slot) {
            None => Ok(0),
            Some(Slot { live: None, ended_at, .. }) => Ok(*ended_at),
            Some(_) => Err(Violation::StreamId),
        }
    }

    /// Puts a stream into its slot, after [`next_id`](Self::next_id) or [`check_new`](Self::check_new).
    pub(crate) fn insert(&mut self, stream: Stream) {
        let slot = stream.id.slot();
        if slot == self.slots.len() {
            self.slots.push(Slot::default());
        } else {
            self.free.pop();
        }
        self.serial = stream.id.serial();
        self.open += 1;
        self.slots[slot].live = Some(stream);
    }

    /// Frees the slot when both directions have ended, and gives what was there.
    pub(crate) fn settle(&mut self, id: StreamId, ours: bool) -> Option<Stream> {
        let slot = self.slots.get_mut(id.slot())?;
        let stream =
            slot.live.take_if(|s| s.id == id && s.local == Phase::Done && s.remote == Phase::Done)?;
        slot.last = id.get();
        slot.ended_at = stream.ended_at;
        self.open -= 1;
        if ours {
            // A slot has 19 bits.
            self.free.push(u32::try_from(id.slot()).unwrap_or(u32::MAX));
        }
        Some(stream)
    }
}
