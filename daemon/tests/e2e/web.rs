//! What is published to browsers, as the real `valorctl` does it, and what is served then: that, and nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{self, Answer};
use crate::ctl::{Run, valorctl};
use crate::harness::Valord;

/// Of the server alone.
const SECRET: &str = "NOT-FOR-BROWSERS";
const MANIFEST: &str = "/_valor/manifest.json";

fn module(valord: &Valord, name: &str, text: &str) -> String {
    let file = valord.dir.path().join(name);
    std::fs::write(&file, format!("export default {{ fetch: () => new Response({text:?}) }};")).unwrap();
    file.to_str().unwrap().to_owned()
}

async fn ctl(valord: &Valord, args: &[&str]) -> Run {
    valorctl(&valord.dir.path().join("control.sock"), args).await
}

#[track_caller]
fn ok(run: Run) -> String {
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout
}

async fn manifest(valord: &Valord) -> Value {
    let answer = valord.get(MANIFEST).await;
    if answer.status == 200 { serde_json::from_slice(&answer.body).unwrap() } else { Value::Null }
}

/// Who is published.
async fn published(valord: &Valord) -> Vec<String> {
    let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
    manifest(valord).await["plugins"].as_array().map(|all| all.iter().map(name).collect()).unwrap_or_default()
}

async fn entry(valord: &Valord) -> String {
    manifest(valord).await["plugins"][0]["entry"].as_str().unwrap().to_owned()
}

