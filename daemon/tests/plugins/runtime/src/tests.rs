use valor::{http, test};

use super::vlugin;

#[test]
fn every_route_answers_without_a_daemon() {
    let plugin = test::start(vlugin(), ());
    for (path, text) in [
        ("/timer", "slept"),
        ("/spawn", "spawned"),
        ("/spawn-local", "spawned locally"),
        ("/blocking", "0 blocked"),
        ("/channel", "one three two"),
        ("/thread", "from helper"),
        ("/stream?n=2&size=3", "000111"),
        ("/sse?n=1", "id: 0\ndata: tick 0\n\n"),
        ("/status?code=404", "as told"),
        ("/slow?ms=1", "slow"),
        ("/spin?ms=1", "spun"),
    ] {
        assert_eq!(plugin.get(path).text(), text, "{path}");
    }
    assert_eq!(plugin.get("/nowhere").status(), 404);
    assert_eq!(plugin.get("/error").status(), 500);
    assert_eq!(plugin.get("/panic").error(), Some("the handler panicked: told to panic"));
    assert_eq!(plugin.get("/panic-later").error(), Some("the handler panicked: told to panic later"));
    assert!(plugin.get("/drop").error().is_some_and(|e| e.contains("break off")));
    assert_eq!(plugin.post("/sink", vec![0; 100_000]).text(), "100000");
    assert_eq!(plugin.post("/echo", "x").text(), "x");
}

#[test]
fn creation_fails_as_told() {
    let config = |mode: &str| serde_json::json!({"create": mode});
    assert_eq!(test::try_start(vlugin(), config("fail")).unwrap_err(), "told to fail");
    assert_eq!(test::try_start(vlugin(), config("panic")).unwrap_err(), "panicked: told to panic");
}

#[test]
fn what_it_was_sent_comes_back() {
    let plugin = test::start(vlugin(), serde_json::json!({"a": [1]}));
    assert_eq!(plugin.get("/config").text(), r#"{"a":[1]}"#);
    let request = http::Request::get("/headers?x").unwrap().with_header("x-one", "1").unwrap();
    let head: serde_json::Value = plugin.send(request).json();
    assert_eq!(head["target"], "/headers?x");
    assert_eq!(head["headers"][0], serde_json::json!(["x-one", "1"]));
}
