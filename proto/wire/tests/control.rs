//! The control socket's decoder: whole, cut, gibberish, oversize.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::frame;
use proptest::prelude::*;
use valor_wire::control::{
    Decoder, FromShim, Hello, LayerReport, LayerStatus, LogLevel, MAX_MESSAGE, Start, ToShim, encode,
};
use valor_wire::{FrameType, HEADER_LEN, PROTOCOL_VERSION, Violation};

fn messages() -> Vec<FromShim> {
    vec![
        FromShim::Hello(Hello::new("valor-shim 0.1.0")),
        FromShim::Report {
            layers: vec![LayerReport {
                layer: "seccomp".into(),
                status: LayerStatus::Partial,
                reason: "\"quoted\"\n".into(),
                verified: false,
            }],
        },
        FromShim::Ready { abi: 1, sdk: "valor 0.1.0".into() },
        FromShim::Log { level: LogLevel::Warn, target: "a::b".into(), message: "é\0".into() },
    ]
}

fn decode_all(bytes: &[u8], step: usize) -> Vec<FromShim> {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    for part in bytes.chunks(step) {
        decoder.feed(part);
        while let Some(message) = decoder.next().unwrap() {
            out.push(message);
        }
    }
    out
}

fn first(bytes: &[u8]) -> Result<Option<FromShim>, Violation> {
    let mut decoder = Decoder::default();
    decoder.feed(bytes);
    decoder.next()
}

#[test]
fn messages_survive_every_cut() {
    let bytes: Vec<u8> = messages().iter().flat_map(|m| encode(m).unwrap()).collect();
    for step in [1, 2, 15, 16, 17, 100, bytes.len()] {
        assert_eq!(decode_all(&bytes, step), messages(), "step {step}");
    }
}

#[test]
fn both_directions_and_additions_of_later_versions() {
    let start = ToShim::Start(Start { config: serde_json::json!({"a": [1, null]}), workers: 2 });
    let mut decoder = Decoder::default();
    decoder.feed(&encode(&start).unwrap());
    decoder.feed(&encode(&ToShim::Drain).unwrap());
    assert_eq!(decoder.next::<ToShim>(), Ok(Some(start)));
    assert_eq!(decoder.next::<ToShim>(), Ok(Some(ToShim::Drain)));
    assert_eq!(decoder.next::<ToShim>(), Ok(None));
    // An unknown feature and an unknown field are no reason to stop talking.
    let hello = br#"{"type":"hello","version":1,"features":["duplex","telepathy"],"software":"x","more":{}}"#;
    let read = first(&frame(FrameType::Control, 0, 0, hello)).unwrap().unwrap();
    let FromShim::Hello(hello) = read else { panic!("{read:?}") };
    assert_eq!(hello.features, ["duplex", "telepathy"]);
    assert_eq!(Hello::new("valord").accept(&hello), Ok(()));
}

#[test]
fn a_refusal_says_both_versions() {
    let other = Hello { version: PROTOCOL_VERSION + 1, ..Hello::new("valor-shim 9") };
    let error = Hello::new("valord 1").accept(&other).unwrap_err();
    assert_eq!(
        error,
        "valord 1 speaks protocol version 1, valor-shim 9 speaks 2: install both from one release"
    );
}

#[test]
fn gibberish() {
    for payload in [
        &b""[..],
        b"x",
        b"{}",
        b"null",
        br#"{"type":"no_such"}"#,
        br#"{"type":"ready"}"#,
        b"\xff\xff",
        b"{}{}",
    ] {
        let result = first(&frame(FrameType::Control, 0, 0, payload));
        assert!(matches!(result, Err(Violation::Control(_))), "{result:?}");
    }
    // Nested deeper than a stack should go.
    let deep = format!(r#"{{"type":"start","workers":1,"config":{}"#, "[".repeat(100_000));
    let mut decoder = Decoder::default();
    decoder.feed(&frame(FrameType::Control, 0, 0, deep.as_bytes()));
    assert!(matches!(decoder.next::<ToShim>(), Err(Violation::Control(_))));
}

#[test]
fn other_frames_have_no_place_here() {
    assert_eq!(first(&frame(FrameType::Ping, 0, 0, &[0; 8])), Err(Violation::Misplaced("data")));
    assert_eq!(first(&frame(FrameType::Data, 1, 2, b"x")), Err(Violation::Misplaced("data")));
    assert_eq!(first(&frame(FrameType::Control, 0, 1, b"{}")), Err(Violation::ReservedBits));
    let mut bytes = frame(FrameType::Control, 0, 0, b"{}");
    bytes[4] = 77;
    assert_eq!(first(&bytes), Err(Violation::UnknownFrame(77)));
}

#[test]
fn oversize_is_refused_by_the_header_alone() {
    let mut header = frame(FrameType::Control, 0, 0, b"");
    for len in [u32::try_from(MAX_MESSAGE).unwrap() + 1, u32::MAX] {
        header[..4].copy_from_slice(&len.to_le_bytes());
        assert!(matches!(first(&header), Err(Violation::FrameLength { kind: "control", .. })));
    }
    header[..4].copy_from_slice(&u32::try_from(MAX_MESSAGE).unwrap().to_le_bytes());
    assert_eq!(first(&header), Ok(None));
    let long =
        FromShim::Log { level: LogLevel::Info, target: String::new(), message: "x".repeat(MAX_MESSAGE) };
    assert!(matches!(encode(&long), Err(Violation::FrameLength { kind: "control", .. })));
    assert_eq!(encode(&ToShim::Drain).unwrap().len(), HEADER_LEN + br#"{"type":"drain"}"#.len());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        valor_wire::fuzzing::control(&bytes);
    }
}
