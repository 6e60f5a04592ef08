//! Two honest ends: requests, answers, bodies both ways, fetches, pings, slots.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{GET, LIMITS, Pair, Said, hear, take};
use valor_wire::{Connection, HeadError, Limits, RequestHead, ResetCode, Role, SendError};

#[test]
fn a_request_and_its_answer() {
    let mut pair = Pair::new(LIMITS);
    let head = RequestHead { method: "POST", target: "/a?b=c", deadline_ms: 1500, parent: None };
    let id = pair.daemon.open(&head, [(&b"host"[..], &b"x"[..])], true).unwrap();
    assert!(id.by_daemon());
    assert_eq!(
        pair.shim_hears(),
        [Said::Request {
            id,
            method: "POST".into(),
            target: "/a?b=c".into(),
            deadline_ms: 1500,
            parent: None,
            end: true
        }]
    );
    assert_eq!((pair.daemon.open_streams(), pair.shim.open_streams()), (1, 1));
    pair.shim.respond(id, 204, [], true).unwrap();
    assert_eq!(pair.daemon_hears(), [Said::Response { id, status: 204, end: true }]);
    pair.assert_idle();
}

#[test]
fn bodies_stream_both_ways_at_once_and_in_order() {
    let mut pair = Pair::new(LIMITS);
    let id = pair.opened();
    pair.shim.respond(id, 200, [], false).unwrap();
    let (mut sent_up, mut sent_down) = (Vec::new(), Vec::new());
    let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
    for round in 0..100_u8 {
        let up = vec![round; usize::from(round % 9)];
        let down = vec![round; (usize::from(round % 7) * 11).min(pair.shim.capacity(id))];
        let last = round == 99;
        pair.daemon.send_data(id, Bytes::from(up.clone()), last).unwrap();
        pair.shim.send_data(id, Bytes::from(down.clone()), last).unwrap();
        sent_up.extend(up);
        sent_down.extend(down);
        for said in pair.shim_hears() {
            let Said::Data { data, end, .. } = said else {
                continue;
            };
            assert!(data.len() <= LIMITS.max_data);
            pair.shim.consumed(id, data.len());
            got_up.extend_from_slice(&data);
            assert_eq!(end, got_up.len() == sent_up.len() && last);
        }
        for said in pair.daemon_hears() {
            if let Said::Data { data, .. } = said {
                pair.daemon.consumed(id, data.len());
                got_down.extend_from_slice(&data);
            }
        }
    }
    assert_eq!(got_up, sent_up);
    assert_eq!(got_down, sent_down);
    pair.assert_idle();
}

#[test]
fn every_way_of_cutting_the_bytes_says_the_same() {
    let mut pair = Pair::new(Limits::default());
    let id = pair.daemon.open(&GET, [], false).unwrap();
    let body: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    pair.daemon.send_data(id, Bytes::from(body.clone()), false).unwrap();
    pair.daemon.send_data(id, Bytes::from_static(b"tail"), true).unwrap();
    pair.daemon.ping(9);
    let bytes = take(&mut pair.daemon, usize::MAX);
    let whole = hear(&mut pair.shim, &bytes).unwrap();
    for step in [1, 2, 15, 16, 17, 4096, 19_999] {
        let mut shim = Connection::new(Role::Shim, Limits::default());
        let said: Vec<_> = bytes.chunks(step).flat_map(|part| hear(&mut shim, part).unwrap()).collect();
        assert_eq!(said, whole, "step {step}");
    }
}

#[test]
fn a_fetch_goes_the_other_way_and_names_its_parent() {
    let mut pair = Pair::new(LIMITS);
    let parent = pair.opened();
    let head = RequestHead { target: "http://x/", parent: Some(parent), ..GET };
    let fetch = pair.shim.open(&head, [], false).unwrap();
    assert!(!fetch.by_daemon());
    let said = pair.daemon_hears();
    assert!(matches!(&said[..], [Said::Request { id, parent: Some(p), .. }] if *id == fetch && *p == parent));
    // Both run at once on slot 0 of their own sides.
    assert_eq!((parent.slot(), fetch.slot()), (0, 0));
    pair.shim.send_data(fetch, Bytes::from_static(b"q"), true).unwrap();
    assert_eq!(pair.daemon_hears(), [Said::Data { id: fetch, data: Bytes::from_static(b"q"), end: true }]);
    pair.daemon.respond(fetch, 200, [], false).unwrap();
    pair.daemon.send_data(fetch, Bytes::from_static(b"a"), true).unwrap();
    pair.shim_hears();
    assert_eq!((pair.daemon.open_streams(), pair.shim.open_streams()), (1, 1));
    pair.shim.respond(parent, 200, [], true).unwrap();
    pair.daemon.send_data(parent, Bytes::new(), true).unwrap();
    pair.assert_idle();
}

#[test]
fn an_answer_may_end_before_its_request_does() {
    let mut pair = Pair::new(LIMITS);
    let id = pair.opened();
    pair.shim.respond(id, 413, [], true).unwrap();
    assert_eq!(pair.daemon_hears(), [Said::Response { id, status: 413, end: true }]);
    assert_eq!(pair.daemon.open_streams(), 1);
    pair.daemon.send_data(id, Bytes::from_static(b"more"), false).unwrap();
    pair.daemon.send_data(id, Bytes::new(), true).unwrap();
    assert_eq!(pair.shim_hears().len(), 2);
    pair.assert_idle();
}

