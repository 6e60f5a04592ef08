use http::Request;

use super::*;

fn fields(request: http::request::Builder, trusted: bool, prefix: &str) -> Vec<(String, String)> {
    let (head, ()) = request.body(()).unwrap().into_parts();
    let id = HeaderValue::from_static("id-1");
    let forwarded = Forwarded::new(&head, &Client { ip: "10.1.2.3", trusted }, prefix, &id);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    forwarded.fields(&head.headers).map(|(name, value)| (text(name), text(value))).collect()
}

fn expect(found: &[(String, String)], expect: &[(&str, &str)]) {
    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, expect);
}

#[test]
fn a_stranger_cannot_say_who_it_is() {
    let request = Request::builder()
        .uri("/foo/x")
        .header("host", "public:80")
        .header("accept", "*/*")
        .header("x-forwarded-for", "1.1.1.1")
        .header("x-forwarded-host", "evil")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-prefix", "/evil")
        .header("x-forwarded-port", "1")
        .header("x-real-ip", "1.1.1.1")
        .header("forwarded", "for=1.1.1.1")
        .header("x-request-id", "theirs")
        .header("x-valor-plugin", "me")
        .header("expect", "100-continue");
    expect(
        &fields(request, false, "/foo"),
        &[
            ("accept", "*/*"),
            ("host", "public:80"),
            ("x-forwarded-for", "10.1.2.3"),
            ("x-forwarded-host", "public:80"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-prefix", "/foo"),
            ("x-request-id", "id-1"),
        ],
    );
}

#[test]
fn a_trusted_proxy_is_believed_and_added_to() {
    let request = Request::builder()
        .uri("/x")
        .header("host", "inner")
        .header("x-forwarded-for", "1.1.1.1")
        .header("x-forwarded-for", "2.2.2.2, 3.3.3.3")
        .header("x-forwarded-host", "public")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-prefix", "/evil")
        .header("forwarded", "for=1.1.1.1");
    expect(
        &fields(request, true, "/"),
        &[
            ("forwarded", "for=1.1.1.1"),
            ("host", "inner"),
            ("x-forwarded-for", "1.1.1.1, 2.2.2.2, 3.3.3.3, 10.1.2.3"),
            ("x-forwarded-host", "public"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", ""),
            ("x-request-id", "id-1"),
        ],
    );
}

#[test]
fn what_concerns_one_connection_stays_there() {
    let request = Request::builder()
        .uri("http://target/x")
        .header("host", "ignored")
        .header("connection", "keep-alive, X-Hop , te,x-forwarded-for")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("te", "trailers")
        .header("trailer", "x")
        .header("transfer-encoding", "chunked")
        .header("upgrade", "h2c")
        .header("proxy-connection", "x")
        .header("x-stays", "1");
    let found = fields(request, false, "/");
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "x-stays",
            "host",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-prefix",
            "x-request-id"
        ]
    );
    assert_eq!(found[1].1, "target");
}

#[test]
fn request_ids_are_kept_when_sane() {
    for (id, sane) in [
        ("abc-1_2.3", true),
        ("", false),
        ("a b", false),
        ("\u{e9}", false),
        (&"x".repeat(128), true),
        (&"x".repeat(129), false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
        assert_eq!(sane_request_id(&headers).is_some(), sane, "{id}");
    }
}

#[test]
fn cookies_are_held_to_the_prefix() {
    for (prefix, cookie, confined) in [
        ("/foo", "a=b", "a=b; Path=/foo"),
        ("/foo", "a=b; Path=/", "a=b; Path=/foo"),
        ("/foo", "a=b; path=/x; Secure", "a=b; Secure; Path=/foo/x"),
        ("/foo", "a=b; Path=/foo; HttpOnly", "a=b; HttpOnly; Path=/foo"),
        ("/foo", "a=b; Path=/foo/bar", "a=b; Path=/foo/bar"),
        ("/foo", "a=b; Path=/foobar", "a=b; Path=/foo/foobar"),
        ("/foo", "a=b; Path=/foo; Path=/", "a=b; Path=/foo"),
        ("/foo", "a=b; Path", "a=b; Path=/foo"),
        ("/foo", "a=b; Path=x", "a=b; Path=/foo"),
        ("/foo", "a=b;domain=example.org; DOMAIN=x ;Max-Age=1;;", "a=b; Max-Age=1; Path=/foo"),
        ("/", "a=b; Path=/x; Domain=y", "a=b; Path=/x"),
        ("/", "a=b", "a=b; Path=/"),
        ("/foo", "", "; Path=/foo"),
    ] {
        assert_eq!(confine_cookie(&HeaderValue::from_static(cookie), prefix), confined, "{cookie}");
    }
}

#[test]
fn what_concerns_the_whole_origin_is_dropped() {
    let mut headers = HeaderMap::new();
    for name in
        ["service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc", "x-stays"]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
    }
    headers.append("set-cookie", HeaderValue::from_static("a=b"));
    headers.append("set-cookie", HeaderValue::from_static("c=d; Domain=x"));
    confine(&mut headers, "/p");
    assert_eq!(headers.len(), 3);
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=b; Path=/p", "c=d; Path=/p"]);
}

/// Each is found by itself, without another that would have it looked for.
#[test]
fn nothing_that_is_the_origins_passes_alone() {
    let value = HeaderValue::from_static("x=1; Path=/");
    for name in ["service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc"] {
        let mut headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        confine(&mut headers, "/p");
        assert!(headers.is_empty(), "{name}");
    }
    let mut headers = HeaderMap::from_iter([(header::SET_COOKIE, value.clone())]);
    confine(&mut headers, "/p");
    assert_eq!(headers[header::SET_COOKIE], "x=1; Path=/p");
    for name in ["content-type", "accept", "server", "x-own"] {
        let mut headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        confine(&mut headers, "/p");
        assert_eq!(headers[name], value);
    }
}
