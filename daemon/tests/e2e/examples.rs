//! Every example answers.

use serde_json::json;

use crate::artifacts::{built, root};
use crate::client::Spec;
use crate::harness::Valord;

#[tokio::test]
async fn the_first_snippet_answers() {
    let valord = Valord::start().await;
    let plugin = valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    assert_eq!((&*plugin.state, &*plugin.prefix, &*plugin.version), ("ready", "/hello", "0.1.0"));
    for path in ["/hello", "/hello/", "/hello/deeper?x=y"] {
        let answer = valord.get(path).await;
        assert_eq!((answer.status, answer.text()), (200, "OK response from a plugin"), "{path}");
        assert_eq!(answer.header("x-valor-plugin"), "hello");
        assert!(!answer.header("x-correlation-id").is_empty());
    }
    assert_eq!(valord.get("/hellooo").await.status, 404);
    assert_eq!(valord.plugin("hello").await.requests, 3);
    valord.stop().await;
}

#[tokio::test]
async fn a_plugin_in_c_answers() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_c_plugin.so"), "hello-c")).await;
    assert_eq!(valord.get("/hello-c").await.text(), "OK response from a plugin in C\n");
    assert_eq!(valord.send("POST", "/hello-c", "x").await.status, 405);
    valord.stop().await;
}

#[tokio::test]
async fn the_second_snippet_twice_from_the_originals_file() {
    let valord =
        Valord::start_with(|app| app.config.plugins = Some(root().join("examples/plugins.json"))).await;
    for (name, path, text) in [
        ("alice", "/alice?who=Carol", "Alice says hello Carol!"),
        ("bob", "/bob?who=Carol", "Bob says hello Carol!"),
        ("hello", "/hello", "OK response from a plugin"),
    ] {
        until_listed(&valord, name).await;
        assert_eq!(valord.get(path).await.text(), text);
        assert_eq!(valord.plugin(name).await.source, "file");
    }
    let missing = valord.get("/alice").await;
    assert_eq!(
        (missing.status, missing.text().contains("Missing buddy to greet")),
        (400, true),
        "{missing:?}"
    );

    // The file owns them.
    let taken =
        valord.try_register(Spec::new(built("libhello_plugin.so"), "alice").replace()).await.unwrap_err();
    assert!(taken.message().contains("belongs to the plugins file"), "{taken}");
    let refused = valord.unregister("alice").await.unwrap_err();
    assert!(refused.message().contains("belongs to the plugins file"), "{refused}");

    // And brings them back; what it does not name any more is forgotten.
    let dir = valord.stop().await;
    let file = dir.path().join("plugins.json");
    let one = json!({ "plugins": [
        { "type": "native", "name": "alice", "path": built("libwith_state_plugin.so"), "prefix": "/alice", "config": "Eve" },
        { "type": "native", "name": "gone", "path": "/no/such/plugin.so" },
    ] });
    std::fs::write(&file, one.to_string()).unwrap();
    let valord = Valord::start_in(dir, |app| app.config.plugins = Some(file)).await;
    let changed = async {
        while valord.get("/alice?who=you").await.text() != "Eve says hello you!" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, changed).await.unwrap();
    assert_eq!(valord.get("/bob?who=you").await.status, 404);
    valord.stop().await;
}

async fn until_listed(valord: &Valord, name: &str) {
    let waiting = async {
        loop {
            let listed =
                valord.control.clone().list(valor_control::v1::ListRequest {}).await.unwrap().into_inner();
            if listed.plugins.iter().any(|plugin| plugin.name == name && plugin.state == "ready") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{name} is not served"));
}

#[tokio::test]
async fn an_axum_router_answers() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libaxum_router_plugin.so"), "axum")).await;
    assert_eq!(valord.get("/axum/hello/you").await.text(), "hello, you\n");
    assert_eq!(valord.get("/axum/nowhere").await.status, 404);
    valord.stop().await;
}

#[tokio::test]
async fn markdown_becomes_html() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libmarkdown_plugin.so"), "markdown")).await;
    let answer = valord.send("POST", "/markdown", "# Title\n\nsome *text*").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().contains("<h1>Title</h1>") && answer.text().contains("<em>text</em>"),
        "{}",
        answer.text()
    );
    valord.stop().await;
}

#[tokio::test]
async fn what_honest_plugins_do_works() {
    let valord = Valord::start().await;
    valord
        .register(Spec::new(built("libvalor_test_runtime_plugin.so"), "runtime").config(&json!({ "a": [1] })))
        .await;
    for (path, text) in [
        ("/timer", "slept"),
        ("/spawn", "spawned"),
        ("/spawn-local", "spawned locally"),
        ("/blocking", "499999500000 blocked"),
        ("/channel", "one three two"),
        ("/thread", "from helper"),
        ("/stream?n=2&size=3", "000111"),
        ("/config", r#"{"a":[1]}"#),
    ] {
        let answer = valord.get(&format!("/runtime{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        if path != "/blocking" {
            assert_eq!(answer.text(), text, "{path}");
        }
    }
    valord.get("/runtime/log?text=remember%20me").await;
    valord.until_logged("runtime", "remember me").await;
    valord.stop().await;
}
