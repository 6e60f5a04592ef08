//! However a request was made, and whatever was looked at first, it is the same request.

use std::convert::Infallible;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use crate::{Context, Plugin};

/// Name, value, and whether the engine's block holds them (it does not hold well-known names).
type Field = (Vec<u8>, Vec<u8>, bool);

fn field(name: &str, value: &[u8]) -> Field {
    (name.as_bytes().to_vec(), value.to_vec(), true)
}

/// As an engine hands a request on.
fn arrive(target: &'static str, fields: &[Field]) -> Request {
    let block: Vec<u8> =
        fields.iter().filter(|f| f.2).flat_map(|(name, value, _)| [&name[..], value].concat()).collect();
    let mut builder = Fields::builder(&block, fields.len());
    let mut at = 0;
    for (name, value, inside) in fields {
        if *inside {
            let (name, rest) = block[at..].split_at(name.len());
            builder.add(name, &rest[..value.len()]);
            at += name.len() + value.len();
        } else {
            builder.add(name, value);
        }
    }
    let (method, uri) = (Method::PUT, Uri::from_static(target));
    Request::arrive(Arrived { method, uri, fields: builder.build() }, "body".into())
}

/// The same, of the `http` crate's own parts.
fn build(target: &'static str, fields: &[Field]) -> Request {
    let mut request = ::http::Request::put(target).body("body").unwrap();
    for (name, value, _) in fields {
        let name = HeaderName::from_bytes(name).unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    request.into()
}

fn in_order(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

fn fields() -> Vec<Field> {
    vec![
        field("host", b"example.org:81"),
        field("x-twice", b"1"),
        (b"x-forwarded-proto".to_vec(), b"https".to_vec(), false),
        field("x-twice", b"2"),
        field("x-latin", b"caf\xe9"),
        field("x-utf8", "caf\u{e9}".as_bytes()),
        field("x-empty", b""),
        field("x-tab", b"a\tb"),
        field("x-twice", b"1"),
    ]
}

const NAMES: [&str; 12] = [
    "host",
    "Host",
    "x-twice",
    "X-TWICE",
    "x-latin",
    "x-utf8",
    "x-empty",
    "x-tab",
    "x-none",
    "",
    "x twice",
    "x-twic\u{e9}",
];

#[test]
fn nothing_is_made_until_the_whole_is_looked_at() {
    let (early, built) = (arrive("/a?b=1", &fields()), build("/a?b=1", &fields()));
    assert_eq!((early.method(), early.uri()), (built.method(), built.uri()));
    assert_eq!(early.url(), built.url());
    assert_eq!(early.url().as_str(), "https://example.org:81/a?b=1");
    for name in NAMES {
        assert_eq!(early.header(name), built.header(name), "{name}");
    }
    assert_eq!(early.query::<Vec<(String, u8)>>().unwrap(), [("b".to_owned(), 1)]);
    assert!(early.inner().head().is_some(), "nothing has asked for the map");

    assert_eq!(in_order(early.headers()), in_order(built.headers()));
    assert!(early.inner().head().is_none(), "now something has");
    assert_eq!(
        (early.method(), early.uri(), early.version()),
        (built.method(), built.uri(), built.version())
    );
    for name in NAMES {
        assert_eq!(early.header(name), built.header(name), "{name}");
    }
    assert_eq!(format!("{early:?}"), format!("{built:?}"));
}

#[test]
fn what_is_changed_is_what_is_seen_from_then_on() {
    let mut request = arrive("/a?b=1", &fields());
    assert_eq!(
        (request.header("host"), request.url().host_str()),
        (Some("example.org:81"), Some("example.org"))
    );
    // After the head was looked at, before the map was made.
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("other"));
    request.headers_mut().remove("x-twice");
    assert_eq!((request.header("host"), request.url().host_str()), (Some("other"), Some("other")));
    assert_eq!(request.header("x-twice"), None);
    // After the map was made.
    request.headers_mut().append("x-twice", HeaderValue::from_static("3"));
    *request.method_mut() = Method::DELETE;
    *request.uri_mut() = Uri::from_static("/other");
    assert_eq!(request.header("X-Twice"), Some("3"));
    assert_eq!(
        (request.method(), request.uri().path(), request.url().path()),
        (&Method::DELETE, "/other", "/other")
    );

    let request = arrive("/", &fields()).with_header("x-twice", "4").unwrap().with_json(&1).unwrap();
    let all: Vec<_> = request.headers().get_all("x-twice").iter().collect();
    assert_eq!(all, ["1", "2", "1", "4"]);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("host"), Some("example.org:81"));
}

