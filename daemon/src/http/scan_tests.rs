use super::*;

/// What hyper gets of `bytes`, read in pieces of `step`, and what was refused.
fn read(bytes: &[u8], step: usize) -> (Vec<u8>, Option<Refused>) {
    let mut scanner = Scanner::new(&HttpOptions::default());
    scanner.framing.answered = u64::MAX;
    let mut all = Vec::new();
    for piece in bytes.chunks(step) {
        let mut out = Vec::new();
        if scanner.scan(piece, &mut out) {
            assert!(out.is_empty(), "as it is, and {out:?}");
            out.extend(piece);
        }
        all.extend(out);
        if scanner.refused().is_some() {
            break;
        }
    }
    (all, scanner.refused())
}

#[track_caller]
fn check(bytes: &[u8], expect: &[u8], refused: Option<Refused>) {
    for step in [1, 2, 3, 5, 7, 24, 64, 1_000_000] {
        let (seen, bad) = read(bytes, step);
        assert_eq!(bad, refused, "in pieces of {step}: {:?}", bytes.escape_ascii().to_string());
        assert_eq!(seen.escape_ascii().to_string(), expect.escape_ascii().to_string(), "in pieces of {step}");
    }
}

#[track_caller]
fn passes(bytes: impl AsRef<[u8]>) {
    check(bytes.as_ref(), bytes.as_ref(), None);
}

/// `good` passes, and `bad` behind it is refused as request number `request`; hyper sees `tail` instead.
#[track_caller]
fn refused(good: &str, bad: &[u8], tail: &str, request: u64, in_body: bool, why: Bad) {
    let bytes = [good.as_bytes(), bad].concat();
    let expect = format!("{good}{tail}");
    check(&bytes, expect.as_bytes(), Some(Refused { request, in_body, bad: why }));
    // What stands behind is of no interest to anybody.
    let more = [&bytes, GET.as_bytes()].concat();
    check(&more, expect.as_bytes(), Some(Refused { request, in_body, bad: why }));
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const MADE: &str = "GET / HTTP/1.1\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn what_is_valid_passes_as_it_is() {
    passes(GET);
    passes(GET.repeat(3));
    passes(format!("\r\n\r\n{GET}"));
    passes(format!("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\n\n{GET}"));
    passes(format!(
        "{CHUNKED}5;x=y\r\na\nb\n\n\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n{GET}{CHUNKED}0\r\n\r\n{GET}"
    ));
    passes(format!("GET / HTTP/1.0\r\nCookie: {}\r\nX:\t\"\u{e9}\"\t\r\n\r\n{GET}", "x".repeat(5000)));
    for target in ["*", "http://a", "http://a/b?c", "/?a=\u{fc}|{}`^\\", "/\"{}|^\\~", "//"] {
        passes(format!("OPTIONS {target} HTTP/1.1\r\n\r\n"));
    }
    passes("CONNECT a:80 HTTP/1.1\r\n\r\n");
    passes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\n\n\nGET / HTTP/1.1\nx");
}

#[test]
fn a_request_line_is_refused_for_what_is_wrong_with_it() {
    for (line, why) in [
        (&b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..], Bad::Tls),
        (b"\x16\x03\x01\n", Bad::Tls),
        (b"\0\0\0\0", Bad::Control),
        (b"GET / HTTP/1.1\n", Bad::BareLf),
        (b"\n", Bad::BareLf),
        (b"GET /\x0b HTTP/1.1\r\n", Bad::Control),
        (b"GET /\r HTTP/1.1\r\n", Bad::Control),
        (b"GET /\r\n", Bad::RequestLine),
        (b"GET  / HTTP/1.1\r\n", Bad::RequestLine),
        (b"GET / HTTP/1.1 \r\n", Bad::RequestLine),
        (b" GET / HTTP/1.1\r\n", Bad::RequestLine),
        (b"G(T / HTTP/1.1\r\n", Bad::RequestLine),
        (b"GET / http/1.1\r\n", Bad::RequestLine),
        (b"GET / HTTP/1.12\r\n", Bad::RequestLine),
        (b"GET / HTTP/1.2\r\n", Bad::Version),
        (b"GET / HTTP/2.0\r\n", Bad::Version),
        (b"GET / HTTP/0.9\r\n", Bad::Version),
        (b"PRI * HTTP/2.0\r\n\r\nXX", Bad::Version),
        (b"GET /a#b HTTP/1.1\r\n", Bad::Fragment),
        (b"GET /<a> HTTP/1.1\r\n", Bad::TargetCharacter),
        (b"GET /?\"a\" HTTP/1.1\r\n", Bad::TargetCharacter),
        (b"GET /\xff HTTP/1.1\r\n", Bad::TargetCharacter),
        (b"GET a HTTP/1.1\r\n", Bad::Target),
        (b"GET a:80 HTTP/1.1\r\n", Bad::Target),
        (b"GET http:// HTTP/1.1\r\n", Bad::Target),
        (b"GET http://[::1 HTTP/1.1\r\n", Bad::Target),
        (b"GET ftp://a/ HTTP/1.1\r\n", Bad::Target),
        (b"GET ?a HTTP/1.1\r\n", Bad::Target),
        (b"CONNECT / HTTP/1.1\n", Bad::BareLf),
    ] {
        refused("", line, MADE, 1, false, why);
        if !line.starts_with(b"PRI") {
            refused(GET, line, MADE, 2, false, why);
        }
    }
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(64 * 1024));
    refused("", long.as_bytes(), MADE, 1, false, Bad::TargetTooLong);
    refused("", "x".repeat(64 * 1024 + 1).as_bytes(), MADE, 1, false, Bad::TargetTooLong);
}

