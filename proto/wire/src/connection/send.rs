//! What this end says.

use bytes::Bytes;

use super::{Connection, Role};
use crate::frame::{FLAG_END, FrameHeader, FrameType, HEADER_LEN};
use crate::head::{self, Field, HeadError};
use crate::stream::Phase;
use crate::{MAX_REASON, RequestHead, ResetCode, SendError, StreamId};

impl Connection {
    /// Opens a stream with a request head; `end`: without a body.
    pub fn open<'a>(
        &mut self,
        head: &RequestHead<'_>,
        fields: impl IntoIterator<Item = Field<'a>>,
        end: bool,
    ) -> Result<StreamId, SendError> {
        let limits = self.limits;
        let id = self.ours.next_id(limits.max_streams, self.role.side()).ok_or(SendError::NoStream)?;
        self.outbox
            .append(|out| write_head(out, id, end, |out| head::write_request(out, head, fields, &limits)))?;
        let mut stream = self.stream(id, Phase::Body, Phase::Head);
        stream.opened_at = self.outbox.position();
        self.ours.insert(stream);
        if end {
            self.ended(id);
        }
        Ok(id)
    }

    /// Answers a stream that the peer opened; `end`: without a body.
    pub fn respond<'a>(
        &mut self,
        id: StreamId,
        status: u16,
        fields: impl IntoIterator<Item = Field<'a>>,
        end: bool,
    ) -> Result<(), SendError> {
        let stream = self.find(id).filter(|s| s.local != Phase::Done).ok_or(SendError::Closed)?;
        if stream.local != Phase::Head {
            return Err(SendError::Order);
        }
        let limits = self.limits;
        self.outbox.append(|out| {
            write_head(out, id, end, |out| head::write_response(out, status, fields, &limits))
        })?;
        if end {
            self.ended(id);
        } else if let Some(stream) = self.find(id) {
            stream.local = Phase::Body;
        }
        Ok(())
    }

    /// How many bytes of body `id` may send now; 0 also while the socket is congested.
    #[must_use]
    pub fn capacity(&self, id: StreamId) -> usize {
        if self.outbox.len() >= self.limits.max_queued {
            return 0;
        }
        self.get(id).filter(|s| s.local == Phase::Body).map_or(0, |s| s.send_credit as usize)
    }

    /// Sends a part of a body, at most [`capacity`](Self::capacity) bytes; `end`: the last part.
    /// An empty part with `end` needs no capacity.
    pub fn send_data(&mut self, id: StreamId, mut data: Bytes, end: bool) -> Result<(), SendError> {
        self.spend(id, data.len())?;
        let max_data = self.limits.max_data.max(1);
        while data.len() > max_data {
            let part = data.split_to(max_data);
            self.frame(FrameType::Data, 0, id, &[], part);
        }
        if end {
            self.frame(FrameType::Data, FLAG_END, id, &[], data);
            self.ended(id);
        } else if !data.is_empty() {
            self.frame(FrameType::Data, 0, id, &[], data);
        }
        Ok(())
    }

    /// [`send_data`](Self::send_data) of a part that is copied: for small ones, without an allocation.
    pub fn send_slice(&mut self, id: StreamId, data: &[u8], end: bool) -> Result<(), SendError> {
        if data.len() > self.limits.max_data {
            return self.send_data(id, Bytes::copy_from_slice(data), end);
        }
        self.spend(id, data.len())?;
        if end || !data.is_empty() {
            self.frame(FrameType::Data, if end { FLAG_END } else { 0 }, id, data, Bytes::new());
        }
        if end {
            self.ended(id);
        }
        Ok(())
    }

    /// Takes the credit for `len` bytes of DATA.
    fn spend(&mut self, id: StreamId, len: usize) -> Result<(), SendError> {
        let congested = self.outbox.len() >= self.limits.max_queued;
        let stream = self.find(id).filter(|s| s.local != Phase::Done).ok_or(SendError::Closed)?;
        if stream.local == Phase::Head {
            return Err(SendError::Order);
        }
        let spent = u32::try_from(len).ok().filter(|&n| n <= stream.send_credit).ok_or(SendError::Window)?;
        if spent > 0 && congested {
            return Err(SendError::Window);
        }
        stream.send_credit -= spent;
        Ok(())
    }

    /// Aborts a stream in both directions. A stream that is over is left alone.
    pub fn reset(&mut self, id: StreamId, code: ResetCode, reason: &str) {
        let Some(stream) = self.find(id).filter(|s| !s.reset) else {
            return;
        };
        stream.reset = true;
        self.send_reset(id, code, reason);
        self.ended(id);
    }

    /// Says that the rest of a request's body is not wanted; what still arrives is dropped. To turn down a
    /// response, [`reset`](Self::reset) it.
    pub fn stop(&mut self, id: StreamId) {
        if self.is_ours(id) {
            return;
        }
        let Some(stream) = self.find(id).filter(|s| s.takes_data()) else {
            return;
        };
        stream.stopped = true;
        self.frame(FrameType::Stop, 0, id, &[], Bytes::new());
    }

    /// Gives credit back for `n` bytes of body that the consumer has taken.
    pub fn consumed(&mut self, id: StreamId, n: usize) {
        let big = self.limits.max_window;
        let room = self.limits.max_buffered.saturating_sub(self.extra);
        let written_to = self.outbox.written_to();
        let Some(stream) = self.find(id).filter(|s| s.takes_data()) else {
            return;
        };
        // Never more than the peer has spent, whatever the caller says.
        let spent = stream.window - stream.recv_credit;
        stream.unreported =
            u32::try_from(n).map_or(spent, |n| stream.unreported.saturating_add(n).min(spent));
        // Many small credits cost a frame each; half a window at a time keeps the peer busy. One that does not
        // even read its last credit gets no other: it sends more, and is heard again, once it has.
        if stream.unreported < (stream.window / 2).max(1) || written_to < stream.credit_at {
            return;
        }
        let growth = big.saturating_sub(stream.window);
        let growth = if growth as usize <= room { growth } else { 0 };
        stream.window += growth;
        let credit = std::mem::take(&mut stream.unreported) + growth;
        stream.recv_credit += credit;
        self.extra += growth as usize;
        self.frame(FrameType::Window, 0, id, &credit.to_le_bytes(), Bytes::new());
        let position = self.outbox.position();
        if let Some(stream) = self.find(id) {
            stream.credit_at = position;
        }
    }

    /// Says that work has begun which outlives request `id`, and perhaps others. `false`: not said, since that is known, was said for
    /// this request before, or its answer is complete.
    pub fn begin_background(&mut self, id: StreamId) -> bool {
        if self.background || self.role == Role::Daemon || self.is_ours(id) {
            return false;
        }
        let Some(stream) = self.find(id).filter(|s| s.local != Phase::Done && !s.background) else {
            return false;
        };
        stream.background = true;
        self.background = true;
        self.frame(FrameType::Background, 0, id, &[1], Bytes::new());
        true
    }

    /// Says that the last of that work has ended.
    pub fn end_background(&mut self) {
        if std::mem::take(&mut self.background) {
            self.frame(FrameType::Background, 0, StreamId(0), &[0], Bytes::new());
        }
    }

    /// Asks the peer for a sign of life. One ping is under way at a time; `false`: the last one is unanswered.
    pub fn ping(&mut self, value: u64) -> bool {
        if self.ping.is_some() {
            return false;
        }
        self.outbox.append(|out| write_ping(out, FrameType::Ping, value));
        self.ping = Some((value, self.outbox.position()));
        true
    }

    pub(super) fn pong(&mut self, value: u64) {
        self.outbox.append(|out| write_ping(out, FrameType::Pong, value));
        self.pong_at = self.outbox.position();
    }

    pub(super) fn send_reset(&mut self, id: StreamId, code: ResetCode, reason: &str) {
        let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
        let mut payload = Vec::with_capacity(1 + reason.len());
        payload.push(code as u8);
        payload.extend_from_slice(reason.as_bytes());
        self.frame(FrameType::Reset, 0, id, &payload, Bytes::new());
    }

    pub(super) fn frame(&mut self, kind: FrameType, flags: u8, id: StreamId, start: &[u8], rest: Bytes) {
        // Every payload was cut to a limit far below 4 GiB.
        let len = u32::try_from(start.len() + rest.len()).unwrap_or(u32::MAX);
        self.outbox.append(|out| {
            out.extend_from_slice(&FrameHeader { len, kind, flags, stream: id.get() }.encode());
            out.extend_from_slice(start);
        });
        self.outbox.push(rest);
    }

    /// Our direction's last frame is queued.
    pub(super) fn ended(&mut self, id: StreamId) {
        let position = self.outbox.position();
        if let Some(stream) = self.find(id).filter(|s| s.local != Phase::Done) {
            stream.local = Phase::Done;
            stream.ended_at = position;
        }
        self.settle(id);
    }
}

fn write_head(
    out: &mut Vec<u8>,
    id: StreamId,
    end: bool,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), HeadError>,
) -> Result<(), HeadError> {
    let start = out.len();
    out.reserve(512);
    out.extend_from_slice(&[0; HEADER_LEN]);
    if let Err(error) = body(out) {
        out.truncate(start);
        return Err(error);
    }
    let len = u32::try_from(out.len() - start - HEADER_LEN).unwrap_or(u32::MAX);
    let flags = if end { FLAG_END } else { 0 };
    let header = FrameHeader { len, kind: FrameType::Head, flags, stream: id.get() };
    out[start..start + HEADER_LEN].copy_from_slice(&header.encode());
    Ok(())
}

fn write_ping(out: &mut Vec<u8>, kind: FrameType, value: u64) {
    out.extend_from_slice(&FrameHeader { len: 8, kind, flags: 0, stream: 0 }.encode());
    out.extend_from_slice(&value.to_le_bytes());
}