#[test]
fn the_body_is_there_once_whenever_it_is_taken() {
    let text = |body: Body| body.text().now_or_never().unwrap().unwrap();
    let mut request = arrive("/", &fields());
    assert_eq!(text(request.take_body()), "body");
    assert_eq!(text(request.take_body()), "");
    assert_eq!(request.headers().len(), fields().len());
    assert_eq!(text(request.into_body()), "", "it was taken before the whole was made");

    let mut request = arrive("/", &fields());
    assert_eq!(request.headers().len(), fields().len());
    assert_eq!(text(request.take_body()), "body");
    assert_eq!(text(request.take_body()), "");

    assert_eq!(text(arrive("/", &[]).into_body()), "body");
    assert_eq!(text(::http::Request::from(arrive("/", &[])).into_body()), "body");
    assert_eq!(text(arrive("/", &[]).with_body("other").into_body()), "other");
    let mut request = arrive("/", &[]);
    *request.body_mut() = "third".into();
    assert_eq!(text(request.take_body()), "third");
}

#[test]
fn it_goes_to_another_thread() {
    fn send<T: Send + 'static>(_: &T) {}
    let request = arrive("/", &fields());
    send(&request);
    let names = std::thread::spawn(move || request.headers().keys_len());
    assert_eq!(names.join().unwrap(), 7);
}

/// A service of tower, an axum router say, gets the `http::Request` that it would have got of anybody else.
#[test]
fn a_service_gets_the_whole() {
    #[derive(Clone)]
    struct Echo;
    impl tower_service::Service<::http::Request<Body>> for Echo {
        type Response = ::http::Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            Ok(()).into()
        }

        fn call(&mut self, request: ::http::Request<Body>) -> Self::Future {
            let (parts, body) = request.into_parts();
            let mut response = ::http::Response::new(body);
            *response.headers_mut() = parts.headers;
            let target = format!("{} {}", parts.method, parts.uri);
            response.headers_mut().insert("x-target", target.parse().unwrap());
            std::future::ready(Ok(response))
        }
    }
    async fn on_create(_: &mut Context) {}
    let Plugin(mut define) = crate::plugin::service(on_create, |_: &Context| Echo);
    let mut cx = Context::default();
    define.create(&mut cx).now_or_never().unwrap().unwrap();
    let serve = define.worker(cx.into());
    for looked_at in [false, true] {
        let request = arrive("/a?b", &fields());
        if looked_at {
            assert_eq!(request.headers()["x-empty"], "");
        }
        let answer: Response = serve.serve(request).now_or_never().unwrap();
        assert_eq!(answer.header("x-target"), Some("PUT /a?b"));
        let all: Vec<_> = answer.headers().get_all("x-twice").iter().collect();
        assert_eq!(all, ["1", "2", "1"]);
        assert_eq!(answer.headers()["x-latin"].as_bytes(), b"caf\xe9");
        assert_eq!(answer.into_body().text().now_or_never().unwrap().unwrap(), "body");
    }
}

fn any_field() -> impl Strategy<Value = Field> {
    // Few letters, so that names meet.
    let name = prop_oneof![
        "[ab]{1,2}",
        Just("host".to_owned()),
        Just("x-forwarded-proto".to_owned()),
        "[-!#$%&'*+.^_`|~0-9a-z]{1,9}"
    ];
    let byte = prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8];
    (name.prop_map(String::into_bytes), proptest::collection::vec(byte, 0..12), any::<bool>())
}

proptest! {
    #[test]
    fn lazy_and_eager_are_equal(
        fields in proptest::collection::vec(any_field(), 0..20),
        asked in "[ABab]{1,2}|HOST|[ -~]{0,3}",
    ) {
        let (lazy, built) = (arrive("/a?b#", &fields), build("/a?b#", &fields));
        let names: Vec<_> =
            fields.iter().map(|f| std::str::from_utf8(&f.0).unwrap()).chain([asked.as_str()]).collect();
        let upper: Vec<_> = names.iter().map(|name| name.to_ascii_uppercase()).collect();
        for name in names.iter().copied().chain(upper.iter().map(String::as_str)) {
            prop_assert_eq!(lazy.header(name), built.header(name), "{}", name);
        }
        prop_assert_eq!(lazy.url(), built.url());
        prop_assert!(lazy.inner().head().is_some());
        prop_assert_eq!(in_order(lazy.headers()), in_order(built.headers()));
        let lazy = ::http::Request::from(arrive("/a?b#", &fields));
        prop_assert_eq!(in_order(lazy.headers()), in_order(built.headers()));
    }
}
