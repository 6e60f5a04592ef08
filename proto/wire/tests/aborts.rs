//! RESET and STOP: from each side, in each phase, and across each other on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{GET, LIMITS, Pair, Said};
use valor_wire::{ResetCode, StreamId};

/// How far an exchange has come; all of it was heard by both.
#[derive(Debug, Clone, Copy)]
enum At {
    Opened,
    RequestEnded,
    Answering,
    AnsweringAlone,
    AnswerEnded,
}

const ALL: [At; 5] = [At::Opened, At::RequestEnded, At::Answering, At::AnsweringAlone, At::AnswerEnded];

fn bring(pair: &mut Pair, at: At) -> StreamId {
    let id = pair.opened();
    if matches!(at, At::RequestEnded | At::AnsweringAlone) {
        pair.daemon.send_data(id, Bytes::new(), true).unwrap();
    }
    if matches!(at, At::Answering | At::AnsweringAlone | At::AnswerEnded) {
        pair.shim.respond(id, 200, [], matches!(at, At::AnswerEnded)).unwrap();
    }
    pair.quiet();
    assert_eq!((pair.daemon.open_streams(), pair.shim.open_streams()), (1, 1), "{at:?}");
    id
}

fn resets(said: &[Said]) -> usize {
    said.iter().filter(|said| matches!(said, Said::Reset { .. })).count()
}

#[test]
fn the_daemon_resets_in_each_phase() {
    for at in ALL {
        let mut pair = Pair::new(LIMITS);
        let id = bring(&mut pair, at);
        pair.daemon.reset(id, ResetCode::Deadline, "too late");
        pair.daemon.reset(id, ResetCode::Cancel, "twice is once");
        let expect = Said::Reset { id, code: ResetCode::Deadline, reason: "too late".into() };
        assert_eq!(pair.shim_hears(), [expect], "{at:?}");
        assert_eq!(pair.daemon_hears(), [], "the answer is no news");
        pair.assert_idle();
    }
}

#[test]
fn the_shim_resets_in_each_phase() {
    for at in ALL {
        let mut pair = Pair::new(LIMITS);
        let id = bring(&mut pair, at);
        pair.shim.reset(id, ResetCode::Failed, "panicked");
        let said = pair.daemon_hears();
        assert_eq!(resets(&said), 1, "{at:?}");
        assert_eq!(pair.shim_hears(), []);
        pair.assert_idle();
    }
}

#[test]
fn resets_that_cross_are_both_swallowed() {
    for at in ALL {
        let mut pair = Pair::new(LIMITS);
        let id = bring(&mut pair, at);
        pair.daemon.reset(id, ResetCode::Cancel, "");
        pair.shim.reset(id, ResetCode::Failed, "");
        assert_eq!(resets(&pair.shim_hears()), 0, "{at:?}");
        assert_eq!(resets(&pair.daemon_hears()), 0, "{at:?}");
        pair.assert_idle();
    }
}

#[test]
fn a_reset_that_crosses_an_end_finds_a_dead_or_dying_stream() {
    // The daemon gives up while the shim's last byte is on its way.
    let mut pair = Pair::new(LIMITS);
    let id = bring(&mut pair, At::AnsweringAlone);
    pair.shim.send_data(id, Bytes::from_static(b"last"), true).unwrap();
    assert_eq!(pair.shim.open_streams(), 0);
    pair.daemon.reset(id, ResetCode::Cancel, "");
    assert_eq!(pair.shim_hears(), []);
    assert_eq!(pair.daemon_hears(), [], "nobody wants it any more");
    pair.assert_idle();

    // The other way round, and the slot is taken again before the straggler arrives.
    let mut pair = Pair::new(LIMITS);
    let id = bring(&mut pair, At::AnswerEnded);
    pair.daemon.send_data(id, Bytes::new(), true).unwrap();
    let next = pair.daemon.open(&GET, [], true).unwrap();
    assert_eq!(next.slot(), id.slot());
    pair.shim.reset(id, ResetCode::Failed, "late");
    assert_eq!(pair.daemon_hears(), []);
    assert!(matches!(pair.shim_hears()[..], [Said::Request { .. }]));
    pair.shim.respond(next, 200, [], true).unwrap();
    pair.assert_idle();
}

