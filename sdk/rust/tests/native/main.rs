//! The native glue, driven through the C ABI by a fake shim.

#![expect(unsafe_code, reason = "it plays the shim's part")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]

mod fake;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fake::{Request, start};
use valor::http;
use valor::{Context, fetch, vlugin};
use valor_abi::{VALOR_EVENT_RESPONSE, VALOR_EVENT_WRITABLE};

static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct CountDrop;

impl Drop for CountDrop {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Does as its configuration says.
#[vlugin]
pub async fn on_create(cx: &mut Context) -> Result<(), String> {
    match cx.config::<Option<String>>().map_err(|e| e.to_string())?.as_deref() {
        Some("fail") => return Err("no database".to_owned()),
        Some("panic") => panic!("oh no"),
        Some("fetch") => {
            let answer = fetch("/needed").await.map_err(|e| e.to_string())?;
            cx.set(answer.into_text().await.map_err(|e| e.to_string())?);
        }
        _ => cx.set("made".to_owned()),
    }
    Ok(())
}

/// Answers by path.
pub async fn on_request(cx: &Context, mut request: http::Request) -> http::Result<http::Response> {
    let path = request.uri().path().to_owned();
    Ok(match path.as_str() {
        "/" => cx.get::<String>().clone().into(),
        "/head" => format!("{} {} {:?}", request.method(), request.url(), request.headers()).into(),
        "/later" => {
            tokio::time::sleep(Duration::from_millis(1)).await;
            "later".into()
        }
        "/local" => tokio::task::spawn_local(async { std::rc::Rc::new("local").to_string() }).await?.into(),
        "/echo" => request.take_body().into(),
        "/collect" => request.text().await?.into(),
        "/blocking" => {
            // A body moves to any thread and is read there.
            let body = request.take_body();
            let handle = tokio::runtime::Handle::current();
            tokio::task::spawn_blocking(move || handle.block_on(body.text())).await??.into()
        }
        "/panic" => panic!("at once"),
        "/panic-later" => {
            tokio::task::yield_now().await;
            panic!("later")
        }
        "/forever" => {
            let _count = CountDrop;
            std::future::pending().await
        }
        "/big" => vec![b'x'; 100_000].into(),
        "/parts" => http::Response::stream(futures_util::stream::iter(
            (0..4).map(|_| Ok::<_, std::io::Error>(vec![b'p'; 1000])),
        )),
        "/broken" => {
            http::Response::stream(futures_util::stream::iter([Ok("one"), Err(std::io::Error::other("cut"))]))
        }
        "/interim" => http::Response::new(http::StatusCode::SwitchingProtocols, ""),
        "/fetch" => {
            let url = request.url().query().unwrap_or("/").to_owned();
            fetch(http::Request::post(url.as_str(), request.take_body())?).await?
        }
        "/fetch-task" => tokio::spawn(async { fetch("/x").await.map(|_| "fetched") }).await??.into(),
        _ => return Err(http::Error::from_str(http::StatusCode::NotFound, "no such path")),
    })
}

fn streamed(target: &str) -> Request {
    Request { method: "POST", target: target.to_owned(), fields: Vec::new(), end: false }
}

#[test]
fn answers_at_once_and_later() {
    let shim = start("null");
    assert_eq!(shim.created(), Ok(()));
    for (path, text) in [("/", "made"), ("/later", "later"), ("/local", "local")] {
        let exchange = shim.request(path);
        assert_eq!((exchange.status(), exchange.text()), (200, text.to_owned()));
        exchange.wait_released();
    }
    let missing = shim.request("/nowhere");
    assert_eq!(missing.status(), 404);
    assert!(missing.text().contains("no such path"));
    let one = |state: &mut fake::ExchangeState| state.sent.len();
    let big = shim.request("/big");
    assert_eq!(big.text().len(), 100_000);
    assert_eq!(big.state.change(one), 1, "one call for head and body");
    assert_eq!(shim.end(), 0);
}

#[test]
fn the_head_arrives_whole() {
    let shim = start("");
    let fields = vec![("host", "example.org"), ("x-a", "1"), ("x-a", "2"), ("x-empty", "")];
    let exchange = shim.send(Request { method: "PURGE", target: "/head?q=1".to_owned(), fields, end: true });
    assert_eq!(
        exchange.text(),
        r#"PURGE http://example.org/head?q=1 {"host": "example.org", "x-a": "1", "x-a": "2", "x-empty": ""}"#
    );
    shim.end();
}

#[test]
fn creation_tells_why_it_failed() {
    assert_eq!(start("\"fail\"").created(), Err("no database".to_owned()));
    assert_eq!(start("\"panic\"").created(), Err("panicked: oh no".to_owned()));
    let message = start("7").created().unwrap_err();
    assert!(message.contains("configuration"), "{message}");
}

#[test]
fn creation_may_fetch() {
    let shim = start("\"fetch\"");
    let needed = shim.next_fetch();
    needed.state.change(|state| assert_eq!((state.target.as_str(), state.parent), ("/needed", 0)));
    needed.tell(VALOR_EVENT_RESPONSE, |state| state.status = Some(200));
    needed.body("fetched");
    needed.body_end();
    assert_eq!(shim.created(), Ok(()));
    assert_eq!(shim.request("/").text(), "fetched");
    shim.end();
}

#[test]
fn bodies_stream_in_and_out() {
    let shim = start("null");
    let echo = shim.send(streamed("/echo"));
    assert_eq!(echo.status(), 200, "the head does not wait for the body");
    for part in ["one", "two"] {
        echo.body(part);
        echo.state.wait("the echo", |state| state.sent.concat().ends_with(part.as_bytes()).then_some(()));
    }
    echo.body_end();
    assert_eq!(echo.text(), "onetwo");
    for path in ["/collect", "/blocking"] {
        let exchange = shim.send(streamed(path));
        exchange.body("a");
        exchange.body(Bytes::from(vec![b'b'; 10_000]));
        exchange.body_end();
        assert_eq!(exchange.text().len(), 10_001, "{path}");
        exchange.wait_released();
    }
    shim.end();
}

#[test]
fn a_full_window_holds_the_body_back() {
    let shim = start("null");
    let exchange =
        shim.send(Request { method: "GET", target: "/parts".to_owned(), fields: Vec::new(), end: true });
    exchange.state.change(|state| state.credit = 0);
    exchange.state.wait("the head", |state| state.status);
    for sent in [1000, 2000, 3000] {
        exchange.state.wait("a part", |state| (state.sent.concat().len() <= sent).then_some(()));
        exchange.tell(VALOR_EVENT_WRITABLE, |state| state.credit += 1000);
    }
    exchange.tell(VALOR_EVENT_WRITABLE, |state| state.credit += 100_000);
    assert_eq!(exchange.text(), "p".repeat(4000));
    shim.end();
}

#[test]
fn a_panic_is_one_failed_request() {
    let shim = start("null");
    for (path, reason) in [("/panic", "at once"), ("/panic-later", "later")] {
        let exchange = shim.request(path);
        assert_eq!(exchange.wait_reset(), format!("the handler panicked: {reason}"));
        exchange.wait_released();
    }
    assert_eq!(shim.request("/").text(), "made");
    shim.end();
}

#[test]
fn what_cannot_be_sent_is_a_failure() {
    let shim = start("null");
    assert!(shim.request("/interim").wait_reset().contains("status 101"));
    assert!(shim.request("/broken").wait_reset().contains("cut"));
    shim.end();
}

#[test]
fn cancelling_drops_the_handler() {
    let shim = start("null");
    let exchange = shim.request("/forever");
    // It was polled in place before anything that comes after it.
    assert_eq!(shim.request("/").text(), "made");
    let before = DROPPED.load(Ordering::SeqCst);
    exchange.cancel("the client went away");
    exchange.wait_released();
    assert_eq!(DROPPED.load(Ordering::SeqCst), before + 1);

    let reading = shim.send(streamed("/collect"));
    reading.body("a");
    reading.wait_reading();
    reading.cancel("deadline");
    reading.wait_released();
    shim.end();
}

#[test]
fn a_fetch_names_its_request_and_streams_both_ways() {
    let shim = start("null");
    let exchange = shim.send(streamed("/fetch?http://up.example/x"));
    let fetched = shim.next_fetch();
    fetched.state.change(|state| {
        assert_eq!(state.target, "http://up.example/x");
        assert_eq!(state.parent, std::sync::Arc::as_ptr(&exchange) as usize);
    });
    exchange.body("up");
    fetched.state.wait("what goes up", |state| (state.sent.concat() == b"up").then_some(()));
    fetched.tell(VALOR_EVENT_RESPONSE, |state| state.status = Some(203));
    assert_eq!(exchange.status(), 203, "the answer may come before the request is over");
    exchange.body("more");
    fetched.body("down");
    fetched.state.wait("more goes up", |state| (state.sent.concat() == b"upmore").then_some(()));
    exchange.body_end();
    fetched.state.wait("the end goes up", |state| state.ended.then_some(()));
    fetched.body_end();
    assert_eq!(exchange.text(), "down");
    fetched.wait_released();
    exchange.wait_released();
    shim.end();
}

#[test]
fn a_fetch_that_fails_says_why_in_the_log() {
    let shim = start("null");
    let exchange = shim.request("/fetch?http://refused.example/");
    shim.next_fetch().cancel("not granted: --allow-net refused.example:80");
    assert_eq!(exchange.status(), 502);
    assert!(!exchange.text().contains("granted"), "the client is not told");
    assert!(fake::LOG.lock().unwrap().iter().any(|line| line.contains("not granted")));
    for path in ["/fetch?/invalid", "/fetch?/limit"] {
        assert_eq!(shim.request(path).status(), 502, "{path}");
    }
    shim.end();
}

#[test]
fn a_fetch_ends_with_the_request_it_is_for() {
    let shim = start("null");
    let exchange = shim.request("/fetch?/slow");
    let fetched = shim.next_fetch();
    exchange.cancel("deadline");
    fetched.wait_released();
    exchange.wait_released();
    shim.end();
}

#[test]
fn a_fetch_of_a_task_has_no_parent() {
    let shim = start("null");
    let exchange = shim.request("/fetch-task");
    let fetched = shim.next_fetch();
    fetched.state.change(|state| assert_eq!(state.parent, 0));
    fetched.tell(VALOR_EVENT_RESPONSE, |state| state.status = Some(200));
    assert_eq!(exchange.text(), "fetched");
    shim.end();
}

#[test]
fn what_could_not_be_written_is_flushed_again() {
    let shim = start("null");
    assert_eq!(shim.created(), Ok(()));
    shim.worker.state.change(|state| state.blocked = 4);
    assert_eq!(shim.request("/later").text(), "later");
    for left in [3, 2, 1] {
        shim.worker.state.wait("a flush", |state| (state.blocked <= left).then_some(()));
        shim.drain();
    }
    shim.worker.state.wait("the last flush", |state| (state.blocked == 0).then_some(()));
    shim.end();
}
