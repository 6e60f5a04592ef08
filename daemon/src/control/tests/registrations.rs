//! Registrations, good and bad.

use super::*;

#[tokio::test]
async fn what_was_asked_for_is_what_is_kept() {
    let daemon = Daemon::start();
    let asked = PluginSpec {
        name: "bob".into(),
        prefix: "/b/".into(),
        config: "{\"greeting\": \"Bob\"}".into(),
        limits: Some(v1::Limits { timeout_ms: 5, memory: 64 << 20, ..v1::Limits::default() }),
        grants: Some(v1::Grants {
            net: vec!["Example.org".into()],
            env: vec!["A=secret".into()],
            ..v1::Grants::default()
        }),
        ..spec()
    };
    daemon.register(asked, chunks()).await.unwrap();
    let all = daemon.store.load_all().unwrap();
    let [Entry::Good(kept)] = all.as_slice() else { panic!() };
    assert_eq!(
        (kept.name.as_str(), kept.prefix.as_str(), kept.file_name.as_str()),
        ("bob", "/b", "libhello.so")
    );
    assert_eq!(kept.config["greeting"], "Bob");
    assert_eq!((kept.limits.timeout, kept.limits.memory), (Duration::from_millis(5), 64 << 20));
    assert_eq!(kept.limits.queue, Limits::default().queue);
    assert_eq!(kept.grants.net, ["example.org"]);
    let request = v1::InspectRequest { name: "bob".into() };
    let shown = daemon.client().await.inspect(request).await.unwrap().into_inner();
    assert_eq!(shown.grants.unwrap().env, ["A"], "values may be secrets");
}

#[tokio::test]
async fn a_zero_that_means_something_is_not_the_default() {
    let daemon = Daemon::start();
    let none = v1::Limits { queue: Some(0), max_body: Some(0), ..v1::Limits::default() };
    daemon.register(PluginSpec { limits: Some(none), ..spec() }, chunks()).await.unwrap();
    let kept = daemon.host.plugins.lock().unwrap()["hello"].0.limits.clone();
    assert_eq!((kept.queue, kept.max_body), (0, 0));
    assert_eq!(kept.concurrency, Limits::default().concurrency, "a 0 that means nothing is");
    let request = v1::InspectRequest { name: "hello".into() };
    let shown = daemon.client().await.inspect(request).await.unwrap().into_inner().limits.unwrap();
    assert_eq!((shown.queue, shown.max_body), (Some(0), Some(0)));
}

