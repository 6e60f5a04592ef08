//! Hostile clients and the whole daemon: what they do reaches no plugin, and leaves nothing behind.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use valord::app::App;

use crate::artifacts::built;
use crate::client::Spec;
use crate::faults::trial::Neighbour;
use crate::harness::{PATIENCE, Valord};

/// A daemon with one data worker, which the plugin `x` and a neighbour share.
struct Siege {
    valord: Valord,
    neighbour: Neighbour,
    descriptors: usize,
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

impl Siege {
    async fn start(change: impl FnOnce(&mut App)) -> Self {
        let valord = Valord::start_with(|app| {
            app.plane.workers = 1;
            change(app);
        })
        .await;
        valord.register(Spec::new(built("libhello_plugin.so"), "neighbour")).await;
        let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), "x")
            .limits(|limits| limits.idle_timeout_ms = 1000);
        valord.register(spec).await;
        let neighbour = Neighbour::start(&valord);
        neighbour.answers_now().await;
        // The control API's connection and the neighbour's are there by now.
        valord.plugin("x").await;
        Self { descriptors: descriptors(), valord, neighbour }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.valord.address).await.unwrap()
    }

    /// Sends all of it, and returns all that comes back until the end.
    async fn tell(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A refusal may come before all was written.
        let _refused = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    /// A counter of the plugin's own; asking counts as a request.
    async fn counter(&self, name: &str) -> u64 {
        let counters: serde_json::Value =
            serde_json::from_str(self.valord.get("/x/counters").await.text()).unwrap();
        counters[name].as_u64().unwrap()
    }

    /// Nothing is in work, no descriptor is left open, nothing was restarted, and the neighbour never failed.
    async fn end(self) {
        let waiting = async {
            while self.valord.plugin("x").await.in_flight > 0 || descriptors() > self.descriptors {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let left = self.valord.plugin("x").await.in_flight;
            panic!("{left} in flight, {} descriptors of {}", descriptors(), self.descriptors);
        }
        self.neighbour.answers_now().await;
        for name in ["x", "neighbour"] {
            assert_eq!(self.valord.plugin(name).await.restarts, 0, "{name}");
        }
        self.neighbour.end();
        self.valord.stop().await;
    }
}

/// All until the end; a reset is an end, too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let reading = async { while stream.read_buf(&mut all).await.is_ok_and(|n| n > 0) {} };
    tokio::time::timeout(PATIENCE, reading).await.expect("the connection does not end");
    String::from_utf8_lossy(&all).into_owned()
}

#[track_caller]
fn assert_problem(answer: &str, status: u16, slug: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
    assert!(answer.contains(&format!("\"type\":\"urn:valor:problem:{slug}\"")), "{answer}");
}

