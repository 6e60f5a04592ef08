//! A peer that breaks the rules, one rule a test: raw frames against one end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{GET, LIMITS, Said, frame, get, hear, id, status, take};
use valor_wire::{
    Connection, FrameType, HEADER_LEN, HeadError, Limits, ResetCode, Role, StreamId, Violation,
};

const END: u8 = 1;
const SHIM: u64 = 0;
const DAEMON: u64 = 1;

/// The daemon's end; what the shim sends is made by hand.
fn daemon() -> Connection {
    Connection::new(Role::Daemon, LIMITS)
}

/// A daemon with a request that the shim has read.
fn asked(end: bool) -> (Connection, StreamId) {
    let mut daemon = daemon();
    let id = daemon.open(&GET, [], end).unwrap();
    take(&mut daemon, usize::MAX);
    (daemon, id)
}

fn breach(end: &mut Connection, frames: &[Vec<u8>]) -> Violation {
    let violation = hear(end, &frames.concat()).unwrap_err();
    // What is in order by itself comes too late.
    let queued = end.outbox().len();
    assert_eq!(hear(end, &frame(FrameType::Ping, 0, 0, &[0; 8])).unwrap_err(), violation);
    assert_eq!(end.outbox().len(), queued);
    violation
}

fn head(stream: u64, flags: u8) -> Vec<u8> {
    frame(FrameType::Head, flags, stream, &status(200))
}

fn data(stream: u64, flags: u8, len: usize) -> Vec<u8> {
    frame(FrameType::Data, flags, stream, &vec![0; len])
}

fn fetch(serial: u64, slot: u64, flags: u8) -> Vec<u8> {
    frame(FrameType::Head, flags, id(serial, slot, SHIM), &get())
}

#[test]
fn unknown_frames_and_reserved_bits() {
    let mut bytes = frame(FrameType::Ping, 0, 0, &[0; 8]);
    bytes[4] = 9;
    assert_eq!(breach(&mut daemon(), &[bytes]), Violation::UnknownFrame(9));
    let mut bytes = frame(FrameType::Ping, 0, 0, &[0; 8]);
    bytes[7] = 1;
    assert_eq!(breach(&mut daemon(), &[bytes]), Violation::ReservedBits);
    for kind in [FrameType::Ping, FrameType::Pong] {
        assert_eq!(breach(&mut daemon(), &[frame(kind, 0, 3, &[0; 8])]), Violation::ReservedBits);
    }
    assert_eq!(breach(&mut daemon(), &[frame(FrameType::Window, END, 3, &[0; 4])]), Violation::ReservedBits);
}

#[test]
fn control_frames_and_stops_out_of_place() {
    assert_eq!(
        breach(&mut daemon(), &[frame(FrameType::Control, 0, 0, b"{}")]),
        Violation::Misplaced("control")
    );
    let mut daemon = daemon();
    let stop = frame(FrameType::Stop, 0, id(1, 0, SHIM), &[]);
    assert_eq!(breach(&mut daemon, &[fetch(1, 0, 0), stop]), Violation::Misplaced("stop"));
}

#[test]
fn background_work_that_nobody_has_asked_for() {
    let misplaced = Violation::Misplaced("background");
    let begin = |stream: u64| frame(FrameType::Background, 0, stream, &[1]);
    let end = || frame(FrameType::Background, 0, 0, &[0]);
    let ours = id(1, 0, DAEMON);
    // It begins for an open request of the daemon's, and only where there is none; it ends once, and for all.
    assert_eq!(breach(&mut daemon(), &[begin(ours)]), Violation::UnknownStream("background"));
    assert_eq!(breach(&mut daemon(), &[begin(0)]), misplaced);
    assert_eq!(breach(&mut daemon(), &[end()]), misplaced);
    let cases = [
        vec![fetch(1, 0, 0), begin(id(1, 0, SHIM))],
        vec![begin(ours), begin(ours)],
        vec![begin(ours), frame(FrameType::Background, 0, ours, &[0])],
        vec![begin(ours), frame(FrameType::Background, 0, 0, &[2])],
        vec![begin(ours), end(), end()],
        // Once for each request: whoever floods with it must be asked first.
        vec![begin(ours), end(), begin(ours)],
        // The request's client may still send, but the answer is complete.
        vec![head(ours, END), begin(ours)],
    ];
    for (i, bytes) in cases.iter().enumerate() {
        let (mut daemon, stream) = asked(false);
        assert_eq!(stream.get(), ours);
        assert_eq!(breach(&mut daemon, bytes), misplaced, "{i}");
    }
    // What was never written cannot have begun anything.
    let mut unread = daemon();
    unread.open(&GET, [], false).unwrap();
    assert_eq!(breach(&mut unread, &[begin(ours)]), Violation::NotReading);
    // A shim has nothing to wait for.
    let mut shim = Connection::new(Role::Shim, LIMITS);
    assert_eq!(breach(&mut shim, &[end()]), misplaced);
}

