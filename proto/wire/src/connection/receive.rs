//! What the peer says, checked against the rules before anything is made of it.

use bytes::Bytes;

use super::{Connection, Event, Role};
use crate::frame::{FLAG_END, FrameHeader, FrameType, HEADER_LEN};
use crate::stream::{Phase, Stream};
use crate::{Limits, MAX_REASON, ResetCode, StreamId, Violation, head};

/// A frame that was found in order, or all of it but its payload.
enum Frame {
    Head { id: StreamId, len: usize, end: bool },
    Data { id: StreamId, len: usize, end: bool },
    Reset { id: StreamId, len: usize },
    Window { id: StreamId },
    Stop { id: StreamId },
    Pong { value: u64 },
    Background { any: bool },
}

impl Connection {
    /// The next thing that the peer has said, `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// When it has broken a rule; there is no way on, so every further call says the same.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Violation> {
        if let Some(violation) = &self.broken {
            return Err(violation.clone());
        }
        let frame = match self.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(violation) => return Err(self.broken.insert(violation).clone()),
        };
        let event = match frame {
            Frame::Data { id, len, end } => Ok(Event::Data { id, data: self.inbox.take(len), end }),
            Frame::Head { id, len, end } => {
                let ours = self.is_ours(id);
                head_event(&self.inbox.peek()[HEADER_LEN..HEADER_LEN + len], id, ours, end, &self.limits)
            }
            Frame::Reset { id, len } => reset_event(&self.inbox.peek()[HEADER_LEN..HEADER_LEN + len], id),
            Frame::Window { id } => Ok(Event::Window { id }),
            Frame::Stop { id } => Ok(Event::Stop { id }),
            Frame::Pong { value } => Ok(Event::Pong { value }),
            Frame::Background { any } => Ok(Event::Background { any }),
        };
        if let Err(violation) = &event {
            self.broken = Some(violation.clone());
        }
        event.map(Some)
    }

    /// The next frame that is worth an event; its payload is still in front, DATA's header, too.
    fn next_frame(&mut self) -> Result<Option<Frame>, Violation> {
        loop {
            self.step_over();
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let len = header.len as usize;
            if self.inbox.peek().len() < HEADER_LEN + len {
                return Ok(None);
            }
            let (id, end) = (StreamId(header.stream), header.ends());
            self.pending_skip = HEADER_LEN + len;
            match header.kind {
                FrameType::Head => {
                    if self.on_head(id, end)? {
                        return Ok(Some(Frame::Head { id, len, end }));
                    }
                }
                FrameType::Data => {
                    if self.on_data(id, header.len, end)? {
                        // It is taken out, not stepped over.
                        self.pending_skip = 0;
                        return Ok(Some(Frame::Data { id, len, end }));
                    }
                }
                FrameType::Reset => {
                    if self.on_reset(id)? {
                        return Ok(Some(Frame::Reset { id, len }));
                    }
                }
                FrameType::Window => {
                    let credit = u32::from_le_bytes(self.payload());
                    if self.on_window(id, credit)? {
                        return Ok(Some(Frame::Window { id }));
                    }
                }
                FrameType::Stop => {
                    if self.on_stop(id)? {
                        return Ok(Some(Frame::Stop { id }));
                    }
                }
                FrameType::Ping => {
                    let value = u64::from_le_bytes(self.payload());
                    // One ping is under way at a time: its sender has read our last answer.
                    if !self.outbox.passed(self.pong_at) {
                        return Err(Violation::NotReading);
                    }
                    self.pong(value);
                }
                FrameType::Pong => {
                    let value = u64::from_le_bytes(self.payload());
                    return match self.ping.take() {
                        Some((sent, at)) if sent == value && self.outbox.passed(at) => {
                            Ok(Some(Frame::Pong { value }))
                        }
                        _ => Err(Violation::UnexpectedPong),
                    };
                }
                FrameType::Background => {
                    let [any] = self.payload();
                    return self.on_background(id, any).map(|any| Some(Frame::Background { any }));
                }
                FrameType::Control => return Err(Violation::Misplaced("control")),
            }
        }
    }

    pub(super) fn step_over(&mut self) {
        let skip = std::mem::take(&mut self.pending_skip);
        if skip > 0 {
            self.inbox.skip(skip);
        }
    }

    /// The header in front, its length within the limit of its type.
    fn header(&self) -> Result<Option<FrameHeader>, Violation> {
        let Some(bytes) = self.inbox.peek().first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let header = FrameHeader::decode(bytes)?;
        let (kind, min, max) = match header.kind {
            FrameType::Head => ("head", 0, self.limits.max_head),
            // Empty DATA is only there to carry END.
            FrameType::Data => ("data", usize::from(!header.ends()), self.limits.max_data),
            FrameType::Reset => ("reset", 1, 1 + MAX_REASON),
            FrameType::Window => ("window", 4, 4),
            FrameType::Stop => ("stop", 0, 0),
            FrameType::Ping => ("ping", 8, 8),
            FrameType::Pong => ("pong", 8, 8),
            FrameType::Background => ("background", 1, 1),
            FrameType::Control => return Err(Violation::Misplaced("control")),
        };
        let len = header.len as usize;
        if len < min || len > max {
            return Err(Violation::FrameLength { kind, len, limit: max });
        }
        if matches!(header.kind, FrameType::Ping | FrameType::Pong) && header.stream != 0 {
            return Err(Violation::ReservedBits);
        }
        Ok(Some(header))
    }

    /// How much is missing of the frame in front, when its header is there and valid.
    pub(super) fn missing(&self) -> usize {
        let have = self.inbox.peek().len();
        self.header().ok().flatten().map_or(0, |h| (HEADER_LEN + h.len as usize).saturating_sub(have))
    }

    /// The payload of a frame whose length was checked to be `N`.
    fn payload<const N: usize>(&self) -> [u8; N] {
        self.inbox.peek()[HEADER_LEN..].first_chunk().copied().unwrap_or([0; N])
    }

    /// The open stream that a frame is for. Of our streams the peer can only speak once it could read of them.
    fn known(&mut self, id: StreamId) -> Result<Option<&mut Stream>, Violation> {
        let written = self.outbox.written_to();
        match self.find(id) {
            Some(stream) if stream.opened_at > written => Err(Violation::NotReading),
            found => Ok(found),
        }
    }

    /// As [`known`](Self::known), but the stream may also just have ended on our side: then `None`.
    fn lingering(&mut self, id: StreamId, kind: &'static str) -> Result<Option<&mut Stream>, Violation> {
        if self.get(id).is_none() && !self.side_of(id).lingers(id) {
            return Err(Violation::UnknownStream(kind));
        }
        self.known(id)
    }

    /// Checks a HEAD against the stream's state; `false`: valid, but nobody wants it.
    fn on_head(&mut self, id: StreamId, end: bool) -> Result<bool, Violation> {
        let remote = if end { Phase::Done } else { Phase::Body };
        if self.is_ours(id) {
            let stream = self.known(id)?.ok_or(Violation::UnknownStream("head"))?;
            match stream.remote {
                Phase::Head => stream.remote = remote,
                Phase::Body => return Err(Violation::SecondHead),
                Phase::Done => return Err(Violation::AfterEnd("head")),
            }
            // An invalid head that nobody wants is no less of a violation, but is not worth reading.
            let wanted = !stream.reset;
            self.settle(id);
            return Ok(wanted);
        }
        if let Some(stream) = self.find(id) {
            return Err(if stream.remote == Phase::Done {
                Violation::AfterEnd("head")
            } else {
                Violation::SecondHead
            });
        }
        let must_have_read = self.theirs.check_new(id, self.limits.max_streams)?;
        if !self.outbox.passed(must_have_read) {
            return Err(Violation::NotReading);
        }
        let stream = self.stream(id, Phase::Head, remote);
        self.theirs.insert(stream);
        Ok(true)
    }

    /// `false`: valid, but to be dropped.
    fn on_data(&mut self, id: StreamId, len: u32, end: bool) -> Result<bool, Violation> {
        let stream = self.known(id)?.ok_or(Violation::UnknownStream("data"))?;
        match stream.remote {
            Phase::Head => return Err(Violation::DataBeforeHead),
            Phase::Body => {}
            Phase::Done => return Err(Violation::AfterEnd("data")),
        }
        stream.recv_credit = stream.recv_credit.checked_sub(len).ok_or(Violation::WindowOverrun)?;
        let wanted = !stream.reset && !stream.stopped;
        if end {
            stream.remote = Phase::Done;
            self.settle(id);
        }
        Ok(wanted)
    }

    /// `false`: the answer to a reset of ours, or one that crossed our END.
    fn on_reset(&mut self, id: StreamId) -> Result<bool, Violation> {
        let Some(stream) = self.lingering(id, "reset")? else {
            return Ok(false);
        };
        stream.remote = Phase::Done;
        let news = !std::mem::replace(&mut stream.reset, true);
        if stream.local != Phase::Done {
            self.send_reset(id, ResetCode::Cancel, "");
        }
        self.ended(id);
        Ok(news)
    }

    /// `false`: for a stream that is over, or of no use any more.
    fn on_window(&mut self, id: StreamId, credit: u32) -> Result<bool, Violation> {
        let Some(stream) = self.lingering(id, "window")? else {
            return Ok(false);
        };
        stream.send_credit = stream
            .send_credit
            .checked_add(credit)
            .filter(|&sum| sum <= i32::MAX.unsigned_abs())
            .ok_or(Violation::WindowOverflow)?;
        Ok(stream.local == Phase::Body)
    }

    /// Whether there is any from now on. It begins with a request whose answer is not complete, once for each, and ends on no stream.
    fn on_background(&mut self, id: StreamId, any: u8) -> Result<bool, Violation> {
        let misplaced = Violation::Misplaced("background");
        let any = match any {
            _ if self.role == Role::Shim => return Err(misplaced),
            0 if id.get() == 0 => false,
            1 if self.is_ours(id) => true,
            _ => return Err(misplaced),
        };
        if std::mem::replace(&mut self.background, any) == any {
            return Err(misplaced);
        }
        if any {
            let stream = self.known(id)?.ok_or(Violation::UnknownStream("background"))?;
            if stream.remote == Phase::Done || std::mem::replace(&mut stream.background, true) {
                return Err(misplaced);
            }
        }
        Ok(any)
    }

    fn on_stop(&mut self, id: StreamId) -> Result<bool, Violation> {
        if !self.is_ours(id) {
            return Err(Violation::Misplaced("stop"));
        }
        match self.lingering(id, "stop")? {
            Some(stream) if stream.local == Phase::Body => {}
            _ => return Ok(false),
        }
        self.frame(FrameType::Data, FLAG_END, id, &[], Bytes::new());
        self.ended(id);
        Ok(true)
    }
}

/// Reads a head in place.
fn head_event<'a>(
    payload: &'a [u8],
    id: StreamId,
    ours: bool,
    end: bool,
    limits: &Limits,
) -> Result<Event<'a>, Violation> {
    Ok(if ours {
        Event::Response { id, head: head::read_response(payload, limits)?, end }
    } else {
        Event::Request { id, head: head::read_request(payload, limits)?, end }
    })
}

fn reset_event(payload: &[u8], id: StreamId) -> Result<Event<'_>, Violation> {
    let (code, reason) = payload.split_first().unwrap_or((&0, &[]));
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::Misplaced("reset reason"))?;
    Ok(Event::Reset { id, code: ResetCode::from_wire(*code), reason })
}
