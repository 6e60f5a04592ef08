//! What clients send and what they get.

use super::*;

#[test]
fn a_request_arrives_and_its_answer_comes_back() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send("POST /foo/x?y=1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 4\r\nX-Request-Id: mine\r\n\r\nping").await;
        let Said::Request { id, method, target, fields, end: false } = shim.next().await else { panic!() };
        assert_eq!((method.as_str(), target.as_str()), ("POST", "/x?y=1"));
        let fields: HashMap<_, _> = fields.into_iter().collect();
        let expect = [
            ("host", "a:1"),
            ("content-length", "4"),
            ("x-request-id", "mine"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "a:1"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-prefix", "/foo"),
        ];
        assert_eq!(fields, expect.map(|(n, v)| (n.to_owned(), v.to_owned())).into_iter().collect());
        let data = bytes::Bytes::from_static(b"ping");
        assert_eq!(shim.next().await, Said::Data { id, data, end: true }, "body and head in one write");
        let fields = [
            ("content-type", "text/plain"),
            ("alt-svc", "x"),
            ("x-valor-runtime", "forged"),
            ("keep-alive", "x"),
        ];
        shim.answer(id, 200, &fields, b"pong").await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.text()), (200, "pong"));
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-length", "4"),
            ("x-correlation-id", "mine"),
            ("x-valor-plugin", "foo"),
            ("x-valor-runtime", "server"),
        ] {
            assert_eq!(answer.headers[name], value);
        }
        assert_eq!(answer.headers.len(), 6, "and the date: {answer:?}");
        assert_eq!(plugin.stats.totals().requests, 1);
        assert_eq!(plugin.gate.in_flight(), 0);
        // The connection lives, and an id is made where there is none.
        client.send(get("/foo")).await;
        let Said::Request { id, target, fields, end: true, .. } = shim.next().await else { panic!() };
        assert_eq!(target, "/");
        shim.answer(id, 200, &[], b"").await;
        let answer = client.answer().await;
        assert_eq!(answer.headers["content-length"], "0");
        let made = &answer.headers["x-correlation-id"];
        assert_eq!(made.len(), 32);
        assert!(fields.contains(&("x-request-id".to_owned(), made.clone())));
    });
}

#[test]
fn targets_are_cut_at_the_prefix() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut foo) = bench.plugin("/foo", Limits::default()).await;
        let (_, mut root) = bench.plugin("/", Limits::default()).await;
        for (path, target, at_root) in [
            ("/foo", "/", false),
            ("/foo?x", "/?x", false),
            ("/foo?", "/?", false),
            ("/foo/", "/", false),
            ("/foo/?x", "/?x", false),
            ("/foo/a%20b/?x=/foo", "/a%20b/?x=/foo", false),
            ("/foobar", "/foobar", true),
            ("/", "/", true),
            ("/?q", "/?q", true),
            ("http://a/foo/x", "/x", false),
            ("http://a", "/", true),
        ] {
            let mut client = bench.connect().await;
            client.send(get(path)).await;
            let shim = if at_root { &mut root } else { &mut foo };
            let Said::Request { id, target: seen, .. } = shim.next().await else { panic!() };
            assert_eq!(seen, target, "{path}");
            shim.answer(id, 204, &[], b"").await;
            assert_eq!(client.answer().await.status, 204);
        }
    });
}

#[test]
fn the_daemon_answers_for_itself() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, _shim) = bench.plugin("/foo", Limits::default()).await;
        let health = bench.ask(&get("/_health")).await;
        assert_eq!((health.status, health.text()), (200, "{\"status\":\"ok\"}"));
        assert_eq!(bench.ask("POST /_health HTTP/1.1\r\nHost: a\r\n\r\n").await.status, 405);
        assert_eq!(bench.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await.status, 204);
        bench.ask(&get("/_other")).await.problem(404, "not-found", None);
        let problem = bench.ask(&get("/foobar")).await.problem(404, "not-found", None);
        assert_eq!(problem["instance"], "/foobar");
        for (down, status, slug, retry) in [
            (Down::Starting, 503, "starting", Some("1")),
            (Down::Backoff { retry_after: Duration::from_secs(7) }, 503, "backoff", Some("7")),
            (Down::Quarantined, 503, "quarantined", None),
            (Down::Failed, 502, "start-failed", None),
            (Down::Draining, 503, "draining", Some("1")),
            (Down::Disabled, 503, "disabled", None),
        ] {
            bench.route(&plugin, Target::Down(down));
            let answer = bench.ask(&get("/foo")).await;
            answer.problem(status, slug, Some("foo"));
            assert_eq!(answer.headers.get("retry-after").map(String::as_str), retry);
        }
    });
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, _shim) = bench.plugin("/", Limits::default()).await;
        let head = "POST / HTTP/1.1\r\nHost: a\r\n";
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200 * 1024));
        for (request, status) in [
            (format!("{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
            (format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), 400),
            (format!("{head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), 400),
            (format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), 400),
            (format!("{head}Content-Length: 2, 2\r\n\r\nab"), 400),
            (format!("{head}Content-Length: +2\r\n\r\nab"), 400),
            (format!("{head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501),
            (format!("{head}Transfer-Encoding: gzip\r\n\r\n"), 400),
            ("GET / HTTP/1.1\nHost: a\n\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400),
            (get("/a/../b"), 400),
            (get("/a/%2e%2E/b"), 400),
            (get("/a%2fb"), 400),
            (get("/a\\b"), 400),
            (get("a"), 400),
            ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned(), 501),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned(),
                501,
            ),
            (long, 431),
        ] {
            let mut client = bench.connect().await;
            // A refusal may come before all was written.
            let _refused = client.stream.write_all(request.as_bytes()).await;
            let answer = client.head().await;
            assert_eq!(answer.status, status, "{:?}", &request[..request.len().min(200)]);
        }
        assert_eq!(plugin.stats.totals().requests, 0);
    });
}