#[test]
fn lengths_are_refused_by_the_header_alone_before_anything_is_allocated() {
    let cases = [
        (FrameType::Head, LIMITS.max_head + 1),
        (FrameType::Data, LIMITS.max_data + 1),
        (FrameType::Data, 0),
        (FrameType::Reset, 0),
        (FrameType::Reset, 514),
        (FrameType::Window, 3),
        (FrameType::Window, 5),
        (FrameType::Stop, 1),
        (FrameType::Ping, 7),
        (FrameType::Pong, 9),
        (FrameType::Background, 2),
        (FrameType::Head, u32::MAX as usize),
        (FrameType::Data, u32::MAX as usize),
    ];
    for (kind, len) in cases {
        let mut daemon = daemon();
        let mut header =
            frame(kind, 0, if matches!(kind, FrameType::Ping | FrameType::Pong) { 0 } else { 3 }, &[]);
        header[..4].copy_from_slice(&u32::try_from(len).unwrap().to_le_bytes());
        // All but the last byte of the header asks for nothing yet.
        assert_eq!(hear(&mut daemon, &header[..HEADER_LEN - 1]).unwrap(), []);
        daemon.space(1).push(header[HEADER_LEN - 1]);
        assert!(daemon.space(1).capacity() < 4096, "{kind:?} {len}");
        assert!(
            matches!(daemon.next_event(), Err(Violation::FrameLength { len: l, .. }) if l == len),
            "{kind:?} {len}"
        );
    }
    // What is allowed is asked for as a whole, so that one read can bring it.
    let mut daemon = Connection::new(Role::Daemon, Limits::default());
    let bytes = frame(FrameType::Data, 0, 3, &vec![0; 100_000]);
    daemon.space(HEADER_LEN).extend_from_slice(&bytes[..HEADER_LEN]);
    assert!(matches!(daemon.next_event(), Ok(None)));
    let space = daemon.space(1);
    assert!(space.capacity() - space.len() >= 100_000);
}

#[test]
fn invalid_heads() {
    let cases: [(Vec<u8>, HeadError); 8] = [
        (status(101), HeadError::Status(101)),
        (status(100), HeadError::Status(100)),
        (status(600), HeadError::Status(600)),
        (vec![], HeadError::Length),
        ([&status(200)[..], b"!"].concat(), HeadError::Length),
        ([&[200, 0, 5, 0][..], &[0; 40]].concat(), HeadError::TooManyFields(4)),
        ([&[200, 0, 1, 0][..], &[0, 1], b"A", &[0, 0]].concat(), HeadError::Name),
        ([&[200, 0, 1, 0][..], &[0, 1], b"a", &[2, 0], b"\r\n"].concat(), HeadError::Value("a".into())),
    ];
    for (payload, error) in cases {
        let (mut daemon, stream) = asked(true);
        let bytes = frame(FrameType::Head, 0, stream.get(), &payload);
        assert_eq!(breach(&mut daemon, &[bytes]), Violation::Head(error));
    }
    let cases: [(Vec<u8>, HeadError); 3] = [
        ([&[0; 12][..], &[1], b" ", &[1, 0], b"/", &[0, 0]].concat(), HeadError::Method),
        ([&[0; 12][..], &[1], b"G", &[0, 0], &[0, 0]].concat(), HeadError::Target),
        ([&[0; 12][..], &[1], b"G", &[1, 0], b"\xff", &[0, 0]].concat(), HeadError::Target),
    ];
    for (payload, error) in cases {
        let bytes = frame(FrameType::Head, END, id(1, 0, SHIM), &payload);
        assert_eq!(breach(&mut daemon(), &[bytes]), Violation::Head(error));
    }
}

