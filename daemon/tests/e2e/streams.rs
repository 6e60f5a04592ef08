//! Bodies that are larger than any buffer, readers that are slow, clients that go away.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::harness::{PATIENCE, Valord};

async fn valord() -> Valord {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libvalor_test_runtime_plugin.so"), "x")).await;
    valord
}

const PIECE: usize = 64 * 1024;
const PIECES: usize = 512;

/// A body of 32 MiB, made as it is read.
fn upload() -> impl hyper::body::Body<Data = Bytes, Error = std::io::Error> + Send + 'static {
    let pieces =
        (0..PIECES).map(|n| Ok(Frame::data(Bytes::from(vec![u8::try_from(n % 251).unwrap(); PIECE]))));
    StreamBody::new(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn a_large_body_goes_both_ways_at_once() {
    let valord = valord().await;
    let request = http::Request::post("/x/echo").header("host", "valor.test").body(upload()).unwrap();
    let exchange = async {
        let mut body = client::send(valord.address, request).await.unwrap().into_body();
        let mut at = 0;
        while let Some(frame) = body.frame().await {
            for byte in frame.unwrap().into_data().unwrap() {
                assert_eq!(usize::from(byte), at / PIECE % 251, "byte {at}");
                at += 1;
            }
        }
        assert_eq!(at, PIECE * PIECES);
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("the echo stalls");
    valord.stop().await;
}

#[tokio::test]
async fn a_slow_reader_stalls_nobody_else() {
    let valord = valord().await;
    let slow = client::send(valord.address, client::request("GET", "/x/stream?n=5000&size=10000", ""))
        .await
        .unwrap();
    assert_eq!(slow.status(), 200);
    let mut slow = slow.into_body();
    // Not read on purpose, while others are answered.
    for _ in 0..50 {
        assert_eq!(valord.get("/x/timer").await.text(), "slept");
    }
    let mut len = 0;
    let rest = async {
        while let Some(frame) = slow.frame().await {
            len += frame.unwrap().into_data().unwrap().len();
        }
    };
    tokio::time::timeout(PATIENCE, rest).await.expect("the slow stream stalls");
    assert!(len >= 5000 * 10000, "{len}");
    valord.stop().await;
}

#[tokio::test]
async fn events_come_one_by_one() {
    let valord = valord().await;
    let response = client::send(valord.address, client::request("GET", "/x/sse?n=3&ms=1", "")).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let whole = client::whole(response).await.unwrap();
    assert_eq!(whole.text().matches("data:").count(), 3, "{}", whole.text());
    valord.stop().await;
}

#[tokio::test]
async fn work_ends_when_the_client_goes_away() {
    let valord = valord().await;
    let request = client::send(valord.address, client::request("GET", "/x/forever", ""));
    let task = tokio::spawn(async move { drop(request.await) });
    let counted = async |name: &str| loop {
        let counters: serde_json::Value =
            serde_json::from_str(valord.get("/x/counters").await.text()).unwrap();
        if counters[name] == 1 {
            return;
        }
    };
    tokio::time::timeout(PATIENCE, counted("begun")).await.expect("the handler does not begin");
    // The runtime drops the connection with its own task's sender; the daemon sees it closed.
    task.abort();
    tokio::time::timeout(PATIENCE, counted("dropped")).await.expect("the handler goes on");
    valord.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let valord = Valord::start().await;
    let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), "x")
        .limits(|limits| limits.max_body = Some(1000));
    valord.register(spec).await;
    let answer = valord.send("POST", "/x/echo", vec![0; 1001]).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(valord.send("POST", "/x/echo", vec![0; 1000]).await.body.len(), 1000);
    valord.stop().await;
}

#[tokio::test]
async fn a_body_that_the_plugin_cuts_off_is_cut_off() {
    let valord = valord().await;
    let response = client::send(valord.address, client::request("GET", "/x/drop", "")).await.unwrap();
    // What is known to fail before the head is out is better answered with an error.
    if response.status() == 500 {
        let problem = client::whole(response).await.unwrap().problem(500, "x");
        assert!(problem["type"].as_str().unwrap().ends_with("plugin-failed"), "{problem}");
    } else {
        let parts: Vec<_> = response.into_body().into_data_stream().collect().await;
        assert!(parts.iter().any(Result::is_err), "a body without its end must not look whole: {parts:?}");
    }
    assert_eq!(valord.get("/x/timer").await.status, 200);
    valord.stop().await;
}
