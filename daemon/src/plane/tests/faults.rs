//! What clients get when plugins, or clients themselves, fail.

use super::*;

fn short() -> Limits {
    Limits { timeout: Duration::from_millis(30), ..Limits::default() }
}

#[test]
fn a_crash_answers_everything_in_flight_and_the_supervisor_is_told() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = bench.connect().await;
            client.send(get("/foo")).await;
            shim.request().await;
            clients.push(client);
        }
        drop(shim);
        for mut client in clients {
            let problem = client.answer().await.problem(502, "plugin-crashed", Some("foo"));
            assert_eq!(
                problem["detail"],
                "its process ended before it had answered; the request was not repeated"
            );
        }
        let failure = bench.failures.recv().await.unwrap();
        assert_eq!(failure, LinkFailure { generation: Generation(1), kind: LinkFailureKind::Closed });
        let answer = bench.ask(&get("/foo")).await;
        answer.problem(503, "backoff", Some("foo"));
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!((plugin.stats.totals().errors, plugin.gate.in_flight()), (3, 0));
    });
}

#[test]
fn a_process_that_takes_nothing_any_more_costs_no_request() {
    run(async || {
        let mut bench = Bench::new(options());
        let plugin = Plugin::new("foo", "/foo", Limits::default(), Grants::default());
        let (deaf, shims) = bench.install(&plugin).await;
        let (well, mut healthy) = bench.install(&plugin).await;
        // It can be written to no more, but to the reader it does not look closed.
        rustix::net::shutdown(&shims[0].socket, rustix::net::Shutdown::Read).unwrap();
        bench.route(&plugin, Target::Ready([deaf, well].into()));
        tokio::task::spawn_local(async move {
            let mut shim = healthy.remove(0);
            loop {
                match shim.next().await {
                    Said::Request { id, end: true, .. } | Said::Data { id, end: true, .. } => {
                        shim.answer(id, 200, &[], b"well").await;
                    }
                    Said::Request { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        let post = "POST /foo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody".to_owned();
        for request in [post.clone(), get("/foo"), post, get("/foo")] {
            assert_eq!(bench.ask(&request).await.text(), "well");
        }
        let failure = bench.failures.recv().await.unwrap();
        assert_eq!(failure, LinkFailure { generation: deaf, kind: LinkFailureKind::Closed });
        assert_eq!((plugin.stats.totals().errors, plugin.gate.in_flight()), (0, 0));
    });
}

#[test]
fn a_violation_is_told_with_its_reason() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        shim.request().await;
        shim.socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        client.answer().await.problem(502, "plugin-crashed", Some("foo"));
        let failure = bench.failures.recv().await.unwrap();
        assert!(matches!(failure.kind, LinkFailureKind::Violation(_)), "{failure:?}");
    });
}

#[test]
fn the_deadline_names_the_plugin_and_counts_the_queue() {
    run(async || {
        let mut bench = Bench::new(options());
        let limits = Limits { concurrency: 1, queue: 1, ..short() };
        let (plugin, mut shim) = bench.plugin("/slow", limits).await;
        let (mut first, mut second) = (bench.connect().await, bench.connect().await);
        first.send(get("/slow")).await;
        let id = shim.request().await;
        second.send(get("/slow")).await;
        let problem = first.answer().await.problem(504, "deadline", Some("slow"));
        assert_eq!(problem["detail"], "it has not answered within 30ms");
        second.answer().await.problem(504, "deadline", Some("slow"));
        let Said::Reset { id: ended, code: valor_wire::ResetCode::Deadline, .. } = shim.next().await else {
            panic!()
        };
        assert_eq!(id, ended);
        assert_eq!(plugin.stats.totals().timeouts, 2);
    });
}

#[test]
fn a_process_that_answers_nothing_is_hung() {
    run(async || {
        let link = LinkOptions { hung_grace: Duration::from_millis(20), ..LinkOptions::default() };
        let mut bench = Bench::new(PlaneOptions { link, ..options() });
        let (_, _shim) = bench.plugin("/slow", short()).await;
        bench.ask(&get("/slow")).await.problem(504, "deadline", Some("slow"));
        let failure = bench.failures.recv().await.unwrap();
        assert_eq!(failure.kind, LinkFailureKind::Hung);
    });
}

#[test]
fn beyond_the_queue_there_is_an_immediate_503() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) =
            bench.plugin("/foo", Limits { concurrency: 1, queue: 1, ..Limits::default() }).await;
        let (mut first, mut second) = (bench.connect().await, bench.connect().await);
        first.send(get("/foo/1")).await;
        let id = shim.request().await;
        second.send(get("/foo/2")).await;
        while plugin.gate.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let third = bench.ask(&get("/foo/3")).await;
        let problem = third.problem(503, "busy", Some("foo"));
        assert_eq!(problem["detail"], "1 requests are worked on and 1 wait, which is all that it may have");
        assert_eq!(third.headers["retry-after"], "1");
        shim.answer(id, 200, &[], b"one").await;
        assert_eq!(first.answer().await.text(), "one");
        let Said::Request { id, target, .. } = shim.next().await else { panic!() };
        assert_eq!(target, "/2");
        shim.answer(id, 200, &[], b"two").await;
        assert_eq!(second.answer().await.text(), "two");
        assert_eq!(plugin.stats.totals().rejected, 1);
    });
}