#[test]
fn frames_for_streams_that_never_were() {
    for stream in [0, 1, id(1, 0, DAEMON), id(1, 0, SHIM), id(9, 2, DAEMON), u64::MAX, u64::MAX - 1] {
        assert_eq!(breach(&mut daemon(), &[data(stream, 0, 1)]), Violation::UnknownStream("data"));
        let window = frame(FrameType::Window, 0, stream, &[1, 0, 0, 0]);
        assert_eq!(breach(&mut daemon(), &[window]), Violation::UnknownStream("window"));
        let reset = frame(FrameType::Reset, 0, stream, &[1]);
        assert_eq!(breach(&mut daemon(), &[reset]), Violation::UnknownStream("reset"));
        if stream & 1 == DAEMON {
            assert_eq!(breach(&mut daemon(), &[head(stream, 0)]), Violation::UnknownStream("head"));
            let stop = frame(FrameType::Stop, 0, stream, &[]);
            assert_eq!(breach(&mut daemon(), &[stop]), Violation::UnknownStream("stop"));
        }
    }
    // An old serial in a slot that it never had.
    let (mut daemon, _) = asked(true);
    let reset = frame(FrameType::Reset, 0, id(1, 1, DAEMON), &[1]);
    assert_eq!(breach(&mut daemon, &[reset]), Violation::UnknownStream("reset"));
}

#[test]
fn frames_for_streams_that_are_over() {
    for (late, violation) in [
        (data as fn(u64, u8, usize) -> Vec<u8>, Violation::UnknownStream("data")),
        (|stream, flags, _| head(stream, flags), Violation::UnknownStream("head")),
    ] {
        let (mut daemon, stream) = asked(true);
        let bytes = [head(stream.get(), END), late(stream.get(), END, 1)];
        assert_eq!(breach(&mut daemon, &bytes), violation);
    }
    // Stragglers are fine for the last stream of a slot, and only for that.
    let (mut daemon, first) = asked(true);
    let window = |stream: StreamId| frame(FrameType::Window, 0, stream.get(), &[1, 0, 0, 0]);
    hear(&mut daemon, &[head(first.get(), END), window(first)].concat()).unwrap();
    let second = daemon.open(&GET, [], true).unwrap();
    take(&mut daemon, usize::MAX);
    assert_eq!(hear(&mut daemon, &window(first)).unwrap(), []);
    hear(&mut daemon, &[head(second.get(), END), window(second)].concat()).unwrap();
    assert_eq!(breach(&mut daemon, &[window(first)]), Violation::UnknownStream("window"));
}

#[test]
fn ids_reused_taken_or_out_of_bounds() {
    // The same id, a smaller serial, the same serial elsewhere.
    for (serial, slot) in [(2, 0), (1, 1), (2, 1)] {
        let mut daemon = daemon();
        let answer = |daemon: &mut Connection, said: &[Said]| {
            let Said::Request { id, .. } = said[0] else { panic!() };
            daemon.respond(id, 200, [], true).unwrap();
            take(daemon, usize::MAX);
        };
        let said = hear(&mut daemon, &fetch(2, 0, END)).unwrap();
        answer(&mut daemon, &said);
        assert_eq!(breach(&mut daemon, &[fetch(serial, slot, END)]), Violation::StreamId);
    }
    // A slot that is taken, one beyond the next, one beyond the limit, no serial.
    assert_eq!(breach(&mut daemon(), &[fetch(1, 0, 0), fetch(2, 0, 0)]), Violation::StreamId);
    assert_eq!(breach(&mut daemon(), &[fetch(1, 1, 0)]), Violation::StreamId);
    let four: Vec<_> = (0..4).map(|slot| fetch(slot + 1, slot, 0)).collect();
    assert_eq!(breach(&mut daemon(), &four), Violation::StreamId);
    assert_eq!(breach(&mut daemon(), &[fetch(0, 0, 0)]), Violation::StreamId);
}

