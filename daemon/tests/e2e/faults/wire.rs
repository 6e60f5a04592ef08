//! Every rule of the wire that a plugin's process can break on a data socket, broken.

use std::collections::BTreeSet;

use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use valor_wire::FrameType::{Control, Data, Head, Ping, Pong, Reset, Stop, Window};
use valor_wire::{HeadError, Limits, MAX_REASON, Violation};

use super::frames::{END, announce, fetch, field, fields, frame, head, ours, theirs};
use super::trial::{BAD, Trial, problem};
use crate::client;

/// The requests of one process, by their streams: `/ok`, the script, one that waits, and the one that breaks the rule.
const WAITS: u64 = ours(3, 0);
const ACT: u64 = ours(4, 1);
/// The slot of the act's stream was never used by another, and that of `/ok` twice.
const OVER: u64 = ours(2, 0);
const NEVER: u64 = ours(77, 5);

struct Case {
    says: Vec<u8>,
    breaks: Violation,
    /// What the one who asked gets.
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// 502.
    Problem,
    /// What was whole before the rule was broken.
    Whole,
}

fn case(says: impl Into<Vec<u8>>, breaks: Violation) -> Case {
    Case { says: says.into(), breaks, answer: Answer::Problem }
}

fn frames() -> Vec<Case> {
    let length = |kind: &'static str, len, limit| Violation::FrameLength { kind, len, limit };
    let Limits { max_head, max_data, .. } = Limits::default();
    let mut unknown = frame(Ping, 0, 0, &[0; 8]);
    unknown[4] = 9;
    let mut reserved = frame(Ping, 0, 0, &[0; 8]);
    reserved[6] = 1;
    vec![
        case(unknown, Violation::UnknownFrame(9)),
        case(*b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Violation::UnknownFrame(b'/')),
        case(reserved, Violation::ReservedBits),
        case(frame(Window, END, ACT, &[1, 0, 0, 0]), Violation::ReservedBits),
        case(frame(Ping, 0, ACT, &[0; 8]), Violation::ReservedBits),
        case(frame(Control, 0, 0, b"{}"), Violation::Misplaced("control")),
        case(
            [fetch(0, theirs(1, 0), b"GET", b"/x"), frame(Stop, 0, theirs(1, 0), &[])].concat(),
            Violation::Misplaced("stop"),
        ),
        case(frame(Reset, 0, ACT, b"\x03\xff\xfe"), Violation::Misplaced("reset reason")),
        // Refused by the header: nothing is waited for, nothing made room for.
        case(announce(Data, ACT, u32::MAX as usize), length("data", u32::MAX as usize, max_data)),
        case(announce(Head, ACT, 16 << 20), length("head", 16 << 20, max_head)),
        case(announce(Head, ACT, max_head + 1), length("head", max_head + 1, max_head)),
        case(announce(Data, ACT, 0), length("data", 0, max_data)),
        case(announce(Reset, ACT, 0), length("reset", 0, 1 + MAX_REASON)),
        case(announce(Reset, ACT, 2 + MAX_REASON), length("reset", 2 + MAX_REASON, 1 + MAX_REASON)),
        case(announce(Window, ACT, 5), length("window", 5, 4)),
        case(announce(Stop, ACT, 1), length("stop", 1, 0)),
        case(announce(Ping, 0, 7), length("ping", 7, 8)),
        case(announce(Pong, 0, 9), length("pong", 9, 8)),
    ]
}

