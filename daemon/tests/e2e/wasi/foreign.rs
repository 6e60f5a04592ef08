//! A component that nobody here has written, as it was published: the server among the examples of `wstd`.

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::harness::Valord;

#[tokio::test]
async fn it_answers_as_its_authors_meant() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("foreign_wasi.wasm"), "x")).await;
    assert_eq!(valord.plugin("x").await.kind, "wasi");
    assert_eq!(valord.get("/x").await.text(), "Hello, wasi:http/proxy world!\n");
    // It slept for a second, or a little more.
    for path in ["/x/wait-response", "/x/wait-body"] {
        let slept = valord.get(path).await;
        let (before, after) = slept.text().trim_end().split_once("slept for ").unwrap();
        let ms: u64 = after.strip_suffix(" millis").unwrap().parse().unwrap();
        assert!(before.is_empty() && ms >= 1000, "{slept:?}");
    }
    assert_eq!(valord.get("/x/stream-body").await.text().matches("stream started ").count(), 5);
    assert_eq!(valord.send("POST", "/x/echo", "there and back").await.text(), "there and back");

    let mut asked = client::request("GET", "/x/echo-headers", "");
    asked.headers_mut().insert("x-some", "thing".parse().unwrap());
    let echoed = client::whole(client::send(valord.address, asked).await.unwrap()).await.unwrap();
    assert_eq!(echoed.header("x-some"), "thing");
    let mut asked = client::request("GET", "/x/response-status", "");
    asked.headers_mut().insert("x-response-status", "418".parse().unwrap());
    assert_eq!(client::send(valord.address, asked).await.unwrap().status(), 418);

    // Where it fails on purpose, it is the plugin's failure, and the next request finds nothing of it.
    assert_eq!(valord.get("/x/response-fail").await.status, 500);
    let cut =
        client::send(valord.address, client::request("GET", "/x/response-body-fail", "")).await.unwrap();
    if cut.status() == 200 {
        assert!(client::whole(cut).await.is_err(), "a body without its end must not look whole");
    }
    assert_eq!(valord.get("/x/nowhere").await.status, 404);
    valord.until_logged("x", "serving /nowhere").await;
    valord.stop().await;
}
