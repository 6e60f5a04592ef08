//! What WASI gives a component is what was granted: hosts, directories, variables; and no sockets.

use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use tempfile::TempDir;
use valor_control::v1::Grants;

use super::{granted, spec, with};
use crate::daemon::directory;
use crate::fetch::outside;
use crate::harness::Valord;

#[tokio::test]
async fn requests_go_where_they_may() {
    let (allowed, other) = (outside().await, outside().await);
    let valord =
        with(|spec| granted(spec, Grants { net: vec![allowed.to_string()], ..Grants::default() })).await;
    let got = valord.get(&format!("/x/fetch?http://{allowed}/y")).await;
    assert_eq!((got.status, got.text()), (200, "outside /y"));
    let sent = valord.send("POST", &format!("/x/relay?http://{allowed}/z"), "a body").await;
    assert_eq!((sent.status, sent.text()), (200, "outside /z"));
    for url in [
        format!("http://{other}/y"),
        format!("http://localhost:{}/", other.port()),
        "http://169.254.169.254/".to_owned(),
    ] {
        let refused = valord.get(&format!("/x/fetch?{url}")).await;
        assert_eq!(
            (refused.status, refused.text().contains("HttpRequestDenied")),
            (502, true),
            "{url}: {refused:?}"
        );
    }
    // There are no sockets.
    let connected = valord.get(&format!("/x/connect?{allowed}")).await;
    assert!(connected.text().starts_with("refused"), "{connected:?}");
    valord.stop().await;
}

/// Other plugins are reached by the front's own address, as anybody reaches them.
#[tokio::test]
async fn bodies_are_relayed_as_they_come() {
    let valord = Valord::start().await;
    let own = Grants { net: vec![valord.address.to_string()], ..Grants::default() };
    valord.register(granted(spec("x"), own)).await;
    valord.register(spec("y")).await;
    let body: Bytes = (0..2_000_000_u32).map(|i| (i % 251) as u8).collect();
    let answer =
        valord.send("POST", &format!("/x/relay?http://{}/y/echo", valord.address), body.clone()).await;
    assert!(answer.status == 200 && answer.body == body, "{} {}", answer.status, answer.body.len());
    assert_eq!(valord.plugin("y").await.requests, 1);
    valord.stop().await;
}

/// A directory that plugins of every uid may enter and change, with a file in it.
fn shared() -> TempDir {
    let dir = directory();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::write(dir.path().join("file"), "content").unwrap();
    dir
}

#[tokio::test]
async fn files_are_those_of_granted_directories() {
    let (readable, writable, other) = (shared(), shared(), shared());
    let path = |dir: &TempDir, file: &str| dir.path().join(file).to_str().unwrap().to_owned();
    let whole = |dir: &TempDir| vec![dir.path().to_str().unwrap().to_owned()];
    let grants = Grants { read: whole(&readable), write: whole(&writable), ..Grants::default() };
    let valord = with(|spec| granted(spec, grants)).await;
    let read = async |path: String| valord.get(&format!("/x/read?{path}")).await.text().to_owned();
    let write =
        async |path: String| valord.send("POST", &format!("/x/write?{path}"), "new").await.text().to_owned();
    assert_eq!(read(path(&readable, "file")).await, "content");
    assert_eq!(read(path(&writable, "file")).await, "content");
    assert_eq!(write(path(&writable, "made")).await, "written");
    assert_eq!(std::fs::read_to_string(writable.path().join("made")).unwrap(), "new");
    assert!(write(path(&readable, "made")).await.starts_with("refused"));
    assert!(write(path(&readable, "file")).await.starts_with("refused"));
    assert!(!readable.path().join("made").exists());
    let up = format!("{}/../{}/file", readable.path().display(), other.path().file_name().unwrap().display());
    for hidden in [
        path(&other, "file"),
        up,
        "/etc/passwd".to_owned(),
        "/proc/self/status".to_owned(),
        "file".to_owned(),
    ] {
        assert!(read(hidden.clone()).await.starts_with("refused"), "{hidden}");
    }
    // A link does not lead out.
    std::os::unix::fs::symlink("/etc/passwd", writable.path().join("link")).unwrap();
    assert!(read(path(&writable, "link")).await.starts_with("refused"));
    valord.stop().await;
}

#[tokio::test]
async fn without_grants_there_is_only_its_own_directory() {
    let valord = with(|spec| spec).await;
    assert_eq!(valord.get("/x/env").await.text(), "");
    for path in ["/", "/etc", "/tmp", "."] {
        assert!(valord.get(&format!("/x/list?{path}")).await.text().starts_with("refused"), "{path}");
    }
    assert_eq!(valord.send("POST", "/x/write?/data/note", "kept").await.text(), "written");
    assert_eq!(valord.get("/x/read?/data/note").await.text(), "kept");
    let valord = Valord::start_in(valord.stop().await, |_| {}).await;
    valord.until_state("x", "ready").await;
    assert_eq!(valord.get("/x/read?/data/note").await.text(), "kept");
    valord.stop().await;
}

/// What cannot be handed out is not there, and the log says so.
#[tokio::test]
async fn a_file_that_was_granted_is_named_in_the_log() {
    let dir = shared();
    let file = dir.path().join("file").to_str().unwrap().to_owned();
    let valord = with(|spec| granted(spec, Grants { read: vec![file.clone()], ..Grants::default() })).await;
    let log = valord.until_logged("x", "a component gets directories only").await;
    assert!(log.contains(&file), "{log}");
    assert!(valord.get(&format!("/x/read?{file}")).await.text().starts_with("refused"));
    valord.stop().await;
}
