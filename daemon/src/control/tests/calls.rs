//! The other verbs, and callers of all sorts.

use super::*;

#[tokio::test]
async fn a_plugin_comes_lives_and_goes() {
    let daemon = Daemon::start();
    let reply = daemon.register(spec(), chunks()).await.unwrap();
    let plugin = reply.plugin.unwrap();
    assert_eq!(
        (plugin.name.as_str(), plugin.prefix.as_str(), plugin.state.as_str()),
        ("hello", "/hello", "ready")
    );
    assert_eq!((plugin.source.as_str(), reply.replaced), ("api", false));
    assert_eq!(daemon.files("artifacts"), 1);

    let taken = daemon.register(spec(), chunks()).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "NAME_TAKEN"));
    assert_eq!(taken.get_details_resource_info().unwrap().resource_type, "plugin");
    assert_eq!(daemon.files("artifacts"), 1, "the artifact of the first is the same one, and stays");
    let reply = daemon.register(PluginSpec { replace: true, ..spec() }, chunks()).await.unwrap();
    assert!(reply.replaced);

    let mut client = daemon.client().await;
    let listed = client.list(v1::ListRequest {}).await.unwrap().into_inner().plugins;
    assert_eq!((listed.len(), listed[0].requests), (1, 3));
    let name = || "hello".to_owned();
    let detail = client.inspect(v1::InspectRequest { name: name() }).await.unwrap().into_inner();
    assert_eq!(detail.limits.unwrap().timeout_ms, 30_000);
    client.restart(v1::RestartRequest { name: name(), no_wait: false }).await.unwrap();
    let routes = client.routes(v1::RoutesRequest {}).await.unwrap().into_inner().routes;
    assert_eq!((routes[0].prefix.as_str(), routes[0].plugin.as_str()), ("/hello", "hello"));
    let info = client.info(v1::InfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.version.as_str(), info.pid, info.plugins), ("0.1.0", std::process::id(), 1));
    assert!(info.policy.contains(&"no-network".to_owned()));

    client.unregister(v1::UnregisterRequest { name: name() }).await.unwrap();
    assert_eq!((daemon.files("artifacts"), daemon.files("plugins")), (0, 0));
    for status in [
        client.unregister(v1::UnregisterRequest { name: name() }).await.unwrap_err(),
        client.inspect(v1::InspectRequest { name: name() }).await.unwrap_err(),
        client.restart(v1::RestartRequest { name: name(), no_wait: false }).await.unwrap_err(),
        client.logs(v1::LogsRequest { name: name(), ..v1::LogsRequest::default() }).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
        assert!(!noted(&status, "cure").is_empty());
    }
}

#[tokio::test]
async fn a_defect_is_an_answer_and_the_daemon_lives() {
    let daemon = Daemon::start();
    let breaking = PluginSpec { config: "\"break\"".into(), ..spec() };
    let status = daemon.register(breaking, chunks()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "DEFECT"));
    daemon.register(spec(), chunks()).await.unwrap();
}

#[tokio::test]
async fn strangers_get_nothing_not_even_health() {
    let daemon = Daemon::start_for(Some(Access::for_nobody()), Patience::default());
    let status = daemon.client().await.list(v1::ListRequest {}).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "NOT_PERMITTED"));
    let mut health = tonic_health::pb::health_client::HealthClient::new(daemon.channel().await);
    let request = tonic_health::pb::HealthCheckRequest { service: String::new() };
    assert_eq!(health.check(request).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn health_and_reflection_are_there() {
    let daemon = Daemon::start();
    let mut health = tonic_health::pb::health_client::HealthClient::new(daemon.channel().await);
    for service in ["", "valor.control.v1.Control"] {
        let request = tonic_health::pb::HealthCheckRequest { service: service.into() };
        assert_eq!(health.check(request).await.unwrap().into_inner().status, 1, "{service}");
    }
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let request = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(daemon.channel().await);
    let mut replies =
        client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        replies.message().await.unwrap().unwrap().message_response
    else {
        panic!()
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(
        names.contains(&"valor.control.v1.Control") && names.contains(&"grpc.health.v1.Health"),
        "{names:?}"
    );
}

#[tokio::test]
async fn stopping_ends_those_who_follow() {
    let daemon = Daemon::start();
    daemon.register(spec(), chunks()).await.unwrap();
    let book = daemon.host.logs("hello").unwrap();
    let mut client = daemon.client().await;
    let request = v1::LogsRequest { name: "hello".into(), follow: true, ..v1::LogsRequest::default() };
    let mut lines = client.logs(request).await.unwrap().into_inner();
    book.push(crate::supervisor::LogStream::Log, crate::supervisor::logs::LogLevel::Warn, "mod", "hey");
    let line = lines.message().await.unwrap().unwrap();
    assert_eq!((line.message.as_str(), line.level.as_str(), line.target.as_str()), ("hey", "warn", "mod"));
    daemon.stop.cancel();
    assert!(lines.message().await.unwrap().is_none());
    drop((lines, client));
    daemon.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_hundred_callers_are_served() {
    let daemon = Daemon::start();
    let calls = (0..100).map(|n| {
        let named = PluginSpec { name: format!("p{n}"), ..spec() };
        daemon.register(named, chunks())
    });
    let replies = futures_util::future::join_all(calls).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    assert_eq!((daemon.files("plugins"), daemon.files("artifacts")), (100, 1));
}

#[tokio::test]
async fn gibberish_hurts_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let daemon = Daemon::start();
    let path = daemon.dir.path().join("control.sock");
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64 * 1024],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff",
    ] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let _sent = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _closed = stream.read_to_end(&mut answer).await;
    }
    daemon.register(spec(), chunks()).await.unwrap();
}
