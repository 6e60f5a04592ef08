use valor_wire::ResetCode;

use crate::link::Seen;
use crate::shim::Shim;

#[test]
fn requests_are_answered() {
    let (mut shim, sdk) = Shim::ready("actor", "{\"a\":1}", 1, 1);
    assert_eq!(sdk, "c 1");
    let link = &mut shim.links[0];
    link.ping();
    for _ in 0..100 {
        assert_eq!(link.ask("/hello"), (200, "hello".into()));
    }
    assert_eq!(link.ask("/config"), (200, "{\"a\":1}".into()));
    assert_eq!(link.ask("/nothing"), (404, String::new()));
    assert_eq!(link.ask("/thread"), (200, "from a thread".into()));
    assert_eq!(link.ask("/misuse"), (200, "refused".into()));
    // Many at once, answered in whatever order. Not more than fifty threads, as all of them may be there together, and
    // RLIMIT_DATA (512 MiB here) counts the whole 8 MiB of each one's stack.
    let in_a_thread = |i: usize| i.is_multiple_of(4);
    let ids: Vec<_> =
        (0..200).map(|i| link.post(if in_a_thread(i) { "/thread" } else { "/hello" }, true)).collect();
    for (i, id) in ids.into_iter().enumerate() {
        assert_eq!(link.answer(id).text(), if in_a_thread(i) { "from a thread" } else { "hello" });
    }
}

#[test]
fn bodies_stream_in_both_directions() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    let link = &mut shim.links[0];
    let id = link.post("/echo", false);
    let Seen::Response { status: 200, fields, .. } = link.next(|s| matches!(s, Seen::Response { .. })) else {
        panic!("no head before the body")
    };
    assert_eq!(fields, [("x-test".to_owned(), "yes".to_owned())]);
    link.send(id, b"first", false);
    let Seen::Data { data, .. } = link.next(|s| matches!(s, Seen::Data { .. })) else { unreachable!() };
    assert_eq!(data, "first", "echoed before the end");
    let big: String = (0..400_000).map(|i| char::from(b'a' + u8::try_from(i % 26).unwrap())).collect();
    link.send(id, big.as_bytes(), true);
    assert_eq!(link.answer(id).text(), big);

    let (status, body) = link.ask("/big");
    assert_eq!((status, body.len()), (200, 3_000_000));
    assert!(body.bytes().all(|b| b == b'b'));
    assert_eq!(shim.hear_log(), "big is free");
}

#[test]
fn a_release_function_may_call_the_shim() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    assert_eq!(shim.links[0].ask("/tangle").1.len(), 3_000_000);
    assert_eq!(shim.hear_log(), "big is free");
    // Also when it is released by a reset, halfway.
    let link = &mut shim.links[0];
    let id = link.post("/tangle", true);
    link.next(|seen| matches!(seen, Seen::Data { .. }));
    link.reset(id, ResetCode::Cancel, "");
    // What was on its way already is still read.
    link.ping();
    assert_eq!(shim.hear_log(), "big is free");
    assert_eq!(shim.links[0].ask("/hello").1, "hello");
}

#[test]
fn unfinished_requests_are_reset_with_their_reason() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    let link = &mut shim.links[0];
    for (target, code, reason) in [
        ("/drop", ResetCode::NoAnswer, "dropped without an answer"),
        ("/reset", ResetCode::Failed, "because"),
    ] {
        let id = link.post(target, true);
        let seen = link.next(|_| true);
        assert_eq!(seen, Seen::Reset { id, code, reason: reason.into() });
    }
    assert_eq!(link.ask("/hello").1, "hello");
}

#[test]
fn a_cancelled_request_is_told_so() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    let link = &mut shim.links[0];
    let id = link.post("/wait", true);
    link.ping();
    link.reset(id, ResetCode::Deadline, "");
    assert_eq!(shim.hear_log(), "the deadline has passed");
    assert_eq!(shim.links[0].ask("/hello").1, "hello");
}

#[test]
fn fetches_go_through_the_daemon() {
    let (mut shim, _) = Shim::ready("actor", "null", 2, 1);
    let link = &mut shim.links[1];
    let id = link.post("/fetch", true);
    let Seen::Request { id: asked, method, target, parent, .. } =
        link.next(|s| matches!(s, Seen::Request { .. }))
    else {
        unreachable!()
    };
    assert_eq!((method.as_str(), target.as_str(), parent), ("POST", "https://example.org/x", Some(id)));
    let Seen::Data { data, .. } = link.next(|s| matches!(s, Seen::Data { .. })) else { unreachable!() };
    assert_eq!(data, "question");
    link.respond(asked, 203, &[("x-from", "afar")], false);
    link.send(asked, b"answer", true);
    let Seen::Response { status: 203, fields, .. } = link.next(|s| matches!(s, Seen::Response { .. })) else {
        panic!("another status")
    };
    assert_eq!(fields, [("x-from".to_owned(), "afar".to_owned())]);
    assert_eq!(link.answer(id).text(), "answer");

    let id = link.post("/fetch", true);
    let Seen::Request { id: asked, .. } = link.next(|s| matches!(s, Seen::Request { .. })) else {
        unreachable!()
    };
    link.reset(asked, ResetCode::Refused, "no grant");
    let answer = link.answer(id);
    assert_eq!((answer.status, answer.text()), (502, "fetch failed: refused: no grant"));
}
