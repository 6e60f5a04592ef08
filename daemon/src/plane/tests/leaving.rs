//! Clients that leave, each in the middle of something.

use super::*;

/// Answers the next request of `shim`, which is the neighbour's.
pub(super) async fn neighbour(bench: &Bench, shim: &mut FakeShim, shown: &str) {
    let mut client = bench.connect().await;
    client.send(get("/neighbour")).await;
    let id = loop {
        match shim.next().await {
            Said::Request { id, target, .. } if target == "/neighbour" => break id,
            Said::Reset { .. } | Said::Data { .. } => {}
            other => panic!("{shown}: {other:?}"),
        }
    };
    shim.answer(id, 200, &[], b"fine").await;
    assert_eq!(client.answer().await.text(), "fine", "{shown}");
}

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    Closing,
    /// With RST.
    Aborting,
    /// It only says that it sends no more; it is taken to be gone all the same.
    HalfClosing,
}

const LEAVING: [Leaving; 3] = [Leaving::Closing, Leaving::Aborting, Leaving::HalfClosing];

impl Client {
    /// Leaves; of a half-closed connection, the rest is returned.
    async fn leave(mut self, how: Leaving) -> Option<Self> {
        match how {
            Leaving::Closing => None,
            Leaving::Aborting => {
                self.stream.set_zero_linger().unwrap();
                None
            }
            Leaving::HalfClosing => {
                self.stream.shutdown().await.unwrap();
                Some(self)
            }
        }
    }
}

#[test]
fn a_client_that_leaves_before_its_request_is_complete_reaches_nobody() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        for part in
            ["", "\r\n", "G", "GET / HT", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX:", "PRI * HT"]
        {
            for how in LEAVING {
                let mut client = bench.connect().await;
                client.send(part).await;
                if let Some(mut client) = client.leave(how).await {
                    if !part.trim().is_empty() {
                        let problem = client.answer().await.problem(400, "bad-request", None);
                        assert_eq!(
                            problem["detail"],
                            "the connection was closed before the request head was complete"
                        );
                    }
                    assert!(client.closed().await, "{part:?}");
                }
                neighbour(&bench, &mut shim, part).await;
            }
        }
        assert_eq!(plugin.gate.in_flight(), 0);
        // All places are free again: every one of them can be taken at once.
        bench.all_places_are_free().await;
    });
}

#[test]
fn a_client_that_leaves_in_its_body_or_before_its_answer_cancels_its_request() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        for request in [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nsome",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nso",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n0\r\nX: y\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nsome",
        ] {
            for how in LEAVING {
                let mut client = bench.connect().await;
                client.send(request).await;
                let id = shim.request().await;
                assert_eq!(plugin.gate.in_flight(), 1);
                let rest = client.leave(how).await;
                loop {
                    match shim.next().await {
                        Said::Reset { id: reset, .. } => break assert_eq!(reset, id),
                        Said::Data { .. } => {}
                        other => panic!("{request:?} {how:?}: {other:?}"),
                    }
                }
                if let Some(mut client) = rest {
                    // A body that is cut is told; a whole request is just dropped.
                    while client.more().await {}
                    let told = String::from_utf8_lossy(&client.buffer);
                    assert!(told.is_empty() || told.starts_with("HTTP/1.1 400 "), "{request:?}: {told}");
                }
                neighbour(&bench, &mut shim, request).await;
                assert_eq!(plugin.gate.in_flight(), 0, "{request:?} {how:?}");
            }
        }
        bench.all_places_are_free().await;
    });
}

#[test]
fn a_client_that_leaves_with_requests_waiting_cancels_all_of_them() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        for behind in [get("/behind"), "GET /behind HT".to_owned(), get("/behind").repeat(10)] {
            for how in LEAVING {
                let mut client = bench.connect().await;
                client.send(format!("{}{behind}", get("/first"))).await;
                let id = shim.request().await;
                let rest = client.leave(how).await;
                assert!(matches!(shim.next().await, Said::Reset { id: reset, .. } if reset == id), "{how:?}");
                if let Some(mut client) = rest {
                    assert!(client.closed().await);
                }
                neighbour(&bench, &mut shim, &behind).await;
                assert_eq!(plugin.gate.in_flight(), 0);
            }
        }
        bench.all_places_are_free().await;
    });
}

#[test]
fn more_requests_wait_than_the_daemon_holds() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let Client { stream, buffer } = bench.connect().await;
        let (reader, mut writer) = stream.into_split();
        let count = 8000;
        let asking = tokio::task::spawn_local(async move {
            writer.write_all(get("/x").repeat(count).as_bytes()).await.unwrap();
            writer
        });
        for _ in 0..count {
            let id = shim.request().await;
            shim.answer(id, 204, &[], b"").await;
        }
        let writer = asking.await.unwrap();
        let mut client = Client { stream: reader.reunite(writer).unwrap(), buffer };
        for _ in 0..count {
            assert_eq!(client.answer().await.status, 204);
        }
    });
}

#[test]
fn a_client_that_leaves_while_it_reads_cancels_the_answer() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        for how in LEAVING {
            let mut client = bench.connect().await;
            client.send(get("/")).await;
            let id = shim.request().await;
            shim.respond(id, 200, &[], false);
            shim.send(id, b"part", false).await;
            assert_eq!(client.head().await.status, 200);
            assert_eq!(client.chunk().await.unwrap(), b"part");
            let rest = client.leave(how).await;
            assert!(matches!(shim.next().await, Said::Reset { id: reset, .. } if reset == id), "{how:?}");
            if let Some(mut client) = rest {
                assert!(client.closed().await, "the body must not look whole");
            }
            neighbour(&bench, &mut shim, "while it reads").await;
            assert_eq!(plugin.gate.in_flight(), 0);
        }
        bench.all_places_are_free().await;
    });
}
