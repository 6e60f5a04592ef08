//! One end against a peer that says anything.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Input, SMALL};
use crate::{
    Connection, Event, FrameHeader, FrameType, HEADER_LEN, MAX_REASON, RequestHead, ResetCode, Role, StreamId,
};

/// The longest frame.
const FRAME: usize = HEADER_LEN + 1 + MAX_REASON;

/// One end of a data socket against a peer that says whatever `input` says, with both ends' acts mixed in.
///
/// # Panics
///
/// When the peer makes this end hold more than the limits allow, or is heard after a violation.
pub fn connection(input: &[u8]) {
    let mut input = Input(input);
    let role = if input.byte() & 1 == 0 { Role::Daemon } else { Role::Shim };
    let mut end = Connection::new(role, SMALL);
    let mut ids = Vec::new();
    let mut taken = HashMap::new();
    while !input.0.is_empty() {
        let step = input.byte();
        match step & 7 {
            // Raw bytes, or a frame with a proper header: the mutator finds the depths sooner.
            0 => {
                let raw = input.take(usize::from(step >> 3));
                end.space(1).extend_from_slice(raw);
            }
            1..=3 => {
                let frame = frame(&mut input, step & 8 != 0);
                end.space(frame.len()).extend_from_slice(&frame);
            }
            4 => {
                let part = end.outbox().len() * usize::from(step >> 3) / 31;
                end.written(part);
            }
            _ => act(&mut end, &mut ids, &mut taken, step >> 3, input.byte()),
        }
        if !drain(&mut end, &mut ids, &mut taken) {
            return is_dead(end, &mut input);
        }
        // What waits is less than a frame, in a block that was not sized by what the peer announced.
        let space = end.space(1);
        assert!(space.len() < FRAME, "{} bytes wait to be understood", space.len());
        assert!(space.capacity() <= 4 * FRAME, "room for {} bytes", space.capacity());
        let held: usize = taken.values().sum();
        let most = 2 * SMALL.max_streams * SMALL.initial_window as usize + SMALL.max_buffered;
        assert!(held <= most, "{held} bytes of bodies are held");
        assert!(end.open_streams() <= 2 * SMALL.max_streams);
        // Heads, resets with their reason, a window and a stop for each slot, one pong and ping; bodies are counted.
        let held = 4 * SMALL.max_streams * (SMALL.max_head + 600)
            + SMALL.max_queued
            + SMALL.max_window as usize
            + 500;
        assert!(end.outbox().len() <= 2 * held, "{} bytes queued", end.outbox().len());
    }
}

/// Whatever is said and done after a violation, nothing is heard of this peer any more.
fn is_dead(mut end: Connection, input: &mut Input<'_>) {
    let violation = end.next_event().err();
    assert!(violation.is_some(), "a violation is forgotten");
    let (queued, open) = (end.outbox().len(), end.open_streams());
    let more = frame(input, false);
    end.space(more.len()).extend_from_slice(&more);
    assert_eq!(end.next_event().err(), violation);
    assert_eq!((end.outbox().len(), end.open_streams()), (queued, open), "the dead do not change anything");
}

fn frame(input: &mut Input<'_>, end: bool) -> Vec<u8> {
    let byte = input.byte();
    let kind = match byte % 8 {
        _ if byte >= 0xf0 => FrameType::Background,
        0 | 1 => FrameType::Head,
        2 => FrameType::Data,
        3 => FrameType::Reset,
        4 => FrameType::Window,
        5 => FrameType::Stop,
        6 => FrameType::Ping,
        _ => FrameType::Pong,
    };
    // Small serials, slots and either side.
    let id = input.byte();
    let stream = match kind {
        FrameType::Ping | FrameType::Pong => 0,
        _ => u64::from(id >> 4) << 20 | u64::from(id >> 1 & 7) << 1 | u64::from(id & 1),
    };
    let len = usize::from(input.byte());
    let payload = input.take(len);
    let flags = u8::from(end && matches!(kind, FrameType::Head | FrameType::Data));
    let mut out =
        FrameHeader { len: u32::try_from(payload.len()).unwrap_or(0), kind, flags, stream }.encode().to_vec();
    out.extend_from_slice(payload);
    out
}

fn act(
    end: &mut Connection,
    ids: &mut Vec<StreamId>,
    taken: &mut HashMap<StreamId, usize>,
    what: u8,
    value: u8,
) {
    let id = ids.get(usize::from(value) % ids.len().max(1)).copied();
    // An honest end stops opening while its socket is stuck; see `Limits::max_queued`.
    let room = end.outbox().len() < SMALL.max_queued;
    match (what % 8, id) {
        (0, _) if room => {
            let head = RequestHead { method: "GET", target: "/", deadline_ms: 0, parent: None };
            ids.extend(end.open(&head, [(&b"host"[..], &b"x"[..])], value & 1 == 0));
        }
        (1, Some(id)) => drop(end.respond(id, 200, [(&b"x-a"[..], &b"b"[..])], value & 1 == 0)),
        (2, Some(id)) => {
            let data = Bytes::from(vec![value; end.capacity(id).min(usize::from(value))]);
            drop(end.send_data(id, data, value & 1 == 0));
        }
        (3, Some(id)) => {
            taken.remove(&id);
            end.reset(id, ResetCode::Cancel, "no");
        }
        (4, Some(id)) => {
            taken.remove(&id);
            end.stop(id);
        }
        (5, Some(id)) => {
            if let Some(held) = taken.get_mut(&id) {
                *held = held.saturating_sub(value.into());
            }
            end.consumed(id, usize::from(value));
        }
        (6, _) => _ = end.ping(u64::from(value)),
        _ => {}
    }
}

/// `false` on a violation.
fn drain(end: &mut Connection, ids: &mut Vec<StreamId>, taken: &mut HashMap<StreamId, usize>) -> bool {
    loop {
        match end.next_event() {
            Ok(Some(Event::Request { id, head, .. })) => {
                assert!(head.fields.iter().count() == head.fields.len());
                ids.push(id);
            }
            Ok(Some(Event::Response { head, .. })) => {
                assert!(head.fields.iter().count() == head.fields.len());
            }
            Ok(Some(Event::Data { id, data, end: false })) => {
                assert!(data.len() <= SMALL.max_data);
                *taken.entry(id).or_default() += data.len();
            }
            // A body that is whole, or is not wanted, is the consumer's own; what it owes counts no more.
            Ok(Some(Event::Data { id, .. } | Event::Reset { id, .. })) => _ = taken.remove(&id),
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
        if ids.len() > 64 {
            ids.drain(..32);
        }
    }
}