#[test]
fn a_refused_head_closes_the_connection_behind_the_requests_before_it() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        let bad =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        client.send(format!("{}{bad}{}", get("/1"), get("/smuggled"))).await;
        let Said::Request { id, target, .. } = shim.next().await else { panic!() };
        assert_eq!(target, "/1");
        shim.answer(id, 200, &[], b"one").await;
        assert_eq!(client.answer().await.text(), "one");
        let answer = client.answer().await;
        answer.problem(400, "bad-request", None);
        assert_eq!(answer.headers["connection"], "close");
        assert!(client.closed().await);
    });
}

#[test]
fn bodies_stream_and_events_arrive_as_they_are_sent() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await;
        let id = shim.request().await;
        let Said::Data { data, end: false, .. } = shim.next().await else { panic!() };
        assert_eq!(data, "one");
        shim.respond(id, 200, &[("content-type", "text/event-stream")], false);
        shim.send(id, b"data: 1\n\n", false).await;
        assert_eq!(client.head().await.headers["transfer-encoding"], "chunked");
        assert_eq!(client.chunk().await.unwrap(), b"data: 1\n\n");
        client.send("3\r\ntwo\r\n").await;
        let Said::Data { data, end: false, .. } = shim.next().await else { panic!() };
        assert_eq!(data, "two");
        shim.send(id, b"data: 2\n\n", false).await;
        assert_eq!(client.chunk().await.unwrap(), b"data: 2\n\n");
        client.send("0\r\n\r\n").await;
        assert_eq!(shim.next().await, Said::Data { id, data: bytes::Bytes::new(), end: true });
        shim.send(id, b"", true).await;
        assert_eq!(client.chunk().await.unwrap(), b"");
    });
}

#[test]
fn answers_without_a_body_have_none() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        for (method, status, fields, body, length) in [
            ("HEAD", 200, &[("content-length", "5")][..], &b""[..], Some("5")),
            ("HEAD", 200, &[("content-length", "5")], b"hello", Some("5")),
            ("HEAD", 200, &[], b"", None),
            ("GET", 204, &[], b"forbidden", None),
            ("GET", 204, &[("content-length", "0")], b"", None),
            ("GET", 304, &[("etag", "x")], b"", None),
            ("GET", 205, &[], b"forbidden", Some("0")),
            ("GET", 200, &[("content-length", "0")], b"", Some("0")),
        ] {
            client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")).await;
            let Said::Request { id, .. } = shim.next().await else { panic!() };
            shim.answer(id, status, fields, body).await;
            let answer = client.head().await;
            assert_eq!(answer.status, status);
            assert_eq!(
                answer.headers.get("content-length").map(String::as_str),
                length,
                "{method} {status} {fields:?}"
            );
            assert!(!answer.headers.contains_key("transfer-encoding"));
        }
        client.send(get("/last")).await;
        let id = loop {
            match shim.next().await {
                Said::Request { id, .. } => break id,
                Said::Reset { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        shim.answer(id, 200, &[], b"last").await;
        assert_eq!(client.answer().await.text(), "last");
    });
}

#[test]
fn too_large_bodies_are_refused_before_and_while_they_come() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits { max_body: 8, ..Limits::default() }).await;
        let declared = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
        bench.ask(declared).await.problem(413, "body-too-large", Some(""));
        let at_once = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n";
        bench.ask(at_once).await.problem(413, "body-too-large", Some(""));
        let mut client = bench.connect().await;
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n").await;
        shim.request().await;
        assert!(matches!(shim.next().await, Said::Data { .. }));
        client.send("4\r\n6789\r\n").await;
        client.answer().await.problem(413, "body-too-large", Some(""));
        assert!(matches!(shim.next().await, Said::Reset { .. }));
        let mut client = bench.connect().await;
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n12345678").await;
        let id = shim.request().await;
        assert!(matches!(shim.next().await, Said::Data { end: true, .. }));
        shim.answer(id, 200, &[], b"").await;
        assert_eq!(client.answer().await.status, 200);
    });
}

#[test]
fn one_http2_connection_carries_many_requests() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let stream = bench.connect().await.stream;
        let io = hyper_util::rt::TokioIo::new(stream);
        let exec = hyper_util::rt::TokioExecutor::new();
        let (sender, conn) = hyper::client::conn::http2::handshake(exec, io).await.unwrap();
        tokio::task::spawn_local(conn);
        let ask = |path: &str| {
            let mut sender = sender.clone();
            let request =
                http::Request::builder().uri(format!("http://a{path}")).body(String::new()).unwrap();
            async move { sender.send_request(request).await.unwrap() }
        };
        let answering = async {
            let mut ids = Vec::new();
            for _ in 0..20 {
                let Said::Request { id, target, fields, .. } = shim.next().await else { panic!() };
                assert!(fields.contains(&("host".to_owned(), "a".to_owned())));
                ids.push((id, target));
            }
            for (id, target) in ids.into_iter().rev() {
                shim.answer(id, 200, &[], target.as_bytes()).await;
            }
        };
        let paths: Vec<String> = (0..20).map(|i| format!("/foo/{i}")).collect();
        let asking = futures_util::future::join_all(paths.iter().map(|path| ask(path)));
        let ((), answers) = tokio::join!(answering, asking);
        for (i, answer) in answers.into_iter().enumerate() {
            let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
            assert_eq!(body, format!("/{i}"));
        }
        assert_eq!(ask("/foo/../x").await.status(), 400);
    });
}