#[tokio::test]
async fn what_is_smuggled_reaches_no_plugin() {
    let siege = Siege::start(|_| {}).await;
    let before = siege.counter("requests").await;
    let inner = "GET /x/timer HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = |fields: &str| format!("POST /x/echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    for (request, status, slug) in [
        (post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400, "bad-request"),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") + "0\r\n\r\n", 400, "bad-request"),
        (post("Content-Length: 0\r\nContent-Length: 36\r\n"), 400, "bad-request"),
        (post("Content-Length: 0, 0\r\n"), 400, "bad-request"),
        (post("Content-Length: +0\r\n"), 400, "bad-request"),
        (post("Transfer-Encoding: xchunked\r\n"), 400, "bad-request"),
        (post("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n", 501, "not-implemented"),
        (post("Transfer-Encoding:\r\n chunked\r\n") + "0\r\n\r\n", 400, "bad-request"),
        (post("Transfer-Encoding : chunked\r\n") + "0\r\n\r\n", 400, "bad-request"),
        (post("X: y\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400, "bad-request"),
        (post("X: y\rContent-Length: 36\r\n"), 400, "bad-request"),
        (post("X: \0\r\n"), 400, "bad-request"),
        (post("Transfer-Encoding: chunked\r\n") + "0x0\r\n\r\n", 400, "bad-request"),
        (post("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n", 400, "bad-request"),
        ("GET /x/timer\r\n".to_owned(), 400, "bad-request"),
        ("GET /x/timer HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), 505, "http-version"),
        ("\u{16}\u{3}\u{1}\u{2}".to_owned(), 400, "bad-request"),
        (format!("GET /x/{} HTTP/1.1\r\n", "x".repeat(70_000)), 414, "target-too-long"),
        (format!("GET /x/ HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000)), 431, "head-too-large"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned(), 501, "not-implemented"),
        ("TRACE /x/timer HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 501, "not-implemented"),
    ] {
        let answer = siege.tell(format!("{request}{inner}").as_bytes()).await;
        assert_problem(&answer, status, slug);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        siege.neighbour.answers_now().await;
    }
    assert_eq!(siege.counter("requests").await, before + 1, "only the question itself");
    siege.end().await;
}

#[tokio::test]
async fn slow_clients_end_and_are_told_why() {
    let siege = Siege::start(|app| {
        app.plane.http.header_timeout = Duration::from_millis(1);
        app.plane.http.write_timeout = Duration::from_millis(1);
    })
    .await;
    let (mut heads, mut bodies, mut readers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20 {
        for (request, clients) in [
            ("GET /x/timer HTTP/1.1\r\nHost: a\r\nX-Slow:", &mut heads),
            ("POST /x/sink HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome", &mut bodies),
            ("GET /x/stream?n=100000&size=10000 HTTP/1.1\r\nHost: a\r\n\r\n", &mut readers),
        ] {
            let mut client = siege.connect().await;
            client.write_all(request.as_bytes()).await.unwrap();
            clients.push(client);
        }
    }
    siege.neighbour.answers_now().await;
    for mut client in heads {
        assert_problem(&rest(&mut client).await, 408, "head-timeout");
    }
    for mut client in bodies {
        assert_problem(&rest(&mut client).await, 408, "body-timeout");
    }
    // They read nothing until the daemon has given them up.
    while siege.valord.plugin("x").await.in_flight > 0 {
        siege.neighbour.answers_now().await;
    }
    for mut client in readers {
        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", &answer[..answer.len().min(200)]);
        assert!(!answer.ends_with("0\r\n\r\n"), "an answer that was cut off must not look whole");
    }
    siege.end().await;
}

#[tokio::test]
async fn clients_that_abort_leave_nothing_behind() {
    let siege = Siege::start(|_| {}).await;
    let parts = [
        "",
        "GET /x/for",
        "GET /x/timer HTTP/1.1\r\nHost: a\r\n",
        "POST /x/sink HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nsome",
        "POST /x/sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nso",
        "GET /x/forever HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x/stream?n=100000&size=10000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0",
    ];
    for round in 0..40 {
        let mut clients = Vec::new();
        for part in parts {
            let mut client = siege.connect().await;
            client.write_all(part.as_bytes()).await.unwrap();
            clients.push(client);
        }
        if round % 2 == 0 {
            for client in &clients {
                client.set_zero_linger().unwrap();
            }
        }
    }
    // What was begun is cancelled; of some, the client was gone before the plugin was asked.
    siege.neighbour.answers_now().await;
    let before = siege.counter("begun").await;
    let mut client = siege.connect().await;
    client.write_all(b"GET /x/forever HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while siege.counter("begun").await == before {
        tokio::task::yield_now().await;
    }
    drop(client);
    while siege.counter("dropped").await < siege.counter("begun").await {
        tokio::task::yield_now().await;
    }
    siege.end().await;
}

#[tokio::test]
async fn rapid_resets_are_answered_with_calm() {
    let siege = Siege::start(|_| {}).await;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for stream in (1_u32..4000).step_by(2) {
        // GET, http, /x/forever, authority "a"; then RST_STREAM with CANCEL.
        let block = b"\x82\x86\x04\x0a/x/forever\x01\x01a";
        bytes.extend([0, 0, u8::try_from(block.len()).unwrap(), 1, 5]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(block);
        bytes.extend([0, 0, 4, 3, 0]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend([0, 0, 0, 8]);
    }
    let mut stream = siege.connect().await;
    let _refused = stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    while stream.read_buf(&mut answer).await.is_ok_and(|n| n > 0) {}
    drop(stream);
    // GOAWAY, up to its code: ENHANCE_YOUR_CALM. A reset may have overtaken it.
    let goaway = answer.windows(17).find(|w| w[3] == 7 && w[..2] == [0, 0] && w[4..9] == [0; 5]);
    if let Some(goaway) = goaway {
        assert_eq!(goaway[13..], [0, 0, 0, 11]);
    }
    siege.neighbour.answers_now().await;
    siege.end().await;
}