#[test]
fn a_field_is_refused_for_what_is_wrong_with_it() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (fields, line, why) in [
        ("", &b"X: y\n"[..], Bad::BareLf),
        ("", b"\n", Bad::BareLf),
        ("", b" X: y\r\n", Bad::Folded),
        ("X: y\r\n", b"\tz\r\n", Bad::Folded),
        ("", b"X : y\r\n", Bad::Field),
        ("", b"X\r\n", Bad::Field),
        ("", b": y\r\n", Bad::Field),
        ("", b"X\xe9: y\r\n", Bad::Field),
        ("", b"X: a\0b\r\n", Bad::Control),
        ("", b"X: a\rY: b\r\n", Bad::Control),
        ("", b"X: a\rY", Bad::Control),
        ("", b"\rX", Bad::Control),
        ("", b"\r\r", Bad::Control),
        ("", b"X: \x7f\r\n", Bad::Control),
        ("", b"Content-Length: +2\r\n", Bad::Length),
        ("", b"Content-Length: -2\r\n", Bad::Length),
        ("", b"Content-Length: 0x2\r\n", Bad::Length),
        ("", b"Content-Length: 2 2\r\n", Bad::Length),
        ("", b"Content-Length: 2, 2\r\n", Bad::Length),
        ("", b"Content-Length: 2;\r\n", Bad::Length),
        ("", b"Content-Length:\r\n", Bad::Length),
        ("", b"Content-Length: 00000000000000000002\r\n", Bad::Length),
        ("", b"Content-Length: 9223372036854775808\r\n", Bad::Length),
        ("", b"Content-Length: 18446744073709551618\r\n", Bad::Length),
        ("Content-Length: 2\r\n", b"Content-Length: 2\r\n", Bad::RepeatedLength),
        ("Content-Length: 2\r\n", b"content-length: 3\r\n", Bad::RepeatedLength),
        ("Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n", Bad::LengthAndCoding),
        ("Transfer-Encoding: chunked\r\n", b"Content-Length: 2\r\n", Bad::LengthAndCoding),
        ("Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n", Bad::RepeatedCoding),
        ("Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", Bad::RepeatedCoding),
        ("", b"Transfer-Encoding: xchunked\r\n", Bad::Coding),
        ("", b"Transfer-Encoding: chunked, identity\r\n", Bad::Coding),
        ("", b"Transfer-Encoding: \"chunked\"\r\n", Bad::Coding),
        ("", b"Transfer-Encoding: chunked;q=1\r\n", Bad::Coding),
        ("", b"Transfer-Encoding: chunked,\r\n", Bad::Coding),
        ("", b"Transfer-Encoding:\r\n", Bad::Coding),
        ("", b"Transfer-Encoding: gzip, chunked\r\n", Bad::UnknownCoding),
        ("", b"Transfer-Encoding: chunked, chunked\r\n", Bad::UnknownCoding),
        ("", b"Transfer-Encoding:\x0bchunked\r\n", Bad::Control),
        ("", b"Transfer-Encoding\x0b: chunked\r\n", Bad::Control),
        ("", b"Transfer-Encoding : chunked\r\n", Bad::Field),
    ] {
        refused(&format!("{post}{fields}"), line, "\r\n", 1, false, why);
        refused(&format!("{GET}{CHUNKED}3\r\nabc\r\n0\r\n\r\n{post}{fields}"), line, "\r\n", 3, false, why);
    }
    refused("POST / HTTP/1.0\r\n", b"Transfer-Encoding: chunked\r\n", "\r\n", 1, false, Bad::CodingInHttp10);
    // These say the same as the plain form to every reader.
    passes(format!("{post}Transfer-Encoding:\tChunked\t\r\n\r\n0\r\n\r\n{GET}"));
    passes(format!("{post}Content-Length: 0002\r\n\r\nab{GET}"));
}