#[test]
fn forged_lengths_never_reach_the_client() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        for length in ["3", "5", "x"] {
            let mut client = bench.connect().await;
            client.send(get("/foo")).await;
            let id = shim.request().await;
            shim.answer(id, 200, &[("content-length", length)], b"four").await;
            client.answer().await.problem(502, "bad-response", Some("foo"));
        }
        for (length, rest) in [("8", &b"ur"[..]), ("3", b"ur")] {
            let mut client = bench.connect().await;
            client.send(get("/foo")).await;
            let id = shim.request().await;
            shim.respond(id, 200, &[("content-length", length)], false);
            shim.send(id, b"fo", false).await;
            let head = client.head().await;
            assert_eq!(head.headers["content-length"], length);
            assert_eq!(client.exactly(2).await.unwrap(), b"fo");
            shim.send(id, rest, true).await;
            client.closed().await;
            assert!(client.buffer.len() <= 2, "the connection ends within the body: {:?}", client.buffer);
        }
    });
}

#[test]
fn handlers_that_fail_are_named_and_the_plugin_goes_on() {
    run(async || {
        use valor_wire::ResetCode;
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        for (code, status, slug) in [
            (ResetCode::Failed, 500, "plugin-failed"),
            (ResetCode::NoAnswer, 500, "plugin-failed"),
            (ResetCode::Refused, 503, "busy"),
            (ResetCode::Deadline, 504, "deadline"),
            (ResetCode::Internal, 502, "plugin-crashed"),
        ] {
            client.send(get("/foo")).await;
            let id = shim.request().await;
            shim.conn.reset(id, code, "secret reason");
            shim.flush().await;
            let answer = client.answer().await;
            answer.problem(status, slug, Some("foo"));
            assert!(!answer.text().contains("secret"));
        }
        client.send(get("/foo")).await;
        let id = shim.request().await;
        shim.answer(id, 200, &[], b"fine").await;
        assert_eq!(client.answer().await.text(), "fine");
    });
}

#[test]
fn a_client_that_leaves_cancels_its_request() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        let id = shim.request().await;
        drop(client);
        assert!(matches!(shim.next().await, Said::Reset { .. }));
        let mut client = bench.connect().await;
        client.send("POST /foo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome").await;
        assert_ne!(shim.request().await, id);
        assert!(matches!(shim.next().await, Said::Data { end: false, .. }));
        drop(client);
        assert!(matches!(shim.next().await, Said::Reset { .. }));
        assert_eq!(plugin.gate.in_flight(), 0);
    });
}

#[test]
fn slow_clients_are_not_waited_for() {
    run(async || {
        let http = HttpOptions {
            // Long enough for those who do speak to have begun.
            header_timeout: Duration::from_millis(500),
            idle_timeout: Duration::from_millis(500),
            ..HttpOptions::default()
        };
        let mut bench = Bench::new(PlaneOptions { http, ..options() });
        let limits = Limits { idle_timeout: Duration::from_millis(30), ..Limits::default() };
        let (_, mut shim) = bench.plugin("/foo", limits).await;
        let mut silent = bench.connect().await;
        let mut slow = bench.connect().await;
        slow.send("GET /foo HTTP/1.1\r\nHost").await;
        assert!(silent.closed().await);
        slow.answer().await.problem(408, "head-timeout", None);
        assert!(slow.closed().await);
        // A request in work is the plugin's time, not the client's.
        let mut client = bench.connect().await;
        client.send("POST /foo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome").await;
        shim.request().await;
        client.answer().await.problem(408, "body-timeout", Some("foo"));
    });
}

#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    run(async || {
        let http = HttpOptions { write_timeout: Duration::from_millis(1), ..HttpOptions::default() };
        let mut bench = Bench::new(PlaneOptions { http, ..options() });
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        let id = shim.request().await;
        shim.respond(id, 200, &[], false);
        let part = bytes::Bytes::from(vec![0; 64 * 1024]);
        loop {
            let room = shim.conn.capacity(id).min(part.len());
            if room > 0 {
                shim.conn.send_data(id, part.slice(..room), false).unwrap();
                shim.flush().await;
                continue;
            }
            match shim.next_or_window().await {
                Said::Window => {}
                Said::Reset { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(plugin.gate.in_flight(), 0);
    });
}

#[test]
fn an_http2_client_that_opens_no_window_is_cut_off() {
    run(async || {
        let http = HttpOptions { write_timeout: Duration::from_millis(1), ..HttpOptions::default() };
        let mut bench = Bench::new(PlaneOptions { http, ..options() });
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        // SETTINGS with INITIAL_WINDOW_SIZE 0, then HEADERS: GET, http, /foo, authority "a".
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0").await;
        client.send(b"\0\0\x0b\x01\x05\0\0\0\x01\x82\x86\x04\x04/foo\x01\x01a").await;
        let id = shim.request().await;
        shim.respond(id, 200, &[], false);
        shim.send(id, b"nobody takes this", false).await;
        assert!(matches!(shim.next().await, Said::Reset { .. }));
        while client.more().await {}
        assert_eq!(plugin.gate.in_flight(), 0);
    });
}

#[test]
fn descriptors_that_come_with_data_are_received_by_nobody() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::os::fd::AsFd as _;

    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let (reader, writer) = std::io::pipe().unwrap();
        let fds = [writer.as_fd(); 20];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(20))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        assert!(shim.conn.ping(7));
        let mut slices = [std::io::IoSlice::new(&[]); 8];
        let filled = shim.conn.outbox().slices(&mut slices);
        let sent = sendmsg(&shim.socket, &slices[..filled], &mut control, SendFlags::empty()).unwrap();
        shim.conn.written(sent);
        // The pong: what came with them was read as ever.
        assert_eq!(shim.next_or_window().await, Said::Window);
        drop(writer);
        let mut pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(reader.into()).unwrap();
        let end = tokio::time::timeout(Duration::from_secs(30), pipe.read_u8()).await;
        let end = end.expect("the other end of the pipe is open somewhere in this process");
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    });
}