#[tokio::test]
async fn the_manifest_names_and_asks() {
    let daemon = Daemon::start();
    let mut manifest = Manifest { name: "greeter".into(), ..Manifest::default() };
    manifest.permissions.net = vec!["example.org:443".into()];
    daemon.host.inspection.lock().unwrap().manifest = Some(manifest);
    let reply = daemon.register(spec(), chunks()).await.unwrap();
    assert_eq!(reply.plugin.unwrap().prefix, "/greeter");
    assert_eq!(reply.not_granted.unwrap().net, ["example.org:443"]);
    let asked = PluginSpec { grant_requested: true, replace: true, ..spec() };
    let reply = daemon.register(asked, chunks()).await.unwrap();
    assert!(reply.not_granted.unwrap().net.is_empty());
    assert_eq!(daemon.host.plugins.lock().unwrap()["greeter"].0.grants.net, ["example.org:443"]);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let daemon = Daemon::start();
    let wrong = PluginSpec {
        name: "../x".into(),
        file_name: "a\nb".into(),
        sha256: "ABC".into(),
        size: 0,
        prefix: "foo".into(),
        config: "{".into(),
        limits: Some(v1::Limits { instances: 70_000, memory: 1, ..v1::Limits::default() }),
        grants: Some(v1::Grants {
            net: vec!["http://x".into()],
            read: vec!["x".into()],
            ..v1::Grants::default()
        }),
        ..spec()
    };
    let status = daemon.register(wrong, chunks()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID"));
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    let expected = [
        "name",
        "file_name",
        "sha256",
        "size",
        "prefix",
        "config",
        "limits.instances",
        "grants.net[0]",
        "grants.read[0]",
    ];
    assert_eq!(fields, expected);
    let wrong = PluginSpec {
        limits: Some(v1::Limits { timeout_ms: u32::MAX, memory: 1, ..v1::Limits::default() }),
        ..spec()
    };
    let status = daemon.register(wrong, chunks()).await.unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(
        (violations[0].field.as_str(), violations[1].field.as_str()),
        ("limits.timeout_ms", "limits.memory")
    );
    let huge = PluginSpec { size: MAX_ARTIFACT + 1, ..spec() };
    let status = daemon.register(huge, chunks()).await.unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert!(violations[0].description.contains("strip the library"));
    assert_eq!(daemon.files("artifacts"), 0);
}

#[tokio::test]
async fn an_upload_that_is_not_what_was_agreed_leaves_nothing() {
    let daemon = Daemon::start();
    let other = PluginSpec { sha256: "0".repeat(64), ..spec() };
    for (spec, parts, code) in [
        (other, chunks(), Code::DataLoss),
        (spec(), Vec::new(), Code::DataLoss),
        (spec(), chunks()[1..].to_vec(), Code::DataLoss),
        (spec(), [chunks(), chunks()].concat(), Code::DataLoss),
        (spec(), vec![Part::Chunk(vec![0; valor_control::MAX_CHUNK + 1])], Code::DataLoss),
        (spec(), vec![Part::Spec(spec())], Code::DataLoss),
    ] {
        let status = daemon.register(spec, parts).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert_eq!(noted(&status, "step"), "upload");
        assert_eq!(daemon.files("artifacts"), 0, "{status:?}");
    }
    let backwards =
        vec![RegisterRequest { part: Some(Part::Chunk(vec![1])) }, RegisterRequest { part: None }];
    for messages in [backwards.clone(), backwards[1..].to_vec(), Vec::new()] {
        let status = daemon.client().await.register(tokio_stream::iter(messages)).await.unwrap_err();
        assert_eq!(reason(&status), "UPLOAD_FAILED");
    }
}

#[tokio::test]
async fn an_upload_that_stalls_is_given_up() {
    let short = Duration::from_millis(50);
    let patience = Patience { idle: short, ..Patience::default() };
    let daemon = Daemon::start_for(None, patience);
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    sender.send(RegisterRequest { part: Some(Part::Spec(spec())) }).await.unwrap();
    sender.send(RegisterRequest { part: Some(chunks()[0].clone()) }).await.unwrap();
    let messages = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let status = daemon.client().await.register(messages).await.unwrap_err();
    assert!(status.message().contains("nothing came for 50ms"), "{status:?}");
    assert_eq!(daemon.files("artifacts"), 0);
    drop(sender);
}

#[tokio::test]
async fn an_upload_that_trickles_is_given_up() {
    let patience = Patience { total: Duration::from_millis(200), ..Patience::default() };
    let daemon = Daemon::start_for(None, patience);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let trickle = tokio::spawn(async move {
        let long = PluginSpec { size: 512 << 20, ..spec() };
        let mut message = RegisterRequest { part: Some(Part::Spec(long)) };
        // A byte at a time, for as long as anybody takes it.
        while sender.send(message).await.is_ok() {
            message = RegisterRequest { part: Some(Part::Chunk(vec![1])) };
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let messages = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let status = daemon.client().await.register(messages).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "UPLOAD_FAILED"));
    assert_eq!(status.message(), "it took longer than 200ms; send the file from nearer");
    trickle.await.unwrap();
    assert_eq!(daemon.files("artifacts"), 0);
}

#[tokio::test]
async fn a_plugin_that_does_not_start_leaves_nothing_but_its_last_words() {
    let daemon = Daemon::start();
    let failing = PluginSpec { config: "\"fail\"".into(), ..spec() };
    let status = daemon.register(failing, chunks()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unknown, "PLUGIN_FAILED"));
    assert_eq!(status.message(), "on_create failed");
    let notes = ["step", "cure", "output"].map(|key| noted(&status, key));
    assert_eq!(notes, ["create", "do better", "last words"]);
    assert_eq!((daemon.files("artifacts"), daemon.files("plugins")), (0, 0));

    daemon.host.inspection.lock().unwrap().problem = Some(Problem {
        step: "architecture".into(),
        message: "for aarch64".into(),
        cure: "build for x86_64".into(),
    });
    let status = daemon.register(spec(), chunks()).await.unwrap_err();
    assert_eq!(status.message(), "for aarch64");
    assert_eq!(
        (noted(&status, "step"), noted(&status, "cure")),
        ("architecture".into(), "build for x86_64".into())
    );
    assert_eq!(reason(&status), "ARTIFACT_UNUSABLE");
    assert_eq!(daemon.files("artifacts"), 0);
}
