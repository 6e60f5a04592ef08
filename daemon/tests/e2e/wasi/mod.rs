//! Components of `wasi:http/proxy`: an instance a request, and all that WASI gives them is what was granted.

mod foreign;
mod grants;
mod limits;

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;
use valor_control::v1::Grants;

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::harness::{PATIENCE, Valord};
use crate::wasm::compiled;

/// The component of `tests/plugins/wasi`, which does what the path says.
fn spec(name: &str) -> Spec {
    Spec::new(built("valor_test_wasi.wasm"), name)
}

/// A daemon with it at `/x`, which has all the patience with its process: the engine stops what spins.
async fn with(change: impl FnOnce(Spec) -> Spec) -> Valord {
    let valord = Valord::start_with(|app| app.plane.link.hung_grace = PATIENCE).await;
    valord.register(change(spec("x"))).await;
    valord
}

fn granted(spec: Spec, grants: Grants) -> Spec {
    spec.change(|spec| spec.grants = Some(grants))
}

#[tokio::test]
async fn the_example_answers_confined_and_by_its_kind() {
    let valord = Valord::start().await;
    let grants = Grants { env: vec!["GREETING=hello".to_owned()], ..Grants::default() };
    valord.register(granted(Spec::new(built("hello_wasi.wasm"), "x"), grants)).await;
    let plugin = valord.plugin("x").await;
    assert_eq!((&*plugin.kind, &*plugin.state), ("wasi", "ready"));
    let sandbox = valord.inspect("x").await.sandbox;
    for layer in ["no-new-privs", "seccomp", "seal"] {
        let found = sandbox.iter().find(|found| found.layer == layer);
        assert_eq!(found.unwrap_or_else(|| panic!("no {layer}")).status, "full", "{layer}");
    }
    for _ in 0..3 {
        assert_eq!(valord.get("/x").await.text(), "OK response from a WASI component in Rust\n");
    }
    assert_eq!(valord.send("POST", "/x/echo", "there and back").await.text(), "there and back");
    assert_eq!(valord.get("/x/env").await.text(), "GREETING=hello\n");
    assert_eq!(valord.get("/x/nowhere").await.status, 404);
    valord.until_logged("x", "nobody answers GET /nowhere").await;
    valord.stop().await;
}

#[tokio::test]
async fn each_request_has_an_instance_of_its_own() {
    let valord = with(|spec| spec).await;
    for _ in 0..3 {
        assert_eq!(valord.get("/x/count").await.text(), "1");
    }
    let head = valord.send("PUT", "/x/head?q=%C3%A4", "").await;
    assert!(head.text().starts_with("PUT ") && head.text().contains("/head?q=%C3%A4"), "{}", head.text());
    assert!(head.text().contains("host: \"valor.test\""), "{}", head.text());
    let (one, two) = tokio::join!(valord.get("/x/random"), valord.get("/x/random"));
    assert_ne!(one.text(), two.text());
    let now: u128 = valord.get("/x/now").await.text().parse().unwrap();
    let ours = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert!(now <= ours && ours - now < PATIENCE.as_millis(), "{now} {ours}");
    // Many at a time, on several workers; those that wait keep nobody.
    let all = (0..64).map(|ms| {
        let path = format!("/x/sleep?{ms}");
        let valord = &valord;
        async move { valord.get(&path).await.text().to_owned() }
    });
    assert!(join_all(all).await.iter().all(|text| text == "slept"));
    valord.stop().await;
}

#[tokio::test]
async fn it_is_compiled_once_and_comes_back() {
    let valord = with(|spec| spec).await;
    valord.register(spec("again")).await;
    assert_eq!(compiled(&valord).await, 1);
    let valord = Valord::start_in(valord.stop().await, |_| {}).await;
    for name in ["x", "again"] {
        valord.until_state(name, "ready").await;
        assert_eq!(valord.get(&format!("/{name}/count")).await.text(), "1");
    }
    assert_eq!(compiled(&valord).await, 0);
    valord.stop().await;
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let valord = with(|spec| spec).await;
    let body: Bytes = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let answer = valord.send("POST", "/x/echo", body.clone()).await;
    assert!(answer.status == 200 && answer.body == body);
    assert_eq!(valord.send("POST", "/x/length", body).await.text(), "3000000");
    assert_eq!(valord.get("/x/zeros?3000000").await.body, vec![0; 3_000_000]);

    client::echoes_part_by_part(valord.address, "/x/echo").await;

    // One that breaks off is not taken for a whole one.
    let broken = client::send(valord.address, client::request("GET", "/x/broken", "")).await.unwrap();
    if broken.status() == 200 {
        assert!(client::whole(broken).await.is_err());
    }
    assert_eq!(valord.get("/x/count").await.text(), "1");
    valord.stop().await;
}

#[tokio::test]
async fn a_slow_reader_stalls_nobody_else() {
    let valord = with(|spec| spec).await;
    let slow = client::send(valord.address, client::request("GET", "/x/zeros?5000000", "")).await.unwrap();
    assert_eq!(slow.status(), 200);
    for _ in 0..20 {
        assert_eq!(valord.get("/x/count").await.text(), "1");
    }
    let rest = tokio::time::timeout(PATIENCE, client::whole(slow)).await.expect("the slow stream stalls");
    assert_eq!(rest.unwrap().body.len(), 5_000_000);
    valord.stop().await;
}

#[tokio::test]
async fn its_output_is_the_log_and_its_configuration_a_variable() {
    let valord = with(|spec| spec.config(&json!({ "a": [1, 2.5] }))).await;
    valord.get("/x/say?something").await;
    valord.until_logged("x", "said on stdout: something").await;
    valord.until_logged("x", "said on stderr: something").await;
    assert_eq!(valord.get("/x/env").await.text(), "VALOR_CONFIG={\"a\":[1,2.5]}\n");
    assert_eq!(valord.get("/x/args").await.text(), "x");
    valord.stop().await;
}
