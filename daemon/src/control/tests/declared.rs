//! What a file of plugins asks for: diff, export, and artifacts that are here already.

use super::*;

/// All that is sent for a plugin that the store knows.
fn known() -> PluginSpec {
    PluginSpec { name: "x".into(), stored: true, size: 0, replace: true, ..spec() }
}

async fn diff(daemon: &Daemon, spec: PluginSpec) -> Result<v1::DiffResponse, Status> {
    let request = v1::DiffRequest { spec: Some(spec) };
    daemon.client().await.diff(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn an_artifact_that_is_here_is_not_sent_again() {
    let daemon = Daemon::start();
    let refused = daemon.register(known(), Vec::new()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "INVALID"));
    assert_eq!(noted(&refused, "step"), "stored", "{refused:?}");
    assert_eq!(daemon.files("artifacts"), 0);
    daemon.register(PluginSpec { name: "x".into(), ..spec() }, chunks()).await.unwrap();
    let moved = PluginSpec { prefix: "/moved".into(), ..known() };
    let answer = daemon.register(moved, Vec::new()).await.unwrap();
    assert_eq!((answer.replaced, answer.plugin.unwrap().prefix.as_str()), (true, "/moved"));
    assert_eq!(daemon.files("artifacts"), 1);

    // What is damaged is not here.
    let artifact = daemon.store.dir().join("artifacts").join(spec().sha256);
    std::fs::remove_file(&artifact).unwrap();
    std::fs::write(&artifact, "damaged").unwrap();
    assert!(!diff(&daemon, known()).await.unwrap().stored);
    assert_eq!(daemon.register(known(), Vec::new()).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn both_sides_of_a_difference_are_written_the_same_way() {
    let daemon = Daemon::start();
    let asked = PluginSpec {
        name: "x".into(),
        prefix: "/x/".into(),
        grants: Some(v1::Grants {
            net: vec!["b.example".into(), "A.Example:443".into()],
            env: vec!["A=secret".into()],
            ..v1::Grants::default()
        }),
        ..spec()
    };
    let new = diff(&daemon, asked.clone()).await.unwrap();
    assert_eq!((new.from, new.stored, new.source.as_str()), (None, false, ""));
    daemon.register(asked.clone(), chunks()).await.unwrap();
    let other_words = PluginSpec {
        prefix: String::new(),
        config: "null".into(),
        limits: Some(v1::Limits { queue: Some(Limits::default().queue), ..v1::Limits::default() }),
        grants: Some(v1::Grants {
            net: vec!["a.example:443".into(), "b.example".into()],
            ..asked.grants.clone().unwrap()
        }),
        ..asked.clone()
    };
    let same = diff(&daemon, other_words).await.unwrap();
    assert_eq!(same.from, same.to);
    assert_eq!((same.stored, same.source.as_str()), (true, "api"));
    assert_eq!(same.to.unwrap().grants.unwrap().env, ["A=secret"]);
    let timeout = Some(v1::Limits { total_timeout_ms: Some(5), ..v1::Limits::default() });
    let changed = diff(&daemon, PluginSpec { limits: timeout, ..asked }).await.unwrap();
    let total = |spec: Option<PluginSpec>| spec.unwrap().limits.unwrap().total_timeout_ms;
    assert_eq!((total(changed.from), total(changed.to)), (Some(0), Some(5)));
    let wrong =
        diff(&daemon, PluginSpec { prefix: "x".into(), sha256: "x".into(), ..known() }).await.unwrap_err();
    assert_eq!(wrong.get_details_bad_request().unwrap().field_violations.len(), 2);
    assert_eq!(diff(&daemon, PluginSpec::default()).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_exported_can_be_registered_and_is_the_same() {
    let daemon = Daemon::start();
    let request = || v1::ExportRequest { name: "x".into() };
    assert_eq!(daemon.client().await.export(request()).await.unwrap_err().code(), Code::NotFound);
    let config = r#"{"a":[1,2.5,null]}"#.to_owned();
    daemon
        .register(PluginSpec { name: "x".into(), config, disabled: true, ..spec() }, chunks())
        .await
        .unwrap();
    let exported = daemon.client().await.export(request()).await.unwrap().into_inner();
    let before = exported.spec.unwrap();
    assert!(before.disabled && exported.source == "api");
    let again = PluginSpec { stored: true, replace: true, ..before.clone() };
    daemon.register(again, Vec::new()).await.unwrap();
    assert_eq!(daemon.client().await.export(request()).await.unwrap().into_inner().spec, Some(before));
}