#[test]
fn data_before_the_head() {
    let (mut daemon, stream) = asked(true);
    assert_eq!(breach(&mut daemon, &[data(stream.get(), 0, 1)]), Violation::DataBeforeHead);
}

#[test]
fn a_second_head() {
    let (mut daemon, stream) = asked(true);
    assert_eq!(breach(&mut daemon, &[head(stream.get(), 0), head(stream.get(), 0)]), Violation::SecondHead);
    let mut shim = Connection::new(Role::Shim, LIMITS);
    let request = frame(FrameType::Head, 0, id(1, 0, DAEMON), &get());
    assert_eq!(breach(&mut shim, &[request.clone(), request]), Violation::SecondHead);
}

#[test]
fn anything_after_the_end() {
    // Our own body is still open, so the stream is.
    let (mut daemon, stream) = asked(false);
    let end = head(stream.get(), END);
    assert_eq!(breach(&mut daemon, &[end.clone(), data(stream.get(), 0, 1)]), Violation::AfterEnd("data"));
    let (mut daemon, stream) = asked(false);
    assert_eq!(breach(&mut daemon, &[end, head(stream.get(), 0)]), Violation::AfterEnd("head"));
    let (mut daemon, stream) = asked(false);
    let bytes = [head(stream.get(), 0), data(stream.get(), END, 0), data(stream.get(), END, 0)];
    assert_eq!(breach(&mut daemon, &bytes), Violation::AfterEnd("data"));
    let mut daemon = common_fetch();
    assert_eq!(breach(&mut daemon, &[fetch(1, 0, END)]), Violation::AfterEnd("head"));
}

/// A daemon with an open fetch without a body.
fn common_fetch() -> Connection {
    let mut daemon = daemon();
    hear(&mut daemon, &fetch(1, 0, END)).unwrap();
    daemon
}

#[test]
fn a_window_overrun() {
    let (mut daemon, stream) = asked(true);
    let s = stream.get();
    let bytes = [head(s, 0), data(s, 0, 50), data(s, 0, 50)];
    assert_eq!(hear(&mut daemon, &bytes.concat()).unwrap().len(), 3);
    assert_eq!(breach(&mut daemon, &[data(s, 0, 1)]), Violation::WindowOverrun);
    // A stream that we have reset or stopped is no free ride.
    let (mut daemon, stream) = asked(true);
    daemon.reset(stream, ResetCode::Cancel, "");
    let s = stream.get();
    let bytes = [head(s, 0), data(s, 0, 50), data(s, 0, 50), data(s, 0, 1)];
    assert_eq!(breach(&mut daemon, &bytes), Violation::WindowOverrun);
}

#[test]
fn credit_that_overflows() {
    let (mut daemon, stream) = asked(false);
    let most = u32::try_from(i32::MAX).unwrap() - LIMITS.initial_window;
    let window = |credit: u32| frame(FrameType::Window, 0, stream.get(), &credit.to_le_bytes());
    assert_eq!(hear(&mut daemon, &window(most)).unwrap(), [Said::Window(stream)]);
    assert_eq!(breach(&mut daemon, &[window(1)]), Violation::WindowOverflow);
    let (mut daemon, _) = asked(false);
    assert_eq!(breach(&mut daemon, &[window(u32::MAX)]), Violation::WindowOverflow);
}

#[test]
fn pongs_that_answer_nothing() {
    let pong = |value: u64| frame(FrameType::Pong, 0, 0, &value.to_le_bytes());
    assert_eq!(breach(&mut daemon(), &[pong(0)]), Violation::UnexpectedPong);
    for (value, written) in [(8, true), (7, false)] {
        let mut daemon = daemon();
        daemon.ping(7);
        if written {
            take(&mut daemon, usize::MAX);
        }
        assert_eq!(breach(&mut daemon, &[pong(value)]), Violation::UnexpectedPong);
    }
    let mut daemon = daemon();
    daemon.ping(7);
    take(&mut daemon, usize::MAX);
    assert_eq!(breach(&mut daemon, &[pong(7), pong(7)]), Violation::UnexpectedPong);
}