fn heads() -> Vec<Case> {
    let answer =
        |count, block: &[u8], error| case(fields(END, ACT, 200, count, block), Violation::Head(error));
    let status = |status| case(head(END, ACT, status), Violation::Head(HeadError::Status(status)));
    let fetch = |method: &[u8], target: &[u8], error| {
        case(fetch(END, theirs(1, 0), method, target), Violation::Head(error))
    };
    let value = |value: &[u8]| answer(1, &field(b"x-a", value), HeadError::Value("x-a".into()));
    let name = |name: &[u8]| answer(1, &field(name, b"v"), HeadError::Name);
    vec![
        status(100),
        status(101),
        status(199),
        status(600),
        status(999),
        status(0),
        value(b"v\r\nx-b: evil"),
        value(b"a\0b"),
        value(b"\x7f"),
        name(b""),
        name(b"X-A"),
        name(b"x a"),
        name(b"x:"),
        name("ü".as_bytes()),
        // A number of the table of names that nobody has.
        answer(1, &[250, 0, 0], HeadError::Name),
        answer(u16::MAX, &field(b"x-a", b"v").repeat(5000), HeadError::TooManyFields(128)),
        answer(129, &field(b"x-a", b"v").repeat(129), HeadError::TooManyFields(128)),
        answer(2, &field(b"x-a", b"v"), HeadError::Length),
        answer(0, b"!", HeadError::Length),
        answer(1, b"\0\x05x", HeadError::Length),
        fetch(b"G T", b"/", HeadError::Method),
        fetch(b"GET", b"/a b", HeadError::Target),
        fetch(b"GET", b"/\r\nx-evil: 1", HeadError::Target),
        fetch(b"GET", b"", HeadError::Target),
    ]
}

fn streams() -> Vec<Case> {
    let unknown = Violation::UnknownStream;
    let get = |stream| fetch(0, stream, b"GET", b"/nowhere");
    let whole = |says: Vec<u8>, breaks| Case { says, breaks, answer: Answer::Whole };
    let mut cases = vec![
        case(frame(Data, END, ACT, b"forged"), Violation::DataBeforeHead),
        case([head(0, ACT, 200), head(END, ACT, 200)].concat(), Violation::SecondHead),
        case([get(theirs(1, 0)), get(theirs(1, 0))].concat(), Violation::SecondHead),
        case([get(theirs(2, 0)), get(theirs(1, 1))].concat(), Violation::StreamId),
        case([get(theirs(1, 0)), get(theirs(2, 0))].concat(), Violation::StreamId),
        case(get(theirs(1, 4096)), Violation::StreamId),
        case(get(theirs(1, 1)), Violation::StreamId),
        case(get(theirs(0, 0)), Violation::StreamId),
        case(
            [fetch(END, theirs(1, 0), b"GET", b"/nowhere"), frame(Data, END, theirs(1, 0), b"more")].concat(),
            Violation::AfterEnd("data"),
        ),
        case(
            [fetch(END, theirs(1, 0), b"GET", b"/nowhere"), get(theirs(1, 0))].concat(),
            Violation::AfterEnd("head"),
        ),
        case(frame(Window, 0, ACT, &(i32::MAX as u32).to_le_bytes()), Violation::WindowOverflow),
        case(frame(Window, 0, WAITS, &[0xff; 4]), Violation::WindowOverflow),
        case(frame(Pong, 0, 0, &[7; 8]), Violation::UnexpectedPong),
        case(frame(Ping, 0, 0, &[7; 8]).repeat(2), Violation::NotReading),
        // The answer was whole, and then it was given once more.
        whole([head(END, ACT, 200), head(END, ACT, 200)].concat(), unknown("head")),
        whole([head(END, ACT, 200), frame(Data, END, ACT, b"more")].concat(), unknown("data")),
    ];
    for stream in [NEVER, theirs(9, 9)] {
        cases.push(case(frame(Data, END, stream, b"forged"), unknown("data")));
        cases.push(case(frame(Reset, 0, stream, &[1]), unknown("reset")));
        cases.push(case(frame(Window, 0, stream, &[1, 0, 0, 0]), unknown("window")));
    }
    cases.push(case(frame(Stop, 0, NEVER, &[]), unknown("stop")));
    cases.push(case(head(END, NEVER, 200), unknown("head")));
    cases.push(case(head(END, OVER, 200), unknown("head")));
    cases
}

