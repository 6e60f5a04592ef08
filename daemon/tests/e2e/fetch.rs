//! What plugins fetch: other plugins, hosts that were granted, and nothing else.

use std::net::SocketAddr;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use crate::artifacts::built;
use crate::client::Spec;
use crate::harness::Valord;

/// A server outside: answers with the path, or redirects where the query says.
pub(crate) async fn outside() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let mut response = http::Response::new(format!("outside {}", request.uri().path()));
                if let Some(to) = request.uri().query() {
                    *response.status_mut() = http::StatusCode::FOUND;
                    response.headers_mut().insert("location", to.parse().unwrap());
                }
                Ok::<_, std::convert::Infallible>(response)
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

fn fetcher(net: &[String]) -> Spec {
    let grants = valor_control::v1::Grants { net: net.to_vec(), ..Default::default() };
    Spec::new(built("libfetch_plugin.so"), "fetch").change(|spec| spec.grants = Some(grants))
}

#[tokio::test]
async fn plugins_call_each_other_without_a_grant() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    valord.register(fetcher(&[])).await;
    let answer = valord.get("/fetch?url=/hello").await;
    assert_eq!((answer.status, answer.text()), (200, "OK response from a plugin"));
    assert_eq!(valord.plugin("hello").await.requests, 1);
    // Through itself, as often as it may.
    let through = |times: usize| "/fetch?url=".repeat(times) + "/hello";
    assert_eq!(valord.get(&through(4)).await.text(), "OK response from a plugin");
    let deep = valord.get(&through(20)).await;
    assert_eq!(deep.status, 502, "{deep:?}");
    assert!(valord.plugin("fetch").await.requests < 20);
    valord.stop().await;
}

#[tokio::test]
async fn a_host_that_was_granted_answers_and_others_do_not() {
    let (granted, other) = (outside().await, outside().await);
    let valord = Valord::start().await;
    valord.register(fetcher(&[granted.to_string()])).await;
    let answer = valord.get(&format!("/fetch?url=http://{granted}/x")).await;
    assert_eq!((answer.status, answer.text()), (200, "outside /x"));
    for url in [
        format!("http://{other}/x"),
        format!("http://localhost:{}/x", other.port()),
        format!("http://{granted}/x?http://{other}/y"),
        format!("http://{}/_health", valord.address),
        "http://169.254.169.254/".to_owned(),
    ] {
        let answer = valord.get(&format!("/fetch?url={url}")).await;
        assert_eq!(answer.status, 502, "{url}: {answer:?}");
    }
    valord.stop().await;
}
