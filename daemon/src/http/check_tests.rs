use http::Request;

use super::*;

#[test]
fn ordinary_paths_pass() {
    for path in [
        "/",
        "/a",
        "/a/",
        "//",
        "/a//b",
        "/.well-known/x",
        "/a.b/..c/d..",
        "/...",
        "/%41%20%c3%a9",
        "/%e9",
        "/%e0%a4%b9",
        "/%f0%9f%98%80",
        "/a;b=c,d:e@f!$&'()*+~",
        "/%2525",
    ] {
        assert_eq!(check_path(path), Ok(()), "{path}");
    }
}

#[test]
fn paths_with_two_readings_are_refused() {
    for path in [
        "",
        "a",
        "*",
        "/.",
        "/..",
        "/./",
        "/../",
        "/a/.",
        "/a/..",
        "/a/./b",
        "/a/../b",
        "/%2e",
        "/%2E",
        "/.%2e",
        "/%2e.",
        "/%2e%2E/x",
        "/a/%2e%2e",
        "/a\\b",
        "/\\",
        "/a%5cb",
        "/a%5Cb",
        "/a%2fb",
        "/a%2Fb",
        "/%2f",
        "/a%00",
        "/%c0%ae%c0%ae/x",
        "/%C1%9C",
        "/%e0%80%ae",
        "/%f0%80%80%af",
        "/%",
        "/%4",
        "/%4g",
        "/%zz",
        "/a%",
        "/\u{e9}",
        "/a b",
        "/a\u{7f}",
    ] {
        assert!(check_path(path).is_err(), "{path}");
    }
}

#[test]
fn authorities() {
    for good in [
        "a",
        "a.b",
        "localhost:8080",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:80",
        "a:",
        "a_b",
        "%41",
        "a:65535",
    ] {
        assert!(is_authority(good.as_bytes()), "{good}");
    }
    for bad in [
        "",
        ":80",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "u@a",
        "a:x",
        "a:65536",
        "a:1:2",
        "[::1",
        "[]",
        "[::1]x",
        "[1.2.3.4]",
        "a,b:c",
        "a\\b",
        "\u{e9}",
        "%4",
        "<a>",
        "a:-1",
        "a:+1",
    ] {
        assert!(!is_authority(bad.as_bytes()), "{bad}");
    }
}

fn status(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Option<u16> {
    let (head, ()) = build(Request::builder().uri("/x")).body(()).unwrap().into_parts();
    check(&head, 8).err().map(|problem| problem.kind.status().as_u16())
}

#[test]
fn hosts() {
    assert_eq!(status(|r| r.header("host", "a")), None);
    assert_eq!(status(|r| r), Some(400));
    assert_eq!(status(|r| r.version(Version::HTTP_10)), None);
    assert_eq!(status(|r| r.header("host", "a").header("host", "a")), Some(400));
    assert_eq!(status(|r| r.version(Version::HTTP_10).header("host", "a").header("host", "b")), Some(400));
    assert_eq!(status(|r| r.header("host", "")), Some(400));
    assert_eq!(status(|r| r.header("host", "a/b")), Some(400));
    assert_eq!(status(|r| r.header("host", "u@a")), Some(400));
    // An absolute target wins over Host, and Host must be there.
    assert_eq!(status(|r| r.uri("http://b/x").header("host", "a")), None);
    assert_eq!(status(|r| r.uri("http://b/x")), Some(400));
    assert_eq!(status(|r| r.uri("http://u@b/x").header("host", "b")), Some(400));
    assert_eq!(status(|r| r.version(Version::HTTP_2).uri("http://b/x")), None);
    assert_eq!(status(|r| r.version(Version::HTTP_2).uri("http://b/x").header("host", "B")), None);
    assert_eq!(status(|r| r.version(Version::HTTP_2).uri("http://b/x").header("host", "a")), Some(400));
}

#[test]
fn methods_expectations_and_upgrades() {
    assert_eq!(status(|r| r.method("CONNECT").uri("a:80").header("host", "a")), Some(501));
    assert_eq!(status(|r| r.method("TRACE").header("host", "a")), Some(501));
    assert_eq!(status(|r| r.header("host", "a").header("expect", "100-Continue")), None);
    assert_eq!(status(|r| r.header("host", "a").header("expect", "100-continue, x")), Some(417));
    assert_eq!(status(|r| r.header("host", "a").header("expect", "x")), Some(417));
    assert_eq!(status(|r| r.header("host", "a").header("upgrade", "WebSocket")), Some(501));
    assert_eq!(status(|r| r.header("host", "a").header("upgrade", "h2c")), None);
    assert_eq!(status(|r| r.method("OPTIONS").uri("*").header("host", "a")), None);
    assert_eq!(status(|r| r.method("GET").uri("*").header("host", "a")), Some(400));
}
