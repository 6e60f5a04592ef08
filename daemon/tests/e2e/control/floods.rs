//! Bytes that are no HTTP/2, and HTTP/2 that is meant to drown the server.

use super::Siege;
use super::raw::{
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FRAME_SIZE_ERROR,
    HEADERS, PING, PREFACE, PROTOCOL_ERROR, RST_STREAM, Raw, SETTINGS, field, frame, head,
};
use crate::harness::PATIENCE;

const LIST: &str = "/valor.control.v1.Control/List";

#[tokio::test]
async fn what_is_no_http2_is_closed() {
    let siege = Siege::start().await;
    let tls_hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[0x5a; 501]].concat();
    let noise: Vec<u8> =
        (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    for (what, bytes) in [
        ("HTTP/1.1", &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..]),
        ("a TLS hello", &tls_hello),
        ("noise", &noise),
        ("zeroes", &[0; 65_536]),
        ("a preface with a wrong end", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"),
        ("a frame before the preface", &frame(SETTINGS, 0, 0, &[])),
    ] {
        let mut raw = Raw::connect(&siege.socket()).await;
        // It may be closed in the middle of it.
        let _taken = raw.send(bytes).await;
        raw.until_closed().await;
        siege.unchanged(what).await;
    }
    // Half of a preface may still become a whole one: it is waited for, and keeps nobody out.
    let mut halves = Vec::new();
    for length in [0, 1, 10, 23] {
        let mut raw = Raw::connect(&siege.socket()).await;
        assert!(raw.send(&PREFACE[..length]).await);
        halves.push((length, raw));
    }
    siege.unchanged("halves of a preface").await;
    for (length, mut raw) in halves {
        assert!(raw.send(&[&PREFACE[length..], &frame(SETTINGS, 0, 0, &[])].concat()).await);
        assert!(raw.is_served().await, "the other half came after {length} bytes");
    }
    siege.end().await;
}

#[tokio::test]
async fn frames_against_the_rules_end_their_connection_only() {
    let siege = Siege::start().await;
    let list = || frame(HEADERS, END_HEADERS, 1, &head(LIST));
    // h2 calls some wrong sizes, and what it cannot decompress, a wrong protocol.
    let (protocol, size, compression) = (
        &[PROTOCOL_ERROR][..],
        &[FRAME_SIZE_ERROR, PROTOCOL_ERROR][..],
        &[COMPRESSION_ERROR, PROTOCOL_ERROR][..],
    );
    for (what, bytes, codes) in [
        ("a frame of 16 MiB", [&[0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1][..], &[0; 100]].concat(), size),
        ("DATA on no stream", frame(DATA, 0, 0, b"x"), protocol),
        ("DATA on an idle stream", frame(DATA, 0, 5, b"x"), protocol),
        ("a stream of the server's", frame(HEADERS, END_HEADERS, 2, &head(LIST)), protocol),
        ("CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, &[]), protocol),
        ("a PING of 7 bytes", frame(PING, 0, 0, &[0; 7]), size),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5]), size),
        ("no HPACK", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 64]), compression),
    ] {
        let mut raw = Raw::greeted(&siege.socket()).await;
        assert!(raw.send(&bytes).await, "{what}");
        let said = raw.farewell().await;
        assert!(said.is_some_and(|said| codes.contains(&said)), "{what}: {said:?}");
        siege.unchanged(what).await;
    }
    // A second head of one stream is that stream's affair.
    let mut raw = Raw::greeted(&siege.socket()).await;
    assert!(raw.send(&[list(), list()].concat()).await);
    assert!(raw.is_served().await);
    siege.end().await;
}

/// Sends until the server has had enough, which it must have long before the end; the code of its GOAWAY.
async fn drown(siege: &Siege, what: &str, most: u32, wave: impl Fn(u32) -> Vec<u8>) -> u32 {
    let mut raw = Raw::greeted(&siege.socket()).await;
    let mut sent = 0;
    while sent < most && raw.send(&wave(sent)).await {
        sent += 1;
    }
    let code = raw.farewell().await;
    code.unwrap_or_else(|| panic!("{what}: closed without a word after {sent} waves"))
}

#[tokio::test]
async fn floods_of_http2_end_their_connection_only() {
    let siege = Siege::start().await;
    let stream = |n: u32| 2 * n + 1;
    let reset = |n| {
        let open = frame(HEADERS, END_HEADERS, stream(n), &head(LIST));
        [open, frame(RST_STREAM, 0, stream(n), &8_u32.to_be_bytes())].concat()
    };
    assert_eq!(drown(&siege, "rapid reset", 100_000, reset).await, ENHANCE_YOUR_CALM);
    siege.unchanged("rapid reset").await;

    let endless = |n| match n {
        0 => frame(HEADERS, 0, 1, &head(LIST)),
        _ => frame(CONTINUATION, 0, 1, &field("x-more", &"y".repeat(100)).repeat(100)),
    };
    assert_eq!(drown(&siege, "CONTINUATION", 10_000, endless).await, ENHANCE_YOUR_CALM);
    siege.unchanged("CONTINUATION").await;
    let empty = |n| frame(if n == 0 { HEADERS } else { CONTINUATION }, 0, 1, &[]);
    assert_eq!(drown(&siege, "empty CONTINUATION", 1_000_000, empty).await, ENHANCE_YOUR_CALM);
    siege.unchanged("empty CONTINUATION").await;
    siege.end().await;
}

#[tokio::test]
async fn floods_that_are_allowed_are_answered_as_they_are_read_and_no_sooner() {
    let siege = Siege::start().await;
    for (what, one) in [
        ("PING", frame(PING, 0, 0, &[0; 8])),
        ("SETTINGS", frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])),
        ("acknowledged PING", frame(PING, ACK, 0, &[0; 8])),
    ] {
        let mut raw = Raw::greeted(&siege.socket()).await;
        let wave = one.repeat(1000);
        // Who does not read the answers is not read any more either, once the socket's buffers are full.
        let (mut stopped, stops) = (false, what != "acknowledged PING");
        // A write that is stuck is stuck for good; one that is only slow is waited for.
        let patience = if stops { std::time::Duration::from_millis(500) } else { PATIENCE };
        for _ in 0..1000 {
            let sending = tokio::time::timeout(patience, raw.send(&wave));
            match sending.await {
                Ok(true) => {}
                Ok(false) | Err(_) => {
                    stopped = true;
                    break;
                }
            }
        }
        assert_eq!(stopped, stops, "{what}: a million of them");
        siege.unchanged(what).await;
    }
    siege.end().await;
}

#[tokio::test]
async fn more_calls_than_are_allowed_on_a_connection_are_refused_and_the_others_answered() {
    let siege = Siege::start().await;
    let mut raw = Raw::greeted(&siege.socket()).await;
    // Uploads that are opened and never go on: each is a call under way.
    let register = "/valor.control.v1.Control/Register";
    let opened: Vec<u8> =
        (0..100_u32).flat_map(|n| frame(HEADERS, END_HEADERS, 2 * n + 1, &head(register))).collect();
    assert!(raw.send(&opened).await);
    let mut refused = 0;
    while refused < 36 {
        let frame = raw.next().await.expect("the connection goes on");
        if frame.kind == RST_STREAM {
            assert_eq!(frame.payload, 7_u32.to_be_bytes(), "REFUSED_STREAM");
            refused += 1;
        }
    }
    assert!(raw.is_served().await);
    drop(raw);
    siege.end().await;
}
