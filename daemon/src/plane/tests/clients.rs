//! What clients may do that is unusual, and not wrong.

use super::leaving::neighbour;
use super::*;

#[test]
fn pipelined_requests_are_answered_in_their_order_up_to_a_bad_one() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        let with_body = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: b\r\nContent-Length: 9\r\n\r\n";
        let refused = get("/a/../b");
        let bad = "GET /5 HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n";
        client.send(format!("{}{with_body}{chunked}{refused}{bad}{}", get("/1"), get("/6"))).await;
        for path in ["/1", "/2", "/3"] {
            let Said::Request { id, target, fields, mut end, .. } = shim.next().await else {
                panic!("{path}")
            };
            assert_eq!(target, path);
            assert!(
                fields.contains(&("host".to_owned(), "a".to_owned())),
                "a trailer changes nothing: {fields:?}"
            );
            let mut body = Vec::new();
            while !end {
                let Said::Data { data, end: last, .. } = shim.next().await else { panic!("{path}") };
                body.extend(data);
                end = last;
            }
            assert_eq!(body, if path == "/1" { &b""[..] } else { b"abc" });
            shim.answer(id, 200, &[], path.as_bytes()).await;
        }
        for path in ["/1", "/2", "/3"] {
            assert_eq!(client.answer().await.text(), path);
        }
        client.answer().await.problem(400, "bad-request", None);
        let last = client.answer().await;
        last.problem(400, "bad-request", None);
        assert_eq!(last.headers["connection"], "close");
        assert!(client.closed().await);
        neighbour(&bench, &mut shim, "/6").await;
        assert_eq!(plugin.stats.totals().requests, 4);
    });
}

#[test]
fn ambiguous_paths_are_refused_and_the_connection_can_be_used_again() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        for path in [
            "/.",
            "/..",
            "/a/..",
            "/a/./b",
            "/a/../b",
            "/%2e%2e/b",
            "/a/.%2E",
            "/a\\b",
            "/a%5cb",
            "/a%2fb",
            "/a%2F",
            "/a%00b",
            "/%",
            "/%4",
            "/%zz",
            "/a%%20",
            "/%c0%ae%c0%ae/b",
            "/%e0%80%af",
            "/\u{fc}",
            "*",
            "http://a/../b",
            "http://a/%2e",
        ] {
            client.send(get(path)).await;
            let answer = client.answer().await;
            let problem = answer.problem(400, "bad-request", None);
            assert!(!answer.headers.contains_key("connection"), "{path}");
            assert!(problem["detail"].as_str().unwrap().starts_with("the path "), "{path}: {problem}");
        }
        assert_eq!(plugin.stats.totals().requests, 0);
        client.send(get("/neighbour")).await;
        let id = shim.request().await;
        shim.answer(id, 200, &[], b"").await;
        assert_eq!(client.answer().await.status, 200);
    });
}

#[test]
fn a_body_is_asked_for_only_when_it_is_wanted() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits { max_body: 8, ..Limits::default() }).await;
        let mut client = bench.connect().await;
        let head = |length| {
            format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: {length}\r\n\r\n")
        };
        client.send(head(4)).await;
        assert_eq!(client.until(b"\r\n\r\n").await.unwrap(), b"HTTP/1.1 100 Continue\r\n\r\n");
        let Said::Request { id, fields, .. } = shim.next().await else { panic!() };
        assert!(!fields.iter().any(|(name, _)| name == "expect"), "the daemon has met it: {fields:?}");
        client.send("body").await;
        assert!(matches!(shim.next().await, Said::Data { end: true, .. }));
        shim.answer(id, 200, &[], b"").await;
        assert_eq!(client.answer().await.status, 200);
        client.send(head(9)).await;
        client.answer().await.problem(413, "body-too-large", Some(""));
        assert!(client.closed().await, "neither 100 nor a second answer");
        // HTTP/1.0 knows no 100.
        let mut client = bench.connect().await;
        client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody").await;
        let id = shim.request().await;
        assert!(matches!(shim.next().await, Said::Data { end: true, .. }));
        shim.answer(id, 200, &[], b"").await;
        assert_eq!(client.answer().await.status, 200);
        assert!(client.closed().await);
    });
}

#[test]
fn fields_of_the_connection_end_here_and_take_nothing_of_the_daemons_along() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        client
            .send(
                "GET http://b/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, X-One, X-Forwarded-For, \
                 X-Forwarded-Host, X-Request-Id, Host\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\
                 X-One: 1\r\nX-Two: 2\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\n\
                 Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Port: 6\r\nX-Real-IP: 6.6.6.6\r\n\
                 X-Valor-Plugin: forged\r\nX-Request-Id: mine\r\n\r\n",
            )
            .await;
        let Said::Request { id, fields, .. } = shim.next().await else { panic!() };
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.sort_unstable();
        // The target's authority wins over Host (RFC 9112 section 3.2.2).
        let expect = [
            ("host", "b"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "b"),
            ("x-forwarded-prefix", ""),
            ("x-forwarded-proto", "http"),
            ("x-request-id", "mine"),
            ("x-two", "2"),
        ];
        assert_eq!(fields, expect);
        shim.answer(id, 200, &[], b"still HTTP/1.1").await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.text()), (200, "still HTTP/1.1"), "h2c is not upgraded to");
        assert!(!answer.headers.contains_key("upgrade"));
    });
}

#[test]
fn http_1_0_is_served_and_closed_unless_it_asks() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        for (fields, kept) in [("Connection: keep-alive\r\n", true), ("", false)] {
            client.send(format!("GET / HTTP/1.0\r\n{fields}\r\n")).await;
            let id = shim.request().await;
            shim.answer(id, 200, &[], b"fine").await;
            assert_eq!(client.answer().await.text(), "fine");
            if !kept {
                assert!(client.closed().await);
            }
        }
    });
}

#[test]
fn one_client_has_not_all_connections() {
    run(async || {
        let mut bench =
            Bench::new(PlaneOptions { max_connections: 8, max_connections_per_client: 2, ..options() });
        let (_, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut first = bench.connect().await;
        let _second = bench.connect().await;
        assert!(bench.connect().await.closed().await, "the third one is closed at once");
        first.send(get("/")).await;
        let id = shim.request().await;
        shim.answer(id, 200, &[], b"fine").await;
        assert_eq!(first.answer().await.text(), "fine");
        first.send("GET / HTTP/1.1\r\nConnection: close\r\nHost: a\r\n\r\n").await;
        let id = shim.request().await;
        shim.answer(id, 200, &[], b"last").await;
        assert_eq!(first.answer().await.text(), "last");
        assert!(first.closed().await);
        // Its place is free as soon as the daemon's side is gone, which comes right after the end.
        let mut client = bench.connect().await;
        client.try_send(get("/").as_bytes()).await;
        while client.buffer.is_empty() {
            tokio::select! {
                more = client.more() => if !more {
                    client = bench.connect().await;
                    client.try_send(get("/").as_bytes()).await;
                },
                id = shim.request() => shim.answer(id, 200, &[], b"again").await,
            }
        }
        assert_eq!(client.answer().await.text(), "again");
    });
}
