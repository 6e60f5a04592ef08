//! What clients may send to be understood by nobody, or by two readers in two ways.

use super::*;

/// A bad request, and the answer that is all its connection gets.
struct Case {
    bytes: Vec<u8>,
    status: u16,
    slug: &'static str,
}

fn case(bytes: impl AsRef<[u8]>, status: u16, slug: &'static str) -> Case {
    Case { bytes: bytes.as_ref().to_vec(), status, slug }
}

fn bad(bytes: impl AsRef<[u8]>) -> Case {
    case(bytes, 400, "bad-request")
}

/// `fields` of a POST; its end is the caller's.
fn post(fields: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// Asserts of each case: the problem, the end of the connection, that nothing of it or of what stands behind it reaches
/// the plugin, that the requests before it are answered, and that a neighbour on another connection is.
fn check(cases: Vec<Case>) {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut neighbour = bench.connect().await;
        for Case { bytes, status, slug } in cases {
            let shown = bytes[..bytes.len().min(120)].escape_ascii().to_string();
            for pieces in [false, true] {
                let mut client = bench.connect().await;
                client.send(get("/before")).await;
                // In one piece it is there before the answer to the request before it; in several, afterwards.
                if !pieces {
                    client.try_send(&[&bytes, get("/smuggled").as_bytes()].concat()).await;
                }
                let Said::Request { id, target, .. } = shim.next().await else { panic!("{shown}") };
                assert_eq!(target, "/before", "{shown}");
                shim.answer(id, 200, &[], b"before").await;
                assert_eq!(client.answer().await.text(), "before", "{shown}");
                if pieces {
                    let (first, second) = bytes.split_at(bytes.len() / 2);
                    for piece in [first, second, get("/smuggled").as_bytes()] {
                        client.try_send(piece).await;
                        tokio::task::yield_now().await;
                    }
                }
                let answer = client.answer().await;
                assert_eq!(answer.status, status, "{shown}: {answer:?}");
                answer.problem(status, slug, None);
                assert_eq!(answer.headers["connection"], "close", "{shown}");
                assert!(client.closed().await, "{shown}: more than one answer");
            }
            neighbour.send(get("/neighbour")).await;
            let Said::Request { id, target, .. } = shim.next().await else { panic!("{shown}") };
            assert_eq!(target, "/neighbour", "{shown} reached the plugin");
            shim.answer(id, 200, &[], b"fine").await;
            assert_eq!(neighbour.answer().await.text(), "fine");
            assert_eq!((plugin.gate.in_flight(), plugin.gate.waiting()), (0, 0), "{shown}");
        }
    });
}

#[test]
fn bodies_that_are_framed_in_two_ways() {
    let chunks = "0\r\n\r\n";
    let mut cases = vec![
        bad("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        case(format!("{}{chunks}", post("Transfer-Encoding: gzip, chunked\r\n")), 501, "not-implemented"),
        case(format!("{}{chunks}", post("Transfer-Encoding: chunked, chunked\r\n")), 501, "not-implemented"),
    ];
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Content-Length: \r\n",
        "Content-Length : 5\r\n",
        "Content-Length\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\0Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\n",
    ] {
        cases.push(bad(format!("{}{chunks}", post(fields))));
    }
    check(cases);
}

#[test]
fn chunks_that_are_none() {
    let head = post("Transfer-Encoding: chunked\r\n");
    let mut cases: Vec<Case> = [
        "\r\n",
        "x\r\n",
        "+1\r\na\r\n",
        "-1\r\na\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "1\na\r\n",
        "fffffffffffffffff\r\n",
        "8000000000000000\r\n",
        "1\r\naa\r\n",
        "1\r\na0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1;\ra\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\n\n",
        "0\r\nX\r\n\r\n",
    ]
    .into_iter()
    .map(|body| bad(format!("{head}{body}")))
    .collect();
    cases.push(bad(format!("{head}1;{}\r\na\r\n", "x".repeat(1000))));
    // hyper counts the extensions of all chunks together.
    cases.push(bad(format!("{head}{}", format!("1;{}\r\na\r\n", "x".repeat(200)).repeat(100))));
    cases.push(bad(format!("{head}0\r\n{}\r\n", "X: y\r\n".repeat(101))));
    cases.push(bad(format!("{head}0\r\nX: {}\r\n\r\n", "x".repeat(100_000))));
    check_bodies(cases);
}