async fn broken(cases: Vec<Case>) {
    let trial = Trial::of("says").await;
    for (restarts, Case { says, breaks, answer }) in (1..).zip(cases) {
        let pid = trial.pid(BAD).await;
        if restarts == 1 {
            assert_eq!(trial.get("/bad/ok").await.text(), "ok\n");
        }
        trial.script(says).await;
        let waits = trial.in_flight("/bad/never").await;
        let act = trial.get("/bad/data").await;
        match answer {
            Answer::Problem => drop(problem(&act, 502, "plugin-crashed")),
            Answer::Whole => assert_eq!((act.status, act.text()), (200, ""), "{breaks}"),
        }
        problem(&waits.await.unwrap(), 502, "plugin-crashed");
        trial.restarted(pid, restarts, &format!("the process broke the wire protocol: {breaks} (")).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn a_broken_frame_ends_the_process_that_sent_it() {
    broken(frames()).await;
}

#[tokio::test]
async fn a_head_that_is_none_ends_the_process_that_sent_it() {
    broken(heads()).await;
}

#[tokio::test]
async fn a_frame_for_the_wrong_stream_ends_the_process_that_sent_it() {
    broken(streams()).await;
}

/// A body without regard for its credit: the client does not read, so that none is given.
#[tokio::test]
async fn a_body_that_overruns_its_window_ends_the_process() {
    let trial = Trial::of("says").await;
    let pid = trial.pid(BAD).await;
    trial.script(head(0, ours(2, 0), 200)).await;
    let response = client::send(trial.address, client::request("GET", "/bad/data", "")).await.unwrap();
    assert_eq!(response.status(), 200);
    trial.script(frame(Data, 0, ours(2, 0), &[0; 64 << 10])).await;
    problem(&trial.get("/bad/flood").await, 502, "plugin-crashed");
    let said = format!("the process broke the wire protocol: {} (", Violation::WindowOverrun);
    trial.restarted(pid, 1, &said).await;
    assert!(client::whole(response).await.is_err(), "half a body must not look whole");
    trial.end().await;
}

/// The request's body is still on its way when the answer, which had ended, goes on.
#[tokio::test]
async fn an_answer_that_goes_on_after_its_end_ends_the_process() {
    let trial = Trial::of("says").await;
    let after = [
        (frame(Data, END, ours(3, 0), b"more"), Violation::AfterEnd("data")),
        (head(0, ours(3, 0), 200), Violation::AfterEnd("head")),
    ];
    for (restarts, (more, breaks)) in (1..).zip(after) {
        let pid = trial.pid(BAD).await;
        if restarts == 1 {
            assert_eq!(trial.get("/bad/ok").await.text(), "ok\n");
        }
        trial.script([head(END, ours(3, 0), 200), more].concat()).await;
        let pieces = futures_util::stream::once(async { Ok(Frame::data(Bytes::from_static(b"begun"))) });
        let rest = futures_util::stream::pending::<Result<Frame<Bytes>, std::io::Error>>();
        let body = StreamBody::new(futures_util::StreamExt::chain(pieces, rest));
        let request = http::Request::post("/bad/data").header("host", "valor.test").body(body).unwrap();
        let response = client::send(trial.address, request).await.unwrap();
        assert_eq!(client::whole(response).await.unwrap().status, 200, "{breaks}");
        trial.restarted(pid, restarts, &format!("the process broke the wire protocol: {breaks} (")).await;
    }
    trial.end().await;
}

#[test]
fn no_rule_is_forgotten() {
    // A new one does not compile without a number here.
    let number = |violation: &Violation| match violation {
        Violation::UnknownFrame(_) => 0,
        Violation::ReservedBits => 1,
        Violation::Misplaced(_) => 2,
        Violation::FrameLength { .. } => 3,
        Violation::Head(_) => 4,
        Violation::UnknownStream(_) => 5,
        Violation::StreamId => 6,
        Violation::DataBeforeHead => 7,
        Violation::SecondHead => 8,
        Violation::AfterEnd(_) => 9,
        Violation::WindowOverrun => 10,
        Violation::WindowOverflow => 11,
        Violation::UnexpectedPong => 12,
        Violation::NotReading => 13,
        Violation::Control(_) => 14,
    };
    let tried = frames().into_iter().chain(heads()).chain(streams());
    let mut tried: BTreeSet<_> = tried.map(|case| number(&case.breaks)).collect();
    // These have tests of their own: above, and in `control`.
    tried.extend([number(&Violation::WindowOverrun), number(&Violation::Control(String::new()))]);
    assert_eq!(tried, (0..15).collect());
}
