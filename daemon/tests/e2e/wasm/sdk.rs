//! What the SDK offers, in a module: the plugin is the same source as natively, and does it all.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::artifacts::{built, guest};
use crate::client::{self, Spec};
use crate::fetch::outside;
use crate::harness::{PATIENCE, Valord};

fn spec() -> Spec {
    Spec::new(guest("valor_test_guest_plugin"), "x")
}

async fn with(change: impl FnOnce(Spec) -> Spec) -> Valord {
    let valord = Valord::start().await;
    valord.register(change(spec())).await;
    valord
}

async fn seen(valord: &Valord) -> Value {
    serde_json::from_str(valord.get("/x/seen").await.text()).unwrap()
}

#[tokio::test]
async fn heads_config_state_clocks_and_randomness() {
    let valord = with(|spec| spec.config(&json!({ "a": [1, 2.5, null] }))).await;
    let head: Value = serde_json::from_str(valord.send("PUT", "/x/head?q=%C3%A4", "").await.text()).unwrap();
    assert_eq!((&head["method"], &head["target"]), (&json!("PUT"), &json!("/head?q=%C3%A4")));
    let host = json!(["host", "valor.test".as_bytes()]);
    assert!(head["fields"].as_array().unwrap().contains(&host), "{head}");
    let fields = valord.get("/x/fields").await;
    assert_eq!((fields.status, fields.text()), (418, "short and stout"));
    let cookies: Vec<_> = fields.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert_eq!(fields.headers["x-bytes"].as_bytes(), b"gr\xFC\xDFe");
    assert_eq!(valord.get("/x/name").await.text(), "x");
    assert_eq!(valord.get("/x/config").await.text(), r#"{"a":[1,2.5,null]}"#);
    let random: BTreeSet<_> = join_all((0..4).map(|_| valord.get("/x/random")))
        .await
        .iter()
        .map(|answer| answer.body.clone())
        .collect();
    assert_eq!(random.len(), 4);
    let now: u128 = valord.get("/x/now").await.text().parse().unwrap();
    let ours = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert!(now <= ours && ours - now < PATIENCE.as_millis(), "{now} {ours}");
    assert_eq!(seen(&valord).await["requests"], 10, "one instance has answered them all");
    let bad = valord.get("/x/bad").await;
    assert_eq!((bad.status, bad.text().contains("this is wrong")), (400, true), "{bad:?}");
    valord.get("/x/log").await;
    let log = valord.until_logged("x", "a line").await;
    assert!(log.contains("warn a line") || log.to_lowercase().contains("warn"), "{log}");
    valord.stop().await;
}

#[tokio::test]
async fn timers_and_many_requests_at_once() {
    let valord = with(|spec| spec.config(&json!({ "sleep": 20 }))).await;
    // All of them wait at the same time, in one instance.
    let asked = (10..30).map(|ms| {
        let path = format!("/x/sleep?ms={ms}");
        let valord = &valord;
        async move { valord.get(&path).await.text().to_owned() }
    });
    assert!(join_all(asked).await.iter().all(|text| text == "slept"));
    assert!(!valord.get("/x/timeout?ms=5").await.text().is_empty());
    assert_eq!(valord.get("/x/ticks?ms=1").await.text(), "0\n1\n2\n");
    valord.stop().await;
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let valord = with(|spec| spec).await;
    let body: Bytes = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let answer = valord.send("POST", "/x/echo", body.clone()).await;
    assert!(answer.status == 200 && answer.body == body);
    assert_eq!(valord.send("POST", "/x/length", body.clone()).await.text(), "3000000");
    assert_eq!(valord.get("/x/zeros?bytes=3000000").await.body, vec![0; 3_000_000]);

    client::echoes_part_by_part(valord.address, "/x/echo").await;

    // One that breaks off is not taken for a whole one.
    let broken = client::send(valord.address, client::request("GET", "/x/broken", "")).await.unwrap();
    if broken.status() == 200 {
        assert!(client::whole(broken).await.is_err());
    }
    assert_eq!(valord.get("/x/name").await.text(), "x");
    valord.stop().await;
}

#[tokio::test]
async fn a_slow_reader_stalls_nobody_else() {
    let valord = with(|spec| spec).await;
    let endless = client::send(valord.address, client::request("GET", "/x/endless", "")).await.unwrap();
    assert_eq!(endless.status(), 200);
    for _ in 0..50 {
        assert_eq!(valord.get("/x/name").await.text(), "x");
    }
    assert_eq!(seen(&valord).await["dropped"], 0);
    drop(endless);
    let dropped = async { while seen(&valord).await["dropped"] != 1 {} };
    tokio::time::timeout(PATIENCE, dropped).await.expect("nobody reads it, and it goes on");
    valord.stop().await;
}

#[tokio::test]
async fn work_ends_with_its_client_and_at_its_deadline() {
    let valord = with(|spec| spec.limits(|limits| limits.timeout_ms = 3000)).await;
    let request = client::send(valord.address, client::request("GET", "/x/forever", ""));
    let task = tokio::spawn(async move { drop(request.await) });
    while valord.plugin("x").await.in_flight == 0 {
        tokio::task::yield_now().await;
    }
    // It has begun when later ones are answered; connections are dealt to the data workers in turn.
    for _ in 0..16 {
        assert_eq!(valord.get("/x/name").await.text(), "x");
    }
    task.abort();
    let dropped = async |times: u64| while seen(&valord).await["dropped"] != times {};
    tokio::time::timeout(PATIENCE, dropped(1)).await.expect("the handler goes on");
    valord.get("/x/forever").await.problem(504, "x");
    tokio::time::timeout(PATIENCE, dropped(2)).await.expect("the handler goes on");
    // One that always has something to do lets its neighbours have their turn.
    let busy = valord.get("/x/busy");
    let (busy, _) = tokio::join!(busy, valord.get("/x/name"));
    busy.problem(504, "x");
    tokio::time::timeout(PATIENCE, dropped(3)).await.expect("the handler goes on");
    valord.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_trap_and_a_fresh_instance_answers() {
    let valord = with(|spec| spec).await;
    let others = (0..3).map(|_| valord.get("/x/forever"));
    let others = async { join_all(others).await };
    let panic = async {
        while valord.plugin("x").await.in_flight < 3 {
            tokio::task::yield_now().await;
        }
        valord.get("/x/panic").await
    };
    let (others, panic) = tokio::join!(others, panic);
    panic.problem(502, "x");
    for other in others {
        other.problem(502, "x");
    }
    let log = valord.until_logged("x", "on purpose").await;
    assert!(log.contains("lib.rs"), "{log}");
    assert_eq!(seen(&valord).await["requests"], 1, "of a fresh one");
    assert_eq!(valord.plugin("x").await.restarts, 0);
    valord.stop().await;
}

#[tokio::test]
async fn a_fetch_reaches_what_was_granted_and_other_plugins() {
    let (granted, other) = (outside().await, outside().await);
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    valord.register(Spec::new(guest("valor_test_guest_plugin"), "sink")).await;
    let grants = valor_control::v1::Grants { net: vec![granted.to_string()], ..Default::default() };
    valord.register(spec().change(|spec| spec.grants = Some(grants))).await;
    let fetch = async |url: String| valord.send("POST", "/x/fetch", url).await;
    assert_eq!(fetch("/hello".to_owned()).await.text(), "OK response from a plugin");
    assert_eq!(fetch(format!("http://{granted}/y")).await.text(), "outside /y");
    for url in [
        format!("http://{other}/y"),
        format!("http://{granted}/y?http://{other}/z"),
        "http://169.254.169.254/".to_owned(),
    ] {
        let answer = fetch(url.clone()).await;
        assert!(answer.status >= 400 && !answer.text().contains("outside"), "{url}: {answer:?}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn on_create_may_wait_and_fetch_and_fail() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    valord.register(spec().config(&json!({ "sleep": 5, "fetch": "/hello" }))).await;
    assert_eq!(seen(&valord).await["fetched"], "OK response from a plugin");
    let refused = valord
        .try_register(Spec::new(guest("valor_test_guest_plugin"), "y").config(&json!({ "fail": "no luck" })))
        .await
        .unwrap_err();
    assert!(refused.message().contains("no luck"), "{refused}");
    valord.stop().await;
}