#[test]
fn what_is_under_way_when_a_stream_is_reset_is_dropped() {
    let mut pair = Pair::new(LIMITS);
    let id = bring(&mut pair, At::Opened);
    pair.shim.respond(id, 200, [], false).unwrap();
    pair.shim.send_data(id, Bytes::from(vec![1; 80]), false).unwrap();
    pair.daemon.reset(id, ResetCode::Cancel, "");
    assert_eq!(pair.daemon_hears(), []);
    assert_eq!(pair.daemon.open_streams(), 1, "until the shim has answered");
    pair.daemon.consumed(id, 80);
    assert_eq!(pair.daemon.capacity(id), 0);
    pair.assert_idle();
}

#[test]
fn a_reset_fetch_leaves_its_parent_alone() {
    let mut pair = Pair::new(LIMITS);
    let parent = pair.opened();
    let fetch = pair.shim.open(&GET, [], true).unwrap();
    pair.daemon_hears();
    pair.daemon.reset(fetch, ResetCode::Refused, "no grant");
    assert_eq!(
        pair.shim_hears(),
        [Said::Reset { id: fetch, code: ResetCode::Refused, reason: "no grant".into() }]
    );
    pair.shim.respond(parent, 200, [], true).unwrap();
    pair.daemon.send_data(parent, Bytes::new(), true).unwrap();
    pair.assert_idle();
}

#[test]
fn reasons_are_cut_at_a_character() {
    let mut pair = Pair::new(LIMITS);
    let id = pair.opened();
    pair.shim.reset(id, ResetCode::Failed, &"é".repeat(400));
    let said = pair.daemon_hears();
    let [Said::Reset { reason, .. }] = &said[..] else { panic!("{said:?}") };
    assert_eq!(reason, &"é".repeat(256));
    let id = pair.opened();
    pair.shim.reset(id, ResetCode::Failed, &format!("a{}", "é".repeat(400)));
    let said = pair.daemon_hears();
    let [Said::Reset { reason, .. }] = &said[..] else { panic!("{said:?}") };
    assert_eq!(reason.len(), 511);
}

#[test]
fn stop_ends_the_request_body_and_drops_what_is_under_way() {
    let mut pair = Pair::new(LIMITS);
    let id = pair.opened();
    pair.shim.stop(id);
    pair.shim.stop(id);
    pair.daemon.send_data(id, Bytes::from_static(b"unwanted"), false).unwrap();
    assert_eq!(pair.shim_hears(), []);
    assert_eq!(pair.daemon_hears(), [Said::Stop(id)]);
    assert_eq!(pair.daemon.capacity(id), 0);
    pair.shim.respond(id, 200, [], true).unwrap();
    pair.assert_idle();
}

#[test]
fn stop_crosses_the_end_the_reset_and_the_next_stream() {
    let mut pair = Pair::new(LIMITS);
    let id = pair.opened();
    pair.shim.stop(id);
    pair.daemon.send_data(id, Bytes::new(), true).unwrap();
    assert_eq!(pair.daemon_hears(), [], "it has ended already");
    pair.shim.respond(id, 200, [], true).unwrap();
    pair.assert_idle();

    let id = pair.opened();
    pair.shim.stop(id);
    pair.daemon.reset(id, ResetCode::Cancel, "");
    assert_eq!(pair.daemon_hears(), []);
    pair.assert_idle();

    // Answered, then stopped; the daemon has meanwhile ended and opened the slot anew.
    let id = pair.opened();
    pair.shim.respond(id, 200, [], true).unwrap();
    pair.daemon_hears();
    pair.shim.stop(id);
    pair.daemon.send_data(id, Bytes::new(), true).unwrap();
    let next = pair.daemon.open(&GET, [], true).unwrap();
    assert_eq!(pair.daemon_hears(), []);
    pair.shim_hears();
    pair.shim.respond(next, 200, [], true).unwrap();
    pair.assert_idle();
}

#[test]
fn only_a_request_body_can_be_stopped() {
    let mut pair = Pair::new(LIMITS);
    let id = pair.opened();
    pair.daemon.stop(id);
    assert!(pair.daemon.outbox().is_empty());
}