#[test]
fn slots_are_used_again_and_their_number_is_bounded() {
    let mut pair = Pair::new(LIMITS);
    let ids: Vec<_> = (0..3).map(|_| pair.daemon.open(&GET, [], true).unwrap()).collect();
    assert_eq!(ids.iter().map(|id| id.slot()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(pair.daemon.open(&GET, [], true), Err(SendError::NoStream));
    pair.shim_hears();
    pair.shim.respond(ids[1], 200, [], true).unwrap();
    // Free only when the answer has arrived.
    assert_eq!(pair.daemon.open(&GET, [], true), Err(SendError::NoStream));
    pair.daemon_hears();
    let again = pair.daemon.open(&GET, [], true).unwrap();
    assert_eq!(again.slot(), 1);
    assert_ne!(again, ids[1]);
    assert_eq!(pair.shim_hears().len(), 1);
    // The old id is dead on both sides.
    assert_eq!(pair.shim.respond(ids[1], 200, [], true), Err(SendError::Closed));
    assert_eq!(pair.daemon.send_data(ids[1], Bytes::new(), true), Err(SendError::Closed));
    for id in [ids[0], again, ids[2]] {
        pair.shim.respond(id, 200, [], true).unwrap();
    }
    pair.assert_idle();
    for _ in 0..1000 {
        let id = pair.daemon.open(&GET, [], true).unwrap();
        pair.shim_hears();
        pair.shim.respond(id, 200, [], true).unwrap();
        pair.daemon_hears();
    }
    pair.assert_idle();
}

#[test]
fn wrong_sends_are_refused_and_harm_nothing() {
    let mut pair = Pair::new(LIMITS);
    let bad = RequestHead { method: "NO WAY", ..GET };
    assert_eq!(pair.daemon.open(&bad, [], true), Err(SendError::Head(HeadError::Method)));
    let id = pair.opened();
    assert_eq!(id.slot(), 0, "the failed one took nothing");
    assert_eq!(pair.shim.send_data(id, Bytes::from_static(b"x"), false), Err(SendError::Order));
    assert_eq!(pair.shim.respond(id, 101, [], false), Err(SendError::Head(HeadError::Status(101))));
    assert_eq!(pair.daemon.respond(id, 200, [], false), Err(SendError::Order));
    pair.shim.respond(id, 200, [], false).unwrap();
    assert_eq!(pair.shim.respond(id, 200, [], false), Err(SendError::Order));
    pair.shim.send_data(id, Bytes::new(), false).unwrap();
    assert_eq!(pair.daemon_hears().len(), 1, "an empty part without an end is not sent");
    pair.shim.send_data(id, Bytes::new(), true).unwrap();
    assert_eq!(pair.shim.send_data(id, Bytes::new(), true), Err(SendError::Closed));
    assert_eq!(pair.shim.respond(id, 200, [], true), Err(SendError::Closed));
    pair.daemon.send_data(id, Bytes::new(), true).unwrap();
    pair.assert_idle();
}

#[test]
fn one_ping_at_a_time() {
    let mut pair = Pair::new(LIMITS);
    assert!(pair.daemon.ping(1));
    assert!(!pair.daemon.ping(2));
    assert!(pair.shim.ping(3));
    assert_eq!(pair.shim_hears(), []);
    assert_eq!(pair.daemon_hears(), [Said::Pong(1)]);
    assert_eq!(pair.shim_hears(), [Said::Pong(3)]);
    for value in 0..100 {
        assert!(pair.daemon.ping(value));
        pair.shim_hears();
        assert_eq!(pair.daemon_hears(), [Said::Pong(value)]);
    }
}

#[test]
fn background_work_is_told_before_the_answer_ends_and_when_the_last_of_it_does() {
    let mut p = Pair::new(Limits::default());
    let (first, second) = (p.opened(), p.opened());
    assert!(p.shim.begin_background(first));
    assert!(!p.shim.begin_background(second), "there is some already");
    p.shim.respond(first, 200, [], true).unwrap();
    let said = p.daemon_hears();
    assert!(matches!(said[..], [Said::Background(true), Said::Response { end: true, .. }]), "{said:?}");
    p.shim.end_background();
    p.shim.end_background();
    assert_eq!(p.daemon_hears(), [Said::Background(false)]);
    assert!(!p.shim.begin_background(first), "it is answered");
    // Its client has gone, which the shim does not know yet: that is no lie.
    p.daemon.reset(second, ResetCode::Cancel, "");
    assert!(p.shim.begin_background(second));
    assert_eq!(p.daemon_hears(), [Said::Background(true)]);
    p.shim.end_background();
    assert_eq!(p.daemon_hears(), [Said::Background(false)]);
    p.quiet();
    assert!(!p.shim.begin_background(second), "it is over");
    assert!(!p.daemon.begin_background(second), "that is the shim's to say");
}