async fn get(valord: &Valord, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = client::request("GET", path, "");
    for (name, value) in fields {
        request.headers_mut().insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    client::whole(client::send(valord.address, request).await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn nothing_is_public_that_was_not_published() {
    let valord = Valord::start().await;
    let file = module(&valord, "it.js", "it");
    let granted = valord.dir.path().join(SECRET);
    std::fs::create_dir(&granted).unwrap();
    let granted = granted.to_str().unwrap();
    let secret = json!({ "key": SECRET }).to_string();
    let private = [
        "--config",
        &*secret,
        "--allow-env",
        &*format!("KEY={SECRET}"),
        "--allow-net",
        "not-for-browsers.example:443",
        "--allow-read",
        granted,
    ];
    ok(ctl(&valord, &[&["register", &*file][..], &private].concat()).await);
    for path in [MANIFEST, "/_valor/", "/_valor", "/_valor/valor.js", "/_valor/sw.js"] {
        assert_eq!(valord.get(path).await.status, 404, "{path}: nothing is published yet");
    }
    let refused = ctl(&valord, &["replace", "it", "--web"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("--yes"), "{refused:?}");
    assert!(published(&valord).await.is_empty());

    ok(ctl(&valord, &["replace", "it", "--web", "--yes", "--web-config", r#"{"for":"all"}"#]).await);
    let one = &manifest(&valord).await["plugins"][0];
    let mut fields: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["config", "digest", "entry", "kind", "mode", "name", "prefix", "timeout_ms"]);
    assert_eq!(one["config"], json!({ "for": "all" }));
    let other = module(&valord, "other.js", SECRET);
    ok(ctl(&valord, &["register", &other]).await);

    let bundle = valord.dir.path().join("bundle");
    let bundle = bundle.to_str().unwrap();
    let said = ok(ctl(&valord, &["-o", "json", "web", "bundle", "-o", bundle]).await);
    let said: Value = serde_json::from_str(&said).unwrap();
    let files: Vec<_> = said["files"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert!(files.len() > 30, "{files:?}");
    for path in files {
        let text =
            String::from_utf8_lossy(&std::fs::read(format!("{bundle}/{path}")).unwrap()).to_lowercase();
        assert!(!text.contains("not-for-browsers"), "{path} of the bundle");
        if !path.starts_with("_valor/") {
            continue;
        }
        let served = valord.get(&format!("/{}", path.trim_end_matches("index.html"))).await;
        assert_eq!(served.status, 200, "{path}");
        let all = format!("{:?}{}", served.headers, String::from_utf8_lossy(&served.body)).to_lowercase();
        assert!(!all.contains("not-for-browsers"), "{path}");
    }
    // Neither by a guess: the other artifact is not there under its hash.
    let hash = &valord.plugin("other").await.sha256;
    assert_eq!(valord.get(&format!("/_valor/plugins/{hash}.js")).await.status, 404);
    assert_eq!(valord.send("POST", MANIFEST, "").await.status, 405);
    valord.stop().await;
}

#[tokio::test]
async fn what_is_served_says_what_it_is_and_how_long_it_may_be_kept() {
    let valord = Valord::start().await;
    ok(ctl(&valord, &["register", &module(&valord, "it.js", "it"), "--web", "--yes"]).await);
    let code = entry(&valord).await;
    assert_eq!(code, format!("/_valor/plugins/{}.js", valord.plugin("it").await.sha256));
    let js = "text/javascript; charset=utf-8";
    for (path, mime, cache) in [
        (code.as_str(), js, "public, max-age=31536000, immutable"),
        (MANIFEST, "application/json", "no-cache"),
        ("/_valor/", "text/html; charset=utf-8", "no-cache"),
        ("/_valor/valor.js", js, "no-cache"),
        ("/_valor/sw.js", js, "no-cache"),
        ("/_valor/worker.js", js, "no-cache"),
        ("/_valor/page/page.css", "text/css; charset=utf-8", "no-cache"),
    ] {
        let answer = valord.get(path).await;
        let field = |name: &str| answer.header(name).to_owned();
        assert_eq!(
            (answer.status, field("content-type"), field("cache-control")),
            (200, mime.into(), cache.into()),
            "{path}"
        );
        assert_eq!(
            (field("x-content-type-options"), field("cross-origin-resource-policy")),
            ("nosniff".into(), "same-origin".into()),
            "{path}"
        );
        let tag = field("etag");
        let again = get(&valord, path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()), "{path}");
        assert_eq!(get(&valord, path, &[("if-none-match", "\"other\"")]).await.status, 200, "{path}");
        let packed = get(&valord, path, &[("accept-encoding", "gzip")]).await;
        if packed.header("content-encoding") == "gzip" {
            assert!(packed.header("etag") != tag && packed.header("vary") == "accept-encoding", "{path}");
            assert!(packed.body.len() < answer.body.len(), "{path}");
        }
        // The policies stand where they are needed, and nowhere else.
        let policy = field("content-security-policy");
        let expected = match path {
            "/_valor/" => "default-src 'none'; script-src 'self'",
            "/_valor/worker.js" => "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'",
            _ => "",
        };
        assert!(policy.starts_with(expected) && policy.is_empty() == expected.is_empty(), "{path}: {policy}");
        let embedder = if path == "/_valor/worker.js" { "require-corp" } else { "" };
        assert_eq!(field("cross-origin-embedder-policy"), embedder, "{path}");
        assert_eq!(field("cross-origin-opener-policy"), "", "{path}");
        assert_eq!(field("service-worker-allowed"), if path == "/_valor/sw.js" { "/" } else { "" }, "{path}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn what_is_not_served_any_more_is_not_public_any_more() {
    let valord = Valord::start().await;
    let (one, two) = (module(&valord, "one.js", "1"), module(&valord, "two.js", "2"));
    let publish = ["--name", "it", "--web", "--yes"];
    ok(ctl(&valord, &[&["register", &*one][..], &publish].concat()).await);
    let first = entry(&valord).await;
    let refused = ctl(&valord, &["replace", "it", &two]).await;
    assert!(refused.code == 2 && refused.stderr.contains("its new code"), "said beforehand: {refused:?}");
    assert_eq!((entry(&valord).await, valord.get("/it").await.text()), (first.clone(), "1"));
    ok(ctl(&valord, &["replace", "it", &two, "--yes"]).await);
    let second = entry(&valord).await;
    assert_ne!(first, second);
    let status = async |path: &str| valord.get(path).await.status;
    assert_eq!((status(&first).await, status(&second).await), (200, 200), "one former version stays");
    for (away, back) in [
        (&["disable", "it"][..], &["enable", "it"][..]),
        (&["drain", "it"], &["restart", "it"]),
        (&["replace", "it", "--no-web"], &["replace", "it", "--web", "--yes"]),
    ] {
        ok(ctl(&valord, away).await);
        assert_eq!((status(&second).await, status(MANIFEST).await), (404, 404), "{away:?}");
        ok(ctl(&valord, back).await);
        valord.until_state("it", "ready").await;
        assert_eq!((status(&second).await, status(&first).await), (200, 404), "{back:?}");
    }
    ok(ctl(&valord, &["unregister", "it"]).await);
    assert_eq!((status(&second).await, status(MANIFEST).await), (404, 404));
    valord.stop().await;
}

#[tokio::test]
async fn it_is_published_after_a_restart_as_it_was_before() {
    let valord = Valord::start().await;
    let (it, other) = (module(&valord, "it.js", "it"), module(&valord, "other.js", "other"));
    ok(ctl(&valord, &["register", &it, "--web", "--yes", "--web-config", "[1,2.50]", "--web-mode", "local"])
        .await);
    ok(ctl(&valord, &["register", &other]).await);
    let (before, code) = (valord.get(MANIFEST).await, entry(&valord).await);
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("it", "ready").await;
    assert_eq!(
        (valord.get(MANIFEST).await.text(), published(&valord).await),
        (before.text(), vec!["it".to_owned()])
    );
    assert_eq!(valord.get(&code).await.status, 200);
    valord.stop().await;
}

#[tokio::test]
async fn files_of_plugins_publish_and_say_so() {
    let valord = Valord::start().await;
    let it = module(&valord, "it.js", "it");
    let file = valord.dir.path().join("plugins.json");
    let write = |plugin: Value| std::fs::write(&file, json!({ "plugins": [plugin] }).to_string()).unwrap();
    let file_name = file.to_str().unwrap();
    write(json!({ "name": "it", "path": it }));
    ok(ctl(&valord, &["apply", "-f", file_name]).await);
    assert!(published(&valord).await.is_empty());
    write(json!({ "name": "it", "path": it, "web": { "mode": "local", "config": { "a": 1 } } }));
    let diff = ctl(&valord, &["diff", "-f", file_name]).await;
    assert!(diff.code == 1 && diff.stdout.contains("web"), "{diff:?}");
    ok(ctl(&valord, &["apply", "-f", file_name]).await);
    let one = &manifest(&valord).await["plugins"][0];
    assert_eq!((&one["mode"], &one["config"]), (&json!("local"), &json!({ "a": 1 })));
    ok(ctl(&valord, &["diff", "-f", file_name]).await);

    // What is exported says it as well, and brings it back.
    let exported: BTreeMap<&str, String> = BTreeMap::from([
        ("json", ok(ctl(&valord, &["export", "-o", "json"]).await)),
        ("toml", ok(ctl(&valord, &["export"]).await)),
    ]);
    for (end, text) in exported {
        let kept = valord.dir.path().join(format!("kept.{end}"));
        std::fs::write(&kept, text).unwrap();
        let kept = kept.to_str().unwrap();
        ok(ctl(&valord, &["diff", "-f", kept]).await);
        ok(ctl(&valord, &["replace", "it", "--no-web"]).await);
        assert!(published(&valord).await.is_empty());
        ok(ctl(&valord, &["apply", "-f", kept]).await);
        assert_eq!(manifest(&valord).await["plugins"][0]["config"], json!({ "a": 1 }), "{end}");
    }
    write(json!({ "name": "it", "path": it }));
    ok(ctl(&valord, &["apply", "-f", file_name]).await);
    assert!(published(&valord).await.is_empty(), "what the file does not say is not published");
    valord.stop().await;
}

#[tokio::test]
async fn a_native_plugin_is_refused_by_the_daemon_too() {
    let valord = Valord::start().await;
    let spec = client::Spec::new(crate::artifacts::built("libhello_plugin.so"), "native");
    let refused =
        valord.try_register(spec.change(|spec| spec.web = Some(Default::default()))).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused:?}");
    assert!(format!("{refused:?}").contains("cannot run in a browser"), "{refused:?}");
    assert!(valord.names().await.is_empty());
    valord.stop().await;
}
