//! The corpus of requests (`sdk/corpus`): the same answers from every kind of plugin, byte for byte.

use std::path::PathBuf;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::artifacts::{built, guest, root};
use crate::client::{self, Answer, Spec};
use crate::harness::Valord;

const CORPUS: &str = include_str!("../../../sdk/corpus/corpus.json");
const OTHERS: &str = include_str!("../../../sdk/corpus/others.json");

/// One instance.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// As Cargo names it: of all kinds that one source can be.
    #[serde(default)]
    library: String,
    /// Or what is of one kind only: a file of the tree, or of what was built.
    #[serde(default)]
    file: String,
    #[serde(default)]
    config: Value,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default = "get")]
    method: String,
    target: String,
    #[serde(default)]
    send: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    answer: String,
}

fn get() -> String {
    "GET".to_owned()
}

const fn ok() -> u16 {
    200
}

async fn ask(valord: &Valord, name: &str, request: &Request) -> Answer {
    let mut asked =
        client::request(&request.method, &format!("/{name}{}", request.target), request.body.clone());
    for (field, value) in &request.send {
        let field: http::HeaderName = field.parse().unwrap();
        asked.headers_mut().insert(field, value.parse().unwrap());
    }
    client::whole(client::send(valord.address, asked).await.unwrap()).await.unwrap()
}

/// What is the plugin's own: without what the front adds, which differs each time.
fn own(headers: &HeaderMap) -> HeaderMap {
    let front = ["date", "x-correlation-id", "x-valor-plugin"];
    let own = headers.iter().filter(|(name, _)| !front.contains(&name.as_str()));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Asks everything of an entry, and returns the answers.
async fn run(
    valord: &Valord,
    name: &str,
    kind: &str,
    file: PathBuf,
    entry: &Entry,
) -> Vec<(u16, HeaderMap, String)> {
    let spec = Spec::new(file, name);
    let spec = if entry.config.is_null() { spec } else { spec.config(&entry.config) };
    assert_eq!(valord.register(spec).await.kind, kind);
    let mut answers = Vec::new();
    for request in &entry.requests {
        let got = ask(valord, name, request).await;
        let what = format!("{name}: {} {}", request.method, request.target);
        assert_eq!((got.status, got.text()), (request.status, &*request.answer), "{what}");
        for (field, value) in &request.headers {
            assert_eq!(got.header(field), value, "{what}: {field}");
        }
        answers.push((got.status, own(&got.headers), got.text().to_owned()));
    }
    answers
}

#[tokio::test]
async fn one_source_answers_the_same_natively_and_in_webassembly() {
    let valord = Valord::start().await;
    let entries: Vec<Entry> = serde_json::from_str(CORPUS).unwrap();
    assert!(entries.len() >= 5);
    for entry in entries {
        let library = &entry.library;
        let native = built(&format!("lib{library}.so"));
        let native = run(&valord, &format!("{library}-native"), "native", native, &entry).await;
        let wasm = run(&valord, &format!("{library}-wasm"), "wasm", guest(library), &entry).await;
        // All fields, and not only those that the corpus names.
        assert_eq!(native, wasm, "{library}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn javascript_and_components_answer_as_the_corpus_says() {
    let valord = Valord::start().await;
    let entries: Vec<Entry> = serde_json::from_str(OTHERS).unwrap();
    for entry in entries {
        let (kind, file) = match entry.file.strip_prefix("examples/") {
            Some(_) => ("js", root().join(&entry.file)),
            None => ("wasi", built(&entry.file)),
        };
        let name = file.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        run(&valord, &name, kind, file, &entry).await;
    }
    valord.stop().await;
}
