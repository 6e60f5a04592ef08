//! The example `notes`, against a database that others have written.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use valor_control::v1::Grants;

use crate::artifacts::{command, root};
use crate::client::{Answer, Spec};
use crate::daemon::directory;
use crate::harness::{PATIENCE, Valord};

/// A PouchDB Server that keeps everything in memory.
struct Database {
    server: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Database {
    async fn start() -> Self {
        let installed = command(root().join("sdk/web/tools/pouchdb.sh")).stderr(Stdio::inherit()).output();
        let installed = installed.unwrap();
        assert!(installed.status.success(), "PouchDB Server cannot be installed: node.js and npm are needed");
        let program = String::from_utf8(installed.stdout).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let dir = directory();
        let server = command("node")
            .args([program.trim(), "--in-memory", "--no-color-logs", "--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn();
        let server = server.expect("node.js is needed");
        let database = Self { server, address: (Ipv4Addr::LOCALHOST, port).into(), _dir: dir };
        let listening = async {
            while tokio::net::TcpStream::connect(database.address).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listening).await.expect("PouchDB Server does not listen");
        database
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

async fn with(database: &Database, net: Vec<String>) -> Valord {
    let valord = Valord::start().await;
    let config = json!({ "database": format!("http://{}/notes", database.address) });
    let spec = Spec::new(root().join("examples/notes/notes.js"), "notes").config(&config);
    valord.register(spec.change(|spec| spec.grants = Some(Grants { net, ..Grants::default() }))).await;
    valord
}

#[tokio::test]
async fn notes_are_kept_in_a_real_database() {
    let database = Database::start().await;
    let valord = with(&database, vec![database.address.to_string()]).await;
    let empty = valord.get("/notes").await;
    assert_eq!(
        (empty.status, value(&empty)),
        (200, json!([])),
        "the database is made when it is first needed"
    );

    let made = valord.send("POST", "/notes", r#"{"text":"buy milk ☕"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let note = value(&made);
    let (id, rev) = (note["id"].as_str().unwrap(), note["rev"].as_str().unwrap());
    assert_eq!(made.header("location"), format!("./{id}"));
    let path = format!("/notes/{id}");
    assert_eq!(value(&valord.get(&path).await), note);
    assert_eq!(value(&valord.get("/notes").await), json!([note]));
    // The database itself has it, not a memory of the plugin.
    valord.unregister("notes").await.unwrap();
    valord.stop().await;
    let valord = with(&database, vec![database.address.to_string()]).await;
    assert_eq!(value(&valord.get(&path).await)["text"], "buy milk ☕");

    let change = |text: &str, rev: &str| json!({ "text": text, "rev": rev }).to_string();
    let changed = valord.send("PUT", &path, change("buy bread", rev)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let newer = value(&changed)["rev"].as_str().unwrap().to_owned();
    assert_ne!(newer, rev);
    let late = valord.send("PUT", &path, change("buy nothing", rev)).await;
    assert_eq!(
        (late.status, &value(&late)["error"]),
        (409, &json!("the note has changed meanwhile: read it again"))
    );
    assert_eq!(value(&valord.get(&path).await)["text"], "buy bread", "who was late has changed nothing");
    assert_eq!(valord.send("DELETE", &format!("{path}?rev={rev}"), "").await.status, 409);

    assert_eq!(valord.send("DELETE", &format!("{path}?rev={newer}"), "").await.status, 204);
    assert_eq!(valord.get(&path).await.status, 404);
    assert_eq!(value(&valord.get("/notes").await), json!([]));
    for (method, path, body, status) in [
        ("POST", "/notes", "no JSON", 400),
        ("POST", "/notes", r#"{"text":" "}"#, 400),
        ("PATCH", "/notes", "", 405),
        ("PUT", "/notes/x", r#"{"text":"no rev"}"#, 400),
        ("DELETE", "/notes/x", "", 400),
        ("GET", "/notes/_all_docs", "", 404),
    ] {
        let answer = valord.send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    }
    valord.stop().await;
}

#[tokio::test]
async fn without_a_grant_the_database_is_out_of_reach() {
    let database = Database::start().await;
    let valord = with(&database, Vec::new()).await;
    let answer = valord.get("/notes").await;
    assert_eq!((answer.status, &value(&answer)["error"]), (502, &json!("the database cannot be reached")));
    valord.until_logged("notes", "--allow-net").await;
    valord.stop().await;
}
