//! What clients may do to HTTP/2. Where RFC 9113 calls for the end of a stream, h2 ends some connections (`goaway`), which
//! it may (section 5.4.1).

use super::frames::*;
use super::*;

/// The neighbour's request on a connection of its own, and that nothing but it reaches the plugin.
async fn neighbour(client: &mut Client, shim: &mut FakeShim, shown: &str) {
    client.send(get("/neighbour")).await;
    loop {
        match shim.next().await {
            Said::Request { id, target, .. } if target == "/neighbour" => {
                shim.answer(id, 200, &[], b"fine").await;
                break;
            }
            Said::Reset { .. } => {}
            other => panic!("{shown} reached the plugin: {other:?}"),
        }
    }
    assert_eq!(client.answer().await.text(), "fine", "{shown}");
}

fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(fields))
}

fn with(more: &[(&str, &str)]) -> Vec<u8> {
    headers(&request("GET", "/", more))
}

#[test]
fn requests_that_are_none_are_refused() {
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("x", "y"), 101).collect();
    let long = "x".repeat(15_000);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("an uppercase name", with(&[("X-Y", "z")]), "goaway 1"),
        ("an empty name", with(&[("", "z")]), "goaway 1"),
        ("a name with a space", with(&[("x y", "z")]), "goaway 1"),
        ("a name with a colon", with(&[("x:y", "z")]), "goaway 1"),
        ("a value with NUL", with(&[("x", "a\0b")]), "goaway 1"),
        ("a value with CR LF", with(&[("x", "a\r\nb: c")]), "goaway 1"),
        ("connection", with(&[("connection", "close")]), "reset 1"),
        ("keep-alive", with(&[("keep-alive", "1")]), "reset 1"),
        ("proxy-connection", with(&[("proxy-connection", "1")]), "reset 1"),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")]), "reset 1"),
        ("upgrade", with(&[("upgrade", "h2c")]), "reset 1"),
        ("te that is not trailers", with(&[("te", "chunked")]), "reset 1"),
        ("a pseudo-header behind a field", with(&[("x", "y"), (":path", "/z")]), "reset 1"),
        ("two paths", with(&[(":path", "/z")]), "reset 1"),
        ("two methods", with(&[(":method", "GET")]), "reset 1"),
        ("an unknown pseudo-header", headers(&[(":x", "y")]), "goaway 1"),
        ("a response's pseudo-header", with(&[(":status", "200")]), "reset 1"),
        ("no method", headers(&[(":scheme", "http"), (":path", "/"), (":authority", "a")]), "reset 1"),
        ("no scheme", headers(&[(":method", "GET"), (":path", "/"), (":authority", "a")]), "reset 1"),
        ("no path", headers(&[(":method", "GET"), (":scheme", "http"), (":authority", "a")]), "reset 1"),
        ("an empty path", headers(&request("GET", "", &[])), "reset 1"),
        ("a path with a space", headers(&request("GET", "/a b", &[])), "reset 1"),
        ("a path with CR LF", headers(&request("GET", "/ HTTP/1.1\r\nX: y", &[])), "reset 1"),
        ("a path without a slash", headers(&request("GET", "a", &[])), "reset 1"),
        ("a method with a space", headers(&request("G T", "/", &[])), "goaway 1"),
        ("a length without a body", with(&[("content-length", "5")]), "reset 1"),
        ("two lengths", with(&[("content-length", "5"), ("content-length", "6")]), "reset 1"),
        ("a length that is none", with(&[("content-length", "+0")]), "reset 1"),
        ("a host that differs", with(&[("host", "b")]), "400"),
        ("two hosts", with(&[("host", "a"), ("host", "a")]), "400"),
        (
            "an authority with a user",
            { headers(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "u@a")]) },
            "400",
        ),
        ("no authority", headers(&[(":method", "GET"), (":scheme", "http"), (":path", "/")]), "400"),
        ("dot segments", headers(&request("GET", "/a/%2e%2e/b", &[])), "400"),
        ("an encoded slash", headers(&request("GET", "/a%2fb", &[])), "400"),
        ("a backslash", headers(&request("GET", "/a\\b", &[])), "400"),
        ("CONNECT", headers(&[(":method", "CONNECT"), (":authority", "a:80")]), "501"),
        ("TRACE", headers(&request("TRACE", "/", &[])), "501"),
        ("an expectation", with(&[("expect", "x")]), "417"),
        ("too many fields", with(&many), "431"),
        (
            "a body that is shorter than its length",
            [
                frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/", &[("content-length", "5")]))),
                frame(DATA, END_STREAM, 1, b"abc"),
            ]
            .concat(),
            "reset 1",
        ),
        (
            "a body that is longer than its length",
            [
                frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/", &[("content-length", "2")]))),
                frame(DATA, END_STREAM, 1, b"abc"),
            ]
            .concat(),
            "reset 1",
        ),
        (
            "a window update of nothing",
            [
                frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/_health", &[]))),
                frame(WINDOW_UPDATE, 0, 1, &[0; 4]),
            ]
            .concat(),
            "goaway 1",
        ),
        (
            "a list of fields that is too long",
            [
                frame(HEADERS, END_STREAM, 1, &block(&request("GET", "/", &[("a", &long)]))),
                frame(CONTINUATION, 0, 1, &block(&[("b", &long)])),
                frame(CONTINUATION, 0, 1, &block(&[("c", &long)])),
                frame(CONTINUATION, 0, 1, &block(&[("d", &long)])),
                frame(CONTINUATION, END_HEADERS, 1, &block(&[("e", &long)])),
            ]
            .concat(),
            "431",
        ),
        (
            "a list that is long once it is unpacked",
            {
                // One field of 4000 bytes goes to the table, and is named 200 times.
                let mut bomb = block(&request("GET", "/", &[]));
                bomb.push(0x40);
                bomb.extend_from_slice(&block(&[("x", &long[..3900])])[1..]);
                bomb.extend([0xbe; 200]);
                frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)
            },
            "goaway 11",
        ),
    ];
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut other = bench.connect().await;
        let mut wrong = Vec::new();
        for (shown, bytes, expect) in cases {
            let mut client = bench.connect().await;
            client.begin_h2().await;
            client.send(&bytes).await;
            let outcome = client.outcome(1).await;
            if outcome != expect {
                wrong.push(format!("{shown}: {outcome}, not {expect}"));
            }
            if !outcome.starts_with("goaway") {
                client.send(get_on(3, "/_health")).await;
                assert_eq!(client.outcome(3).await, "200", "{shown}: the connection goes on");
            }
            neighbour(&mut other, &mut shim, shown).await;
            assert_eq!(plugin.gate.in_flight(), 0, "{shown}");
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn connections_that_break_the_rules_end() {
    let headers = |stream| get_on(stream, "/_health");
    let open = || frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/_health", &[])));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("an even stream", headers(2), "goaway 1"),
        ("headers on stream 0", headers(0), "goaway 1"),
        ("data on stream 0", frame(DATA, 0, 0, b"x"), "goaway 1"),
        ("data on an idle stream", frame(DATA, 0, 1, b"x"), "goaway 1"),
        ("a reset of an idle stream", frame(RST_STREAM, 0, 1, &[0; 4]), "goaway 1"),
        ("a window update of an idle stream", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), "goaway 1"),
        ("a window update of nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), "goaway 1"),
        ("a window that overflows", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), "goaway 3"),
        ("a window setting that overflows", frame(SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0]), "goaway 1"),
        ("a frame size that is none", frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]), "goaway 1"),
        ("settings of half a size", frame(SETTINGS, 0, 0, &[0, 4, 0]), "goaway 1"),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[]), "goaway 1"),
        ("an acknowledgement with a payload", frame(SETTINGS, ACK, 0, &[0; 6]), "goaway 1"),
        ("a ping of a stream", frame(PING, 0, 1, &[0; 8]), "goaway 1"),
        ("a ping of seven bytes", frame(PING, 0, 0, &[0; 7]), "goaway 1"),
        ("a frame that is too long", frame(DATA, 0, 1, &[0; 16 * 1024 + 1]), "goaway 6"),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &[]), "goaway 1"),
        (
            "headers that are interrupted",
            [frame(HEADERS, 0, 1, &block(&request("GET", "/", &[]))), frame(PING, 0, 0, &[0; 8])].concat(),
            "goaway 1",
        ),
        (
            "headers that another stream continues",
            [
                frame(HEADERS, 0, 1, &block(&request("GET", "/", &[]))),
                frame(CONTINUATION, END_HEADERS, 3, &[]),
            ]
            .concat(),
            "goaway 1",
        ),
        ("streams that go backwards", [headers(5), headers(3)].concat(), "goaway 1"),
        (
            "a table index that is none",
            frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff, 0xff, 0x7f]),
            "goaway 1",
        ),
        (
            "a table that grows too much",
            { frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0x3f, 0xff, 0xff, 0x7f]) },
            "goaway 1",
        ),
        (
            "padding that is longer than its frame",
            { [open(), frame(DATA, 8, 1, &[200, 0])].concat() },
            "goaway 1",
        ),
        ("a push", frame(5, END_HEADERS, 1, &[0, 0, 0, 2]), "goaway 1"),
        ("HTTP/1.1 behind the preface", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "goaway 6"),
    ];
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut other = bench.connect().await;
        let mut wrong = Vec::new();
        for (shown, bytes, expect) in cases {
            let mut client = bench.connect().await;
            client.begin_h2().await;
            client.try_send(&bytes).await;
            let outcome = client.outcome(u32::MAX).await;
            if outcome != expect {
                wrong.push(format!("{shown}: {outcome}, not {expect}"));
            }
            assert_eq!(client.outcome(u32::MAX).await, "closed", "{shown}");
            neighbour(&mut other, &mut shim, shown).await;
            assert_eq!(plugin.gate.in_flight(), 0, "{shown}");
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn more_streams_than_may_be_are_refused_and_the_others_answered() {
    run(async || {
        let http = HttpOptions { max_streams: 2, ..HttpOptions::default() };
        let mut bench = Bench::new(PlaneOptions { http, ..options() });
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut client = bench.connect().await;
        client.begin_h2().await;
        for stream in [1, 3, 5] {
            client.send(get_on(stream, "/x")).await;
        }
        let (first, second) = (shim.request().await, shim.request().await);
        assert_eq!(client.outcome(5).await, "reset 7");
        assert_eq!(plugin.gate.in_flight(), 2);
        for (stream, id) in [(1, first), (3, second)] {
            shim.answer(id, 200, &[], b"").await;
            assert_eq!(client.outcome(stream).await, "200");
        }
        client.send(get_on(7, "/_health")).await;
        assert_eq!(client.outcome(7).await, "200");
    });
}
