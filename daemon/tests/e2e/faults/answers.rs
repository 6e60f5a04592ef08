//! Answers that are no HTTP, or not the truth.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use valor_wire::FrameType::Data;

use super::frames::{END, field, fields, frame, head, ours};
use super::trial::{BAD, SOON, Trial, problem};
use crate::client;
use crate::harness::PATIENCE;

/// One answer, and the process goes on.
async fn answers(act: &str, path: &str, status: u16, kind: &str) -> String {
    let trial = Trial::limited(act, |limits| limits.timeout_ms = 10_000).await;
    let pid = trial.pid(BAD).await;
    let detail = problem(&trial.get(path).await, status, kind)["detail"].to_string();
    trial.untouched(pid).await;
    let log = trial.log(BAD).await;
    trial.end().await;
    assert!(!detail.contains("secret"), "what it said is for its log: {detail}");
    detail + "\n" + &log
}

#[tokio::test]
async fn a_head_that_the_shim_refuses_is_a_500() {
    for (act, path) in [
        ("status_1xx", "/bad/act"),
        ("header_injection", "/bad/act"),
        ("many_fields", "/bad/act"),
        ("many_fields", "/bad/large"),
    ] {
        let said = answers(act, path, 500, "plugin-failed").await;
        assert!(said.contains("log warn a request was aborted: the shim refused the head"), "{act}: {said}");
    }
}

#[tokio::test]
async fn no_answer_is_a_500_and_the_reason_is_in_the_log() {
    let said = answers("releases_without_answer", "/bad/act", 500, "plugin-failed").await;
    assert!(said.contains("its handler ended without an answer"), "{said}");
    let said = answers("resets", "/bad/act", 500, "plugin-failed").await;
    assert!(said.contains("its handler failed: see valorctl logs"), "{said}");
    assert!(said.contains("log warn a request was aborted: a secret reason"), "{said}");
}

#[tokio::test]
async fn a_length_that_is_a_lie_is_a_502() {
    for act in ["length_short", "length_long"] {
        let said = answers(act, "/bad/act", 502, "bad-response").await;
        assert!(said.contains("does not have the length that was declared"), "{act}: {said}");
    }
    let said = answers("length_none", "/bad/act", 502, "bad-response").await;
    assert!(said.contains("content-length is not one number"), "{said}");
}

#[tokio::test]
async fn what_concerns_the_connection_is_not_the_plugins_to_say() {
    let trial = Trial::of("hop_by_hop").await;
    let answer = trial.get("/bad/act").await;
    assert_eq!((answer.status, answer.header("transfer-encoding")), (200, ""));
    assert_eq!(answer.text(), "0\r\n\r\n", "a body like any other");
    trial.end().await;
}

/// All that a client gets, byte for byte, up to the end of the connection.
async fn raw(trial: &Trial, path: &str) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(trial.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: valor.test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: tokio::net::TcpStream) -> String {
    let mut all = Vec::new();
    // Whether it is closed or reset makes no difference here.
    let _end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("it stays open");
    String::from_utf8(all).unwrap()
}

async fn until_head(stream: &mut tokio::net::TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The head is out already, so that a problem cannot be told any more: the body is cut, with at most what is true of it.
#[tokio::test]
async fn a_length_that_turns_out_to_be_a_lie_cuts_the_connection() {
    let trial = Trial::start().await;
    for (length, body, most) in [
        ("10", &b"abc"[..], "abc"),
        ("3", b"abcHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        ("0", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
    ] {
        trial.bring("says").await;
        let act = ours(2, 0);
        trial.script(fields(0, act, 200, 1, &field(b"content-length", length.as_bytes()))).await;
        let mut stream = raw(&trial, "/bad/data").await;
        let head = until_head(&mut stream).await;
        assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
        trial.script(frame(Data, END, act, body)).await;
        let second = tokio::spawn(client::send(trial.address, client::request("GET", "/bad/data", "")));
        if length == "0" {
            // That one is complete: the connection goes on, with the answer to another request and nothing else.
            let next = "GET /neighbour HTTP/1.1\r\nhost: valor.test\r\nconnection: close\r\n\r\n";
            stream.write_all(next.as_bytes()).await.unwrap();
            let next = rest(stream).await;
            assert!(next.starts_with("HTTP/1.1 200 OK\r\n"), "{next}");
            assert!(next.ends_with("\r\n\r\nOK response from a plugin"), "{next}");
            assert_eq!(next.matches("HTTP/1.1").count(), 1, "{next}");
        } else {
            let got = rest(stream).await;
            assert!(most.starts_with(&got), "{length}: {got}");
        }
        second.abort();
    }
    trial.end().await;
}

/// The client gets half a body and an end that is none, whether the process lives on or not.
#[tokio::test]
async fn a_body_that_stops_half_way_does_not_look_whole() {
    let trial = Trial::start().await;
    trial.bring_as("says", |limits| limits.idle_timeout_ms = SOON).await;
    let pid = trial.pid(BAD).await;
    let act = ours(2, 0);
    trial.script([head(0, act, 200), frame(Data, 0, act, b"half")].concat()).await;
    let response = client::send(trial.address, client::request("GET", "/bad/data", "")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(client::whole(response).await.is_err(), "half a body must not look whole");
    trial.untouched(pid).await;

    trial.bring("says").await;
    let pid = trial.pid(BAD).await;
    trial.script([head(0, act, 200), frame(Data, 0, act, b"half")].concat()).await;
    let response = client::send(trial.address, client::request("GET", "/bad/data", "")).await.unwrap();
    trial.script(vec![0xff; 16]).await;
    problem(&trial.get("/bad/data").await, 502, "plugin-crashed");
    assert!(client::whole(response).await.is_err(), "half a body must not look whole");
    trial.restarted(pid, 1, "the process broke the wire protocol: unknown frame type 255 (").await;
    trial.end().await;
}

/// Both are the plugin's own: it can mix up its own answers, and nobody else's.
#[tokio::test]
async fn an_answer_to_another_request_stays_within_the_plugin() {
    let trial = Trial::limited("says", |limits| limits.timeout_ms = 2000).await;
    let other = ours(2, 0);
    trial.script([head(0, other, 200), frame(Data, END, other, b"for another")].concat()).await;
    let waits = trial.in_flight("/bad/never").await;
    problem(&trial.get("/bad/data").await, 504, "deadline");
    let mixed_up = waits.await.unwrap();
    assert_eq!((mixed_up.text(), mixed_up.header("x-valor-plugin")), ("for another", BAD));
    // Its own shim does not know of that answer, and may end when the stream's place is taken again: its own harm, too.
    trial.end().await;
}
