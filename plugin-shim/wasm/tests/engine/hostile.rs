//! Modules that lie, spin, grow and fall.

use valor_wire::ResetCode;
use valor_wire::control::Step;

use crate::harness::Engine;

const CREATED: &str = "(call $send (i32.const 0) (i32.const 12))";

/// The guest of `guest.wat`.
pub(crate) fn guest() -> String {
    with("(i32.const 1)", CREATED, "nop")
}

pub(crate) fn with(version: &str, create: &str, start: &str) -> String {
    let text = include_str!("guest.wat");
    text.replace("BODY_VERSION", version).replace("BODY_CREATE", create).replace("BODY_START", start)
}

/// What is in flight is reset with the reason, the log has it with the function's name, and the next request finds a fresh instance.
#[track_caller]
fn starts_afresh(path: &str, deadline_ms: u32, why: &str) {
    let mut engine = Engine::ready(&guest());
    assert_eq!(engine.get("/").text(), "n1");
    let other = engine.link.open("GET", "/n", &[], 0, true);
    let id = engine.link.open("GET", path, &[], deadline_ms, true);
    for id in [id, other] {
        let (code, reason) = engine.link.answer(id).reset.unwrap();
        assert!(code == ResetCode::Internal && reason.contains(why), "{code:?} {reason}");
    }
    let (_, line) = engine.log(why);
    assert!(line.contains("starts afresh") && line.contains("dropped: 2"), "{line}");
    assert_eq!(engine.get("/").text(), "n1", "its state is a fresh one's");
    engine.finish();
}

#[test]
fn a_trap() {
    starts_afresh("/t", 0, "unreachable");
}

#[test]
fn a_trap_is_told_with_the_names_of_functions() {
    let mut engine = Engine::ready(&guest());
    engine.get("/g");
    let (_, line) = engine.log("starts afresh");
    assert!(line.contains("grow"), "{line}");
    engine.finish();
}

#[test]
fn code_without_end() {
    starts_afresh("/s", 1, "did not come to an end");
}

#[test]
fn calls_without_end() {
    starts_afresh("/d", 0, "stack");
}

#[test]
fn memory_without_end() {
    starts_afresh("/g", 0, "memory limit");
}

#[test]
fn answers_that_are_none() {
    for (path, why) in [
        ("/2", "twice"),
        ("/b", "before the head"),
        ("/o", "not within its memory"),
        ("/L", "more than"),
        ("/F", "longer than its batch"),
        ("/C", "twice"),
        ("/u", "there never was"),
        ("/c", "clock 9"),
        ("/x", "no memory"),
    ] {
        starts_afresh(path, 0, why);
    }
}

#[test]
fn a_start_that_fails_says_how() {
    let failed = "(i32.store8 (i32.const 5) (i32.const 2)) (i32.store8 (i32.const 0) (i32.const 1)) \
        (i32.store8 (i32.const 12) (i32.const 0x21)) (call $send (i32.const 0) (i32.const 13))";
    for (text, step, why) in [
        (with("(i32.const 1)", failed, "nop"), Step::Create, "!"),
        (with("(i32.const 1)", "unreachable", "nop"), Step::Create, "unreachable"),
        (with("(i32.const 1)", CREATED, "unreachable"), Step::Create, "unreachable"),
        (with("(i32.const 1)", CREATED, "(call $spin)"), Step::Create, "come to an end"),
        (with("(i32.const 1)", CREATED, "(call $grow)"), Step::Create, "memory limit"),
        (with("(i32.const 9)", CREATED, "nop"), Step::Abi, "version 9"),
        (
            with("(call $send (i32.const 0) (i32.const 12)) (i32.const 1)", CREATED, "nop"),
            Step::Create,
            "none may",
        ),
    ] {
        let (found, message) = Engine::refused(&text);
        assert!(found == step && message.contains(why), "{found:?}: {message}");
    }
}
