//! An axum `Router` as a plugin: extractors, state and everything else of axum as one knows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use valor::{Context, vlugin};

/// The router. It is made once and cloned for every worker, so its state is one.
#[vlugin]
pub fn service(_cx: &Context) -> Router {
    Router::new()
        .route("/", get(|| async { "an axum router in a vlugin: try /notes\n" }))
        .route("/hello/{name}", get(hello))
        .route("/notes", get(list).post(add))
        .with_state(Notes::default())
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<u64, String>>>);

#[derive(Serialize, Deserialize)]
struct Note {
    text: String,
}

#[derive(Deserialize)]
struct Filter {
    contains: Option<String>,
}

async fn hello(Path(name): Path<String>) -> String {
    format!("hello, {name}\n")
}

async fn list(State(notes): State<Notes>, Query(filter): Query<Filter>) -> Json<BTreeMap<u64, String>> {
    let notes = notes.0.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = |text: &str| filter.contains.as_deref().is_none_or(|part| text.contains(part));
    Json(notes.iter().filter(|(_, text)| wanted(text)).map(|(id, text)| (*id, text.clone())).collect())
}

async fn add(State(notes): State<Notes>, Json(note): Json<Note>) -> (StatusCode, Json<u64>) {
    let mut notes = notes.0.lock().unwrap_or_else(PoisonError::into_inner);
    let id = notes.last_key_value().map_or(1, |(last, _)| last + 1);
    // An example: what a client posts must not fill the memory.
    if notes.len() == 1000 {
        notes.pop_first();
    }
    notes.insert(id, note.text);
    (StatusCode::CREATED, Json(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use valor::{http, test};

    #[test]
    fn routes_extract_and_keep_state() {
        let plugin = test::start(vlugin(), ());
        assert_eq!(plugin.get("/hello/you").text(), "hello, you\n");
        for text in ["one", "two"] {
            let request =
                http::Request::post("/notes", "").unwrap().with_json(&Note { text: text.to_owned() });
            assert_eq!(plugin.send(request.unwrap()).status(), http::StatusCode::Created);
        }
        assert_eq!(plugin.get("/notes?contains=w").text(), r#"{"2":"two"}"#);
        assert_eq!(plugin.post("/notes", "{").status(), 415, "axum's own rules hold");
        assert_eq!(plugin.get("/nowhere").status(), 404);
    }
}
