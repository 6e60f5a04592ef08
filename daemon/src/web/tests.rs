use serde_json::{Value, json};
use valor_control::kind::Kind;
use valor_control::web::Mode;

use super::*;
use crate::plugin::{Grants, Limits};
use crate::store::{Registration, Source, VERSION, Web};

fn published(name: &str, prefix: &str, code: &'static str, mode: Mode) -> Arc<Published> {
    let file = File::new("plugin.js", code.into(), Cache::Immutable);
    let web = Web { mode, config: json!({ "public": name }) };
    let registration = Registration {
        version: VERSION,
        name: name.into(),
        kind: Kind::Js,
        engine: None,
        prefix: prefix.into(),
        sha256: file.sha256,
        file_name: "plugin.js".into(),
        config: json!("SECRET"),
        limits: Limits::default(),
        grants: Grants { env: vec![("KEY".into(), "SECRET".into())], ..Grants::default() },
        source: Source::Api,
        uid_slot: None,
        probe: Some("/SECRET".into()),
        disabled: false,
        web: Some(web.clone()),
        created_ms: 1,
    };
    Arc::new(Published::new(&registration, &web, vec![("plugin.js".into(), code.into())]))
}

fn manifest(site: &Site) -> Value {
    serde_json::from_slice(&site.find("/_valor/manifest.json").unwrap().body).unwrap()
}

fn path(one: &Published) -> String {
    format!("/_valor/plugins/{}.js", one.digest)
}

#[test]
fn nothing_is_there_before_something_is_published() {
    let none: Arc<Site> = Arc::default();
    assert!(none.find("/_valor/manifest.json").is_none() && none.bundle().is_empty());
    let same = Site::next(&none, Vec::new(), &["/x"]);
    assert!(Arc::ptr_eq(&none, &same), "a change of other routes is none of the site");
    let site = Site::next(&none, vec![published("a", "/a", "1", Mode::Local)], &[]);
    assert!(site.find("/_valor/manifest.json").is_some());
    assert!(Site::next(&site, Vec::new(), &[]).find("/_valor/manifest.json").is_none());
}

#[test]
fn the_manifest_says_what_is_published_and_no_more() {
    let (a, b) = (published("a", "/a", "1", Mode::Local), published("b", "/b", "2", Mode::LocalWithFallback));
    let site = Site::next(&Arc::default(), vec![b, Arc::clone(&a)], &["/a/inner", "/ab", "/z", "/a"]);
    let text = manifest(&site);
    assert_eq!(text["version"], 1);
    assert_eq!(text["elsewhere"], json!(["/a/inner"]), "only what is inside");
    let expected = json!({
        "name": "a", "prefix": "/a", "kind": "js", "mode": "local", "digest": a.digest, "entry": path(&a),
        "config": { "public": "a" }, "timeout_ms": 30000,
    });
    assert_eq!(text["plugins"][0], expected);
    assert_eq!(text["plugins"][1]["mode"], "local-with-fallback");
    for (name, file) in site.bundle() {
        assert!(!String::from_utf8_lossy(&file.body).contains("SECRET"), "{name}");
    }
}

#[test]
fn a_plugin_at_the_root_holds_all_others() {
    let root = published("a", "/", "1", Mode::Local);
    let site = Site::next(&Arc::default(), vec![root], &["/b", "/c/d"]);
    assert_eq!(manifest(&site)["elsewhere"], json!(["/b", "/c/d"]));
}

#[test]
fn what_never_runs_in_a_browser_has_no_code_there() {
    let one = published("a", "/a", "1", Mode::Server);
    let site = Site::next(&Arc::default(), vec![Arc::clone(&one)], &[]);
    assert!(site.find(&path(&one)).is_none());
    assert_eq!(manifest(&site)["plugins"][0].get("entry"), None);
}

#[test]
fn one_former_version_stays_for_updates_and_no_more() {
    let versions = ["1", "2", "3"].map(|code| published("a", "/a", code, Mode::Local));
    let mut site: Arc<Site> = Arc::default();
    for one in &versions {
        site = Site::next(&site, vec![Arc::clone(one)], &[]);
    }
    let there = versions.each_ref().map(|one| site.find(&path(one)).is_some());
    assert_eq!(there, [false, true, true]);
    // Another setting of the same code keeps it.
    let moved = published("a", "/moved", "3", Mode::Local);
    site = Site::next(&site, vec![moved], &[]);
    assert!(site.find(&path(&versions[1])).is_some());
    let bundle: Vec<String> = site.bundle().into_iter().map(|(path, _)| path).collect();
    assert!(!bundle.iter().any(|path| path.contains(&versions[1].digest)), "the bundle is the latest only");
    // Another plugin is published, and this one not any more: all of it is gone.
    site = Site::next(&site, vec![published("b", "/b", "4", Mode::Local)], &[]);
    assert!(versions.iter().all(|one| site.find(&path(one)).is_none()));
}

#[test]
fn files_say_what_they_are() {
    let header = |file: &File, name: &str| {
        let found = file.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.to_str().unwrap()).to_owned()
    };
    let worker = File::new("worker.js", "x".repeat(1000).into(), Cache::No);
    assert_eq!(header(&worker, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&worker, "cache-control"), "no-cache");
    assert!(header(&worker, "content-security-policy").contains("'wasm-unsafe-eval'"));
    assert_eq!(header(&worker, "cross-origin-embedder-policy"), "require-corp");
    assert_eq!(header(&File::new("sw.js", "x".into(), Cache::No), "service-worker-allowed"), "/");
    let wasm = File::new("plugin.wasm", "x".into(), Cache::Immutable);
    assert_eq!(header(&wasm, "content-type"), "application/wasm");
    assert!(header(&wasm, "cache-control").contains("immutable"));
    assert_eq!(header(&wasm, "x-content-type-options"), "nosniff");
    assert_eq!(header(&wasm, "service-worker-allowed"), "");
    let gzip = worker.gzip.clone().expect("what repeats is shorter when it is compressed");
    let mut whole = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut whole).unwrap();
    assert_eq!(whole, "x".repeat(1000));
    assert!(
        wasm.gzip.is_none()
            && wasm.etag(false) != worker.etag(false)
            && worker.etag(true) != worker.etag(false)
    );
}
