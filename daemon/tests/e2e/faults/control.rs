//! What has no place on the control socket while a plugin serves.

use serde_json::json;
use valor_wire::control::{FromShim, Hello, LayerReport, LayerStatus, LogLevel, MAX_MESSAGE, Step, encode};
use valor_wire::{FrameType, Violation};

use super::frames::{announce, frame, message};
use super::trial::{BAD, Trial, problem};

const BROKEN: &str = "it broke the protocol of the control socket: ";
const NO_PLACE: &str = "it sent a control message that has no place while it serves";

fn line(text: &str) -> Vec<u8> {
    let (level, target, message) = (LogLevel::Info, "forged".to_owned(), text.to_owned());
    encode(&FromShim::Log { level, target, message }).unwrap()
}

#[tokio::test]
async fn nonsense_on_it_ends_the_process() {
    let layer = LayerReport {
        layer: "seccomp".into(),
        status: LayerStatus::Full,
        reason: String::new(),
        verified: true,
    };
    let broken = |violation: &dyn std::fmt::Display| format!("{BROKEN}{violation}");
    let too_long = Violation::FrameLength { kind: "control", len: MAX_MESSAGE + 1, limit: MAX_MESSAGE };
    let second = |message: FromShim| (encode(&message).unwrap(), NO_PLACE.to_owned());
    let cases = [
        (vec![0xff; 64], broken(&Violation::UnknownFrame(0xff))),
        (frame(FrameType::Data, 0, 0, b"x"), broken(&Violation::Misplaced("data"))),
        (frame(FrameType::Control, 0, 1, b"{}"), broken(&Violation::ReservedBits)),
        (announce(FrameType::Control, 0, MAX_MESSAGE + 1), broken(&too_long)),
        (message("not json"), broken(&"malformed control message: expected ident at line 1 column 2")),
        (message(r#"{"type":"promote"}"#), broken(&"malformed control message: unknown variant `promote`")),
        (message(r#"{"type":"log"}"#), broken(&"malformed control message: missing field `level`")),
        // No recursion of the parser's reaches the end of the stack.
        (message(&"[".repeat(MAX_MESSAGE)), broken(&"malformed control message: ")),
        (
            message(&format!(r#"{{"type":"ready","x":{}"#, "[".repeat(100_000))),
            broken(&"malformed control message: recursion limit exceeded"),
        ),
        second(FromShim::Ready { abi: 1, sdk: "forged".into() }),
        second(FromShim::Report { layers: vec![layer] }),
        second(FromShim::Hello(Hello::new("forged"))),
        second(FromShim::Failed { step: Step::Sandbox, message: "forged".into() }),
        (line(&"x".repeat(16 * 1024)).repeat(400), broken(&"more than 256 KiB of log messages a second")),
        (line("").repeat(100_000), broken(&"more than 256 KiB of log messages a second")),
    ];
    let trial = Trial::of("says").await;
    for (restarts, (says, reason)) in (1..).zip(cases) {
        let pid = trial.pid(BAD).await;
        trial.script(says).await;
        let waits = trial.in_flight("/bad/never").await;
        problem(&trial.get("/bad/control").await, 502, "plugin-crashed");
        problem(&waits.await.unwrap(), 502, "plugin-crashed");
        trial.restarted(pid, restarts, &reason).await;
    }
    // Nothing of it was believed.
    let sandbox = trial.inspect(BAD).await.sandbox;
    assert!(sandbox.len() > 10, "{sandbox:?}");
    assert_eq!(trial.inspect(BAD).await.instances[0].sdk, "c");
    trial.end().await;
}

/// Half a message is waited for, within the bound of a whole one, and harms nobody.
#[tokio::test]
async fn half_a_message_changes_nothing() {
    let trial = Trial::of("says").await;
    let pid = trial.pid(BAD).await;
    let mut half = message(&json!({ "type": "log", "filler": "x".repeat(MAX_MESSAGE - 100) }).to_string());
    half.truncate(half.len() - 1);
    trial.script(half).await;
    let act = trial.in_flight("/bad/control").await;
    trial.untouched(pid).await;
    act.abort();
    trial.end().await;
}

/// A line that a plugin forges on the control socket is a line of its own log, whatever it pretends to be.
#[tokio::test]
async fn a_forged_line_is_the_plugins_own() {
    let trial = Trial::of("says").await;
    let pid = trial.pid(BAD).await;
    trial.script(line("ready\u{1b}[2J\nvalord error it is quarantined")).await;
    let act = trial.in_flight("/bad/control").await;
    let log = trial.until_logged(BAD, "quarantined").await;
    assert!(log.contains("log info ready\\u{1b}[2J\\nvalord error it is quarantined\n"), "{log}");
    trial.untouched(pid).await;
    act.abort();
    trial.end().await;
}