#[test]
fn a_peer_that_asks_and_does_not_read() {
    // Pings.
    let ping = frame(FrameType::Ping, 0, 0, &[1; 8]);
    let mut daemon = daemon();
    for _ in 0..1000 {
        assert_eq!(hear(&mut daemon, &ping).unwrap(), []);
        take(&mut daemon, usize::MAX);
    }
    assert_eq!(breach(&mut daemon, &[ping.clone(), ping]), Violation::NotReading);

    // Streams that it opens and resets; ones that are answered or refused at once.
    let mut daemon = common_fetch();
    let reset = frame(FrameType::Reset, 0, id(1, 0, SHIM), &[1]);
    assert_eq!(breach(&mut daemon, &[reset, fetch(2, 0, END)]), Violation::NotReading);
    let mut daemon = common_fetch();
    let said = hear(&mut daemon, &fetch(2, 1, END)).unwrap();
    let Said::Request { id: second, .. } = said[0] else { panic!() };
    daemon.reset(second, ResetCode::Refused, "no grant");
    assert_eq!(breach(&mut daemon, &[fetch(3, 1, END)]), Violation::NotReading);

    // Answers to what was never written.
    for bytes in [
        head(id(1, 0, DAEMON), END),
        frame(FrameType::Reset, 0, id(1, 0, DAEMON), &[1]),
        frame(FrameType::Window, 0, id(1, 0, DAEMON), &[1, 0, 0, 0]),
        frame(FrameType::Stop, 0, id(1, 0, DAEMON), &[]),
    ] {
        let mut daemon = self::daemon();
        daemon.open(&GET, [], false).unwrap();
        let all = daemon.outbox().len();
        take(&mut daemon, all - 1);
        assert_eq!(breach(&mut daemon, &[bytes]), Violation::NotReading);
    }
}

#[test]
fn a_body_sent_on_credit_that_was_never_read_runs_dry() {
    let (mut daemon, stream) = asked(true);
    let s = stream.get();
    hear(&mut daemon, &head(s, 0)).unwrap();
    let mut taken = 0;
    let violation = loop {
        match hear(&mut daemon, &data(s, 0, 50)) {
            Ok(_) => daemon.consumed(stream, 50),
            Err(violation) => break violation,
        }
        taken += 50;
    };
    assert_eq!(violation, Violation::WindowOverrun);
    assert!(taken <= 2 * LIMITS.max_window, "{taken}");
    assert_eq!(daemon.outbox().len(), HEADER_LEN + 4, "one credit waits, not one for each part");
}

#[test]
fn a_reason_that_is_no_text() {
    let (mut daemon, stream) = asked(true);
    let reset = frame(FrameType::Reset, 0, stream.get(), &[1, 0xff]);
    assert_eq!(breach(&mut daemon, &[reset]), Violation::Misplaced("reset reason"));
}

#[test]
fn unknown_reset_codes_are_internal_errors() {
    let (mut daemon, stream) = asked(true);
    let said = hear(&mut daemon, &frame(FrameType::Reset, 0, stream.get(), &[200])).unwrap();
    assert_eq!(said, [Said::Reset { id: stream, code: ResetCode::Internal, reason: String::new() }]);
}

#[test]
fn a_peer_that_ignores_stop_is_bounded_by_its_window() {
    let mut shim = Connection::new(Role::Shim, LIMITS);
    let s = id(1, 0, DAEMON);
    let said = hear(&mut shim, &frame(FrameType::Head, 0, s, &get())).unwrap();
    let Said::Request { id: stream, .. } = said[0] else { panic!() };
    shim.stop(stream);
    assert_eq!(hear(&mut shim, &data(s, 0, 50)).unwrap(), []);
    shim.consumed(stream, 50);
    assert_eq!(breach(&mut shim, &[data(s, 0, 50), data(s, 0, 1)]), Violation::WindowOverrun);
    assert_eq!(shim.send_data(stream, Bytes::new(), true), Err(valor_wire::SendError::Order));
}