/// Like [`check`], where the plugin may have seen the head, but never a body that looks whole.
fn check_bodies(cases: Vec<Case>) {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/", Limits::default()).await;
        let mut neighbour = bench.connect().await;
        for Case { bytes, status, slug } in cases {
            let shown = bytes[..bytes.len().min(120)].escape_ascii().to_string();
            let mut client = bench.connect().await;
            client.try_send(&[&bytes, get("/smuggled").as_bytes()].concat()).await;
            let answer = client.answer().await;
            assert_eq!(answer.status, status, "{shown}: {answer:?}");
            answer.problem(status, slug, Some(""));
            assert_eq!(answer.headers["connection"], "close", "{shown}");
            assert!(client.closed().await, "{shown}: more than one answer");
            neighbour.send(get("/neighbour")).await;
            loop {
                match shim.next().await {
                    Said::Request { id, target, .. } if target == "/neighbour" => {
                        shim.answer(id, 200, &[], b"fine").await;
                        break;
                    }
                    Said::Request { target, .. } => assert_eq!(target, "/", "{shown}"),
                    Said::Data { end, .. } => assert!(!end, "{shown}"),
                    Said::Reset { .. } => {}
                    other => panic!("{shown}: {other:?}"),
                }
            }
            assert_eq!(neighbour.answer().await.text(), "fine");
            assert_eq!((plugin.gate.in_flight(), plugin.gate.waiting()), (0, 0), "{shown}");
        }
    });
}

#[test]
fn heads_that_are_none() {
    let field = |field: &[u8]| bad([b"GET / HTTP/1.1\r\nHost: a\r\n", field, b"\r\n\r\n"].concat());
    let long = "x".repeat(100_000);
    check(vec![
        bad("GET / HTTP/1.1\nHost: a\n\n"),
        bad("GET / HTTP/1.1\r\nHost: a\r\n\n"),
        bad("GET /\r\n"),
        bad("GET\r\n\r\n"),
        bad("GET / HTTP/1.1 x\r\n\r\n"),
        bad("GET  / HTTP/1.1\r\n\r\n"),
        bad("GET\t/ HTTP/1.1\r\n\r\n"),
        bad("G=T / HTTP/1.1\r\n\r\n"),
        bad("GET / HTTP/1.1x\r\n\r\n"),
        bad("GET / HTTQ/1.1\r\n\r\n"),
        bad("hello\r\n\r\n"),
        bad(b"\0\xff\xfe\r\n\r\n"),
        bad(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a ClientHello has many bytes and perhaps no LF"),
        case("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http-version"),
        case("GET / HTTP/0.9\r\n\r\n", 505, "http-version"),
        case("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "http-version"),
        case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http-version"),
        field(b"X : y"),
        field(b"X"),
        field(b": y"),
        field(b"X\xc3\xa9: y"),
        field(b"X(: y"),
        field(b"X: a\0b"),
        field(b"X: a\x1fb"),
        field(b"X: a\rb"),
        field(b"X: a\r\n folded"),
        bad("GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        case(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(101)), 431, "head-too-large"),
        case(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), 431, "head-too-large"),
        case(format!("GET / HTTP/1.1\r\nHost: a\r\n{long}: y\r\n\r\n"), 431, "head-too-large"),
        case(format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "target-too-long"),
        case(format!("{long} / HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "target-too-long"),
    ]);
}

#[test]
fn authorities_that_are_none() {
    check(
        [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a,b\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: [g::]\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\n\r\n",
            "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n",
            "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
        .map(bad)
        .into(),
    );
}

#[test]
fn what_is_not_served_ends_the_connection() {
    check(vec![
        case("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, "not-implemented"),
        case("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not-implemented"),
        case("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417, "expectation-failed"),
        case(post("Content-Length: 5\r\nExpect: 100-continue, x\r\n"), 417, "expectation-failed"),
    ]);
}
