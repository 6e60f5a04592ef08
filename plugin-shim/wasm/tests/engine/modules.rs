//! Modules that speak the message ABI as it is meant.

use valor_wire::ResetCode;
use valor_wire::control::LogLevel;

use crate::harness::{Engine, Seen};
use crate::hostile::{guest, with};

#[test]
fn requests_are_answered_by_one_instance_that_keeps_its_state() {
    let mut engine = Engine::ready(&guest());
    let answer = engine.get("/");
    assert_eq!((answer.status, answer.text(), answer.field("a-b")), (200, "n1", Some("xy")));
    assert_eq!(engine.get("/").text(), "n2");
    let ids: Vec<_> = (0..3).map(|_| engine.link.queue("GET", "/", 0)).collect();
    engine.link.flush();
    let mut texts: Vec<_> = ids.into_iter().map(|id| engine.link.answer(id).text().to_owned()).collect();
    texts.sort();
    assert_eq!(texts, ["n3", "n4", "n5"]);
    engine.finish();
}

#[test]
fn the_guest_is_woken_when_it_wants_to_be() {
    let mut engine = Engine::ready(&guest());
    assert_eq!(engine.get("/w").text(), "n1");
    engine.finish();
}

#[test]
fn a_fetch_goes_to_the_daemon_and_its_answer_to_the_guest() {
    let mut engine = Engine::ready(&guest());
    let id = engine.link.open("GET", "/f", &[], 0, true);
    let Seen::Request { id: fetch, method, target, .. } = engine.link.fetch() else { unreachable!() };
    assert_eq!((&method[..], &target[..]), ("GET", "/up"));
    engine.link.respond(fetch, 204, &[], true);
    assert_eq!(engine.link.answer(id).text(), "n1");
    engine.finish();
}

#[test]
fn log_lines_and_resets_are_passed_on() {
    let mut engine = Engine::ready(&guest());
    assert_eq!(engine.get("/l").text(), "n1");
    assert_eq!(engine.log("abcd").0, LogLevel::Error);
    assert_eq!(engine.get("/r").reset, Some((ResetCode::Failed, "no".to_owned())));
    engine.finish();
}

#[test]
fn who_is_cancelled_is_forgotten() {
    let mut engine = Engine::ready(&guest());
    let id = engine.link.open("GET", "/n", &[], 0, true);
    engine.link.reset(id, ResetCode::Cancel, "");
    assert_eq!(engine.get("/").text(), "n1");
    engine.finish();
}

#[test]
fn who_is_gone_before_a_fresh_instance_is_there_is_never_heard_of() {
    // It is created when its fetch is answered.
    let mut engine =
        Engine::begin(&with("(i32.const 1)", "(call $send (i32.const 400) (i32.const 27))", "nop"));
    let fetch = engine.link.fetch().id();
    engine.link.respond(fetch, 204, &[], true);
    engine.is_ready();
    assert!(engine.get("/t").reset.is_some(), "a trap");
    let fetch = engine.link.fetch().id();
    let gone = engine.link.open("GET", "/", &[], 0, true);
    engine.link.ping();
    engine.link.reset(gone, ResetCode::Cancel, "");
    engine.link.ping();
    let stays = engine.link.open("GET", "/", &[], 0, true);
    engine.link.respond(fetch, 204, &[], true);
    assert_eq!(engine.link.answer(stays).text(), "n1");
    engine.finish();
}