#[test]
fn heads_have_bounds() {
    let fields = "X: y\r\n".repeat(100);
    passes(format!("GET / HTTP/1.1\r\n{fields}\r\n{GET}"));
    refused(&format!("GET / HTTP/1.1\r\n{fields}"), b"X: z\r\n", "\r\n", 1, false, Bad::TooManyFields);
    let field = format!("X: {}\r\n", "x".repeat(1000));
    let head = format!("GET / HTTP/1.1\r\n{}", field.repeat(65));
    refused(&head, field.as_bytes(), "\r\n", 1, false, Bad::HeadTooLong);
    refused("GET / HTTP/1.1\r\n", "x".repeat(70_000).as_bytes(), "\r\n", 1, false, Bad::HeadTooLong);
}

#[test]
fn a_chunked_body_ends_where_it_is_wrong() {
    for (good, line, why) in [
        ("", &b"\r\n"[..], Bad::ChunkSize),
        ("", b"+1\r\n", Bad::ChunkSize),
        ("", b"-1\r\n", Bad::ChunkSize),
        ("", b" 1\r\n", Bad::ChunkSize),
        ("", b"1 \r\n", Bad::ChunkSize),
        ("", b"0x1\r\n", Bad::ChunkSize),
        ("", b"g\r\n", Bad::ChunkSize),
        ("", b"1\n", Bad::BareLf),
        ("", b"1;a\rb\r\n", Bad::ChunkSize),
        ("", b"1000000000000000\r\n", Bad::ChunkSize),
        ("", b"ffffffffffffffffff\r\n", Bad::ChunkSize),
        ("", b"0000000000000000001\r\n", Bad::ChunkSize),
        ("1\r\na", b"b\r\n", Bad::ChunkEnd),
        ("1\r\na", b"0\r\n", Bad::ChunkEnd),
        ("1\r\na", b"\n", Bad::BareLf),
        ("1\r\na", b"\r\r\n", Bad::ChunkEnd),
        ("0\r\n", b"X : y\r\n", Bad::Field),
        ("0\r\nX: y\r\n", b" z\r\n", Bad::Folded),
        ("0\r\nX: y\r\n", b"z\n", Bad::BareLf),
    ] {
        refused(&format!("{GET}{CHUNKED}{good}"), line, "", 2, true, why);
    }
    let extension = format!("1;{}\r\n", "x".repeat(300));
    refused(CHUNKED, extension.as_bytes(), "", 1, true, Bad::ChunkSize);
    let trailer = format!("{CHUNKED}0\r\n{}", "X: y\r\n".repeat(100));
    refused(&trailer, b"X: y\r\n", "", 1, true, Bad::Trailer);
}

#[test]
fn a_head_in_work_is_seen_and_can_be_given_up() {
    let mut scanner = Scanner::new(&HttpOptions::default());
    scanner.framing.answered = u64::MAX;
    let mut out = Vec::new();
    let mut scan = |bytes: &str| {
        scanner.scan(bytes.as_bytes(), &mut out);
        scanner.in_head()
    };
    assert!(!scan("\r\n"));
    assert!(scan("GET"));
    assert!(scan(" / HTTP/1.1\r\nContent-Length: 3\r\n"));
    assert!(!scan("\r\nab"));
    assert!(!scan("c"));
    assert!(scan("GET"));
    out.clear();
    scanner.give_up(Bad::HeadTimeout, &mut out);
    assert_eq!(out, MADE.as_bytes());
    assert!(!scanner.in_head());
    assert_eq!(scanner.refused(), Some(Refused { request: 2, in_body: false, bad: Bad::HeadTimeout }));
}

#[test]
fn a_request_waits_for_the_answer_before_it() {
    let mut scanner = Scanner::new(&HttpOptions::default());
    let mut out = Vec::new();
    let second = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
    for piece in [GET, &second[..20], &second[20..], GET, "GET / HTTP/1.1\nbad"] {
        if scanner.scan(piece.as_bytes(), &mut out) {
            out.extend(piece.as_bytes());
        }
    }
    assert_eq!(out, GET.as_bytes());
    assert!(!scanner.answered(0, &mut out), "the first one is not answered");
    for (answered, next) in [(1, second), (2, GET), (3, MADE)] {
        out.clear();
        assert!(scanner.answered(answered, &mut out));
        assert_eq!(out.escape_ascii().to_string(), next.as_bytes().escape_ascii().to_string());
    }
    assert_eq!(scanner.refused(), Some(Refused { request: 4, in_body: false, bad: Bad::BareLf }));
    assert_eq!(scanner.waiting(), 0);
}
