//! Replace, the orders, and events.

use super::*;
use valor_control::v1::replace_request::Part as Piece;

async fn replace(
    daemon: &Daemon,
    spec: v1::ReplaceSpec,
    chunks: Vec<Vec<u8>>,
) -> Result<v1::RegisterResponse, Status> {
    let chunks = chunks.into_iter().map(Piece::Chunk);
    let parts = std::iter::once(Piece::Spec(spec)).chain(chunks);
    let messages: Vec<_> = parts.map(|part| v1::ReplaceRequest { part: Some(part) }).collect();
    let reply = daemon.client().await.replace(tokio_stream::iter(messages)).await;
    reply.map(tonic::Response::into_inner)
}

fn change() -> v1::ReplaceSpec {
    v1::ReplaceSpec { name: "hello".into(), ..v1::ReplaceSpec::default() }
}

fn kept(daemon: &Daemon) -> Registration {
    daemon.host.plugins.lock().unwrap()["hello"].0.clone()
}

#[tokio::test]
async fn what_is_not_named_stays() {
    let daemon = Daemon::start();
    let asked = PluginSpec { config: "7".into(), probe: "/health".into(), prefix: "/deep".into(), ..spec() };
    daemon.register(asked, chunks()).await.unwrap();
    let before = kept(&daemon);
    let limits = Some(v1::Limits { queue: Some(0), ..v1::Limits::default() });
    let reply = replace(&daemon, v1::ReplaceSpec { limits, ..change() }, Vec::new()).await.unwrap();
    assert!(reply.replaced);
    let after = kept(&daemon);
    assert_eq!(after.limits.queue, 0);
    let same = Registration { limits: before.limits.clone(), created_ms: before.created_ms, ..after };
    assert_eq!(same, before);

    // Another artifact, checked as at a registration.
    use sha2::Digest as _;
    let bytes = b"\x7fELF but newer";
    let sha256: String = sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    let newer = || v1::ReplaceSpec {
        file_name: "libnewer.so".into(),
        sha256: sha256.clone(),
        size: bytes.len() as u64,
        ..change()
    };
    let cut = replace(&daemon, newer(), vec![bytes[1..].to_vec()]).await.unwrap_err();
    assert_eq!((cut.code(), reason(&cut).as_str()), (Code::DataLoss, "UPLOAD_DAMAGED"));
    assert_eq!(kept(&daemon).sha256, before.sha256);
    replace(&daemon, newer(), bytes.chunks(4).map(<[u8]>::to_vec).collect()).await.unwrap();
    let after = kept(&daemon);
    assert_eq!((after.sha256, after.file_name), (sha256, "libnewer.so".to_owned()));
    assert_eq!((after.config, after.probe.as_deref()), (before.config, Some("/health")));
}

#[tokio::test]
async fn bad_changes_change_nothing() {
    let daemon = Daemon::start();
    daemon.register(spec(), chunks()).await.unwrap();
    let before = kept(&daemon);
    let nobody = v1::ReplaceSpec { name: "nobody".into(), ..change() };
    let status = replace(&daemon, nobody, Vec::new()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    let wrong = v1::ReplaceSpec { probe: Some("health".into()), prefix: "/_x".into(), ..change() };
    let status = replace(&daemon, wrong, Vec::new()).await.unwrap_err();
    let fields: Vec<_> =
        status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect();
    assert_eq!(
        (status.code(), fields),
        (Code::InvalidArgument, vec!["prefix".to_owned(), "probe".to_owned()])
    );
    let failing = v1::ReplaceSpec { config: "\"fail\"".into(), ..change() };
    let status = replace(&daemon, failing, Vec::new()).await.unwrap_err();
    assert_eq!((status.code(), noted(&status, "output").as_str()), (Code::Unknown, "last words"));
    // A chunk before the spec, and no spec at all.
    for parts in [vec![v1::ReplaceRequest { part: Some(Piece::Chunk(vec![1])) }], Vec::new()] {
        let status = daemon.client().await.replace(tokio_stream::iter(parts)).await.unwrap_err();
        assert_eq!(reason(&status), "UPLOAD_FAILED");
    }
    assert_eq!(kept(&daemon), before);
}

#[tokio::test]
async fn orders_and_their_events() {
    let daemon = Daemon::start();
    daemon.register(spec(), chunks()).await.unwrap();
    let mut client = daemon.client().await;
    let follow = v1::EventsRequest { follow: true, ..v1::EventsRequest::default() };
    let mut events = client.events(follow).await.unwrap().into_inner();
    let name = || "hello".to_owned();
    let (now, later) = (true, false);
    let order = client.disable(v1::DisableRequest { name: name(), no_wait: now }).await.unwrap();
    assert_eq!(order.into_inner().plugin.unwrap().state, "draining");
    let order = client.disable(v1::DisableRequest { name: name(), no_wait: later }).await.unwrap();
    assert_eq!(order.into_inner().plugin.unwrap().state, "disabled");
    let order = client.drain(v1::DrainRequest { name: name(), no_wait: later }).await.unwrap();
    assert_eq!(order.into_inner().plugin.unwrap().state, "stopped");
    let order = client.enable(v1::EnableRequest { name: name(), no_wait: later }).await.unwrap();
    assert_eq!(order.into_inner().plugin.unwrap().state, "ready");
    let uid = crate::sys::users::own_uid();
    for (serial, state) in [(1, "draining"), (2, "disabled"), (3, "stopped"), (4, "ready")] {
        let event = events.message().await.unwrap().unwrap();
        assert_eq!((event.serial, event.state.as_str(), event.cause.as_str()), (serial, state, "operator"));
        assert_eq!(event.by, Some(v1::Caller { uid, pid: std::process::id() }));
    }
    for status in [
        client.enable(v1::EnableRequest { name: "x".into(), no_wait: now }).await.unwrap_err(),
        client.disable(v1::DisableRequest { name: "x".into(), no_wait: now }).await.unwrap_err(),
        client.drain(v1::DrainRequest { name: "x".into(), no_wait: now }).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    }
    // Stopping ends those who follow.
    daemon.stop.cancel();
    assert!(events.message().await.unwrap().is_none());
}
