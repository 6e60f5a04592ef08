//! The client against small servers on this machine.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::client::Client;
use super::{Policy, without_query};
use crate::link::{Body, FetchErrorKind};
use crate::plugin::Grants;

/// A server that answers each connection's first request with the next of `answers`; gives back what it was asked.
async fn server(answers: Vec<String>) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::task::spawn_local(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let mut head = String::from_utf8(head).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            head.push_str(&String::from_utf8(body).unwrap());
            asked.push(head);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (port, task)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

fn client(grants: &[String]) -> Client {
    let grants = Grants { net: grants.to_vec(), ..Grants::default() };
    Client::new(Policy::new(&grants, &[]), Duration::from_secs(5), Duration::from_secs(5))
}

fn get(url: &str) -> Request<Body> {
    Request::get(url).header("authorization", "secret").body(Body::empty()).unwrap()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    runtime.block_on(
        local.run_until(async { tokio::time::timeout(Duration::from_secs(20), test).await.unwrap() }),
    );
}

#[test]
fn a_granted_address_answers_and_another_port_is_refused() {
    run(async {
        let (port, asked) = server(vec![ok("hello")]).await;
        let client = client(&[format!("127.0.0.1:{port}")]);
        let response = client.send(get(&format!("http://127.0.0.1:{port}/x?y=1")), true).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
        assert!(asked.await.unwrap()[0].starts_with("GET /x?y=1 HTTP/1.1\r\n"));

        let error = client.send(get("http://127.0.0.1:1/"), true).await.err().unwrap();
        assert_eq!(error.kind, FetchErrorKind::Refused);
        assert!(error.reason.contains("--allow-net 127.0.0.1:1"), "{error}");
    });
}

#[test]
fn localhost_is_granted_by_its_name() {
    run(async {
        let (port, _asked) = server(vec![ok("hello")]).await;
        let refused = client(&["192.168.0.0/16".to_owned()])
            .send(get(&format!("http://localhost:{port}/")), true)
            .await
            .err()
            .unwrap();
        assert_eq!(refused.kind, FetchErrorKind::Refused, "{refused}");
        let granted = client(&[format!("localhost:{port}")]);
        assert_eq!(
            granted.send(get(&format!("http://localhost:{port}/")), true).await.unwrap().status(),
            StatusCode::OK
        );
    });
}

#[test]
fn neither_credentials_nor_queries_are_written_down() {
    let uri = "https://user:secret@example.org:8443/path?token=secret".parse().unwrap();
    assert_eq!(without_query(&uri), "https://example.org:8443/path");
    assert_eq!(without_query(&"/hello?token=secret".parse().unwrap()), "/hello");
}

#[test]
fn each_redirect_needs_its_own_grant_and_leaves_credentials_behind() {
    run(async {
        let (second, asked) = server(vec![ok("there")]).await;
        let (first, _) = server(vec![
            redirect(&format!("http://127.0.0.1:{second}/moved")),
            redirect("http://127.0.0.1:1/"),
        ])
        .await;
        let client = client(&[format!("127.0.0.1:{first}"), format!("127.0.0.1:{second}")]);
        let response = client.send(get(&format!("http://127.0.0.1:{first}/")), true).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "there");
        let asked = asked.await.unwrap().remove(0);
        assert!(asked.starts_with("GET /moved "));
        assert!(!asked.contains("secret"), "credentials went to another origin: {asked}");

        let error = client.send(get(&format!("http://127.0.0.1:{first}/")), true).await.err().unwrap();
        assert_eq!(error.kind, FetchErrorKind::Refused);
    });
}

#[test]
fn a_redirect_is_left_to_a_plugin_that_wants_it() {
    run(async {
        let (port, asked) = server(vec![redirect("http://evil.test/")]).await;
        let client = client(&[format!("127.0.0.1:{port}")]);
        let response = client.send(get(&format!("http://127.0.0.1:{port}/")), false).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        assert_eq!(response.headers()["location"], "http://evil.test/");
        assert_eq!(asked.await.unwrap().len(), 1);
    });
}

#[test]
fn a_redirect_loop_ends() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::task::spawn_local(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let _read = stream.read(&mut head).await.unwrap();
                stream.write_all(redirect("/again").as_bytes()).await.unwrap();
            }
        });
        let error = client(&[format!("127.0.0.1:{port}")])
            .send(get(&format!("http://127.0.0.1:{port}/")), true)
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind, FetchErrorKind::Unreachable);
        assert!(error.reason.contains("more than 10 redirects"), "{error}");
    });
}

#[test]
fn other_schemes_and_dead_targets_say_so() {
    run(async {
        let client = client(&["127.0.0.1:1".to_owned()]);
        assert_eq!(
            client.send(get("ftp://127.0.0.1:1/"), true).await.err().unwrap().kind,
            FetchErrorKind::Refused
        );
        let error = client.send(get("http://127.0.0.1:1/"), true).await.err().unwrap();
        assert_eq!(error.kind, FetchErrorKind::Unreachable);
        assert!(error.reason.starts_with("cannot fetch from 127.0.0.1: "), "{error}");
    });
}

/// A client whose resolver gives the next of these answers each time, and the count of its questions.
fn resolving(grants: &[String], answers: Vec<&'static str>) -> (Client, Arc<AtomicUsize>) {
    let grants = Grants { net: grants.to_vec(), ..Grants::default() };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup = Arc::new(move |_: String, _: u16| {
        let answer: IpAddr = answers[count.fetch_add(1, Ordering::Relaxed) % answers.len()].parse().unwrap();
        Box::pin(std::future::ready(Ok(vec![answer]))) as futures_util::future::BoxFuture<'static, _>
    });
    let seconds = Duration::from_secs(5);
    (Client::with_lookup(Policy::new(&grants, &[]), seconds, seconds, lookup), asked)
}

#[test]
fn a_granted_name_that_leads_to_a_private_address_is_refused() {
    run(async {
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"] {
            let (client, _) = resolving(&["evil.test:80".to_owned()], vec![address]);
            let error = client.send(get("http://evil.test/"), true).await.err().unwrap();
            assert_eq!(error.kind, FetchErrorKind::Refused, "{address}: {error}");
            assert!(error.reason.contains("--allow-net"), "{error}");
        }
    });
}

#[test]
fn a_name_is_resolved_once_and_the_checked_address_is_the_one() {
    run(async {
        let (port, _asked) = server(vec![ok("hello")]).await;
        let grants = [format!("moving.test:{port}"), format!("127.0.0.1:{port}")];
        // A second answer would lead where nothing is granted.
        let (client, asked) = resolving(&grants, vec!["127.0.0.1", "10.0.0.1"]);
        let url = format!("http://moving.test:{port}/");
        assert_eq!(client.send(get(&url), true).await.unwrap().status(), StatusCode::OK);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let error = client.send(get(&url), true).await.err().unwrap();
        assert_eq!(error.kind, FetchErrorKind::Refused, "the next connection asks again: {error}");
    });
}

#[test]
fn what_is_not_granted_is_not_even_resolved() {
    run(async {
        let (client, asked) = resolving(&["good.test:80".to_owned()], vec!["1.1.1.1"]);
        for url in
            ["http://secret.evil.test/", "https://good.test/", "http://good.test:8080/", "http://10.0.0.1/"]
        {
            assert_eq!(
                client.send(get(url), true).await.err().unwrap().kind,
                FetchErrorKind::Refused,
                "{url}"
            );
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0, "a look-up tells somebody, too");
    });
}

#[test]
fn a_redirect_to_a_name_with_a_private_address_is_refused() {
    run(async {
        let (port, _asked) = server(vec![redirect("http://evil.test/")]).await;
        let (client, _) =
            resolving(&[format!("127.0.0.1:{port}"), "evil.test".to_owned()], vec!["127.0.0.1"]);
        let error = client.send(get(&format!("http://127.0.0.1:{port}/")), true).await.err().unwrap();
        assert_eq!(error.kind, FetchErrorKind::Refused, "{error}");
        assert!(
            error.reason.contains("evil.test resolves to 127.0.0.1, which is a loopback address"),
            "{error}"
        );
    });
}

#[test]
fn tunnels_and_bare_authorities_are_refused() {
    run(async {
        let client = client(&["127.0.0.1:1".to_owned()]);
        let tunnel = Request::connect("127.0.0.1:1").body(Body::empty()).unwrap();
        assert_eq!(client.send(tunnel, true).await.err().unwrap().kind, FetchErrorKind::Refused);
        let bare = Request::get("127.0.0.1:1").body(Body::empty()).unwrap();
        assert_eq!(client.send(bare, true).await.err().unwrap().kind, FetchErrorKind::Refused);
    });
}

#[test]
fn an_endless_response_head_is_cut_off() {
    run(async {
        let endless = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(100_000));
        let (port, _asked) = server(vec![endless]).await;
        let error = client(&[format!("127.0.0.1:{port}")])
            .send(get(&format!("http://127.0.0.1:{port}/")), true)
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind, FetchErrorKind::Unreachable, "{error}");
    });
}

#[test]
fn what_was_streamed_is_not_sent_twice() {
    run(async {
        let post = |port| {
            let request = Request::post(format!("http://127.0.0.1:{port}/")).header("content-length", "4");
            request.body(Body::whole("data".into())).unwrap()
        };
        let moved = |status: &str| redirect("/there").replace("302 Found", status);
        for status in ["307 Temporary Redirect", "308 Permanent Redirect"] {
            let (port, asked) = server(vec![moved(status)]).await;
            let response = client(&[format!("127.0.0.1:{port}")]).send(post(port), true).await.unwrap();
            assert!(status.starts_with(response.status().as_str()), "handed to the plugin as it is");
            assert_eq!(response.headers()["location"], "/there");
            assert!(asked.await.unwrap()[0].ends_with("\r\n\r\ndata"));
        }
        for status in ["301 Moved Permanently", "302 Found", "303 See Other"] {
            let (port, asked) =
                server(vec![moved(status), moved(status).replace("/there", "/further"), ok("end")]).await;
            let response = client(&[format!("127.0.0.1:{port}")]).send(post(port), true).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{status}");
            let asked = asked.await.unwrap();
            assert!(asked[0].starts_with("POST / ") && asked[1].starts_with("GET /there "), "{asked:?}");
            assert!(asked[2].starts_with("GET /further "), "{asked:?}");
            assert!(!asked[1].contains("content-length") && asked[1].ends_with("\r\n\r\n"), "{asked:?}");
        }
    });
}

#[test]
fn a_body_that_stalls_ends_with_an_error() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let _server = tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            while stream.read_u8().await.unwrap() != b'\n' {}
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
            std::future::pending::<()>().await;
        });
        let grants = Grants { net: vec![format!("127.0.0.1:{port}")], ..Grants::default() };
        let client =
            Client::new(Policy::new(&grants, &[]), Duration::from_millis(50), Duration::from_secs(5));
        let response = client.send(get(&format!("http://127.0.0.1:{port}/")), true).await.unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        assert!(error.to_string().contains("stalled for 50ms"), "{error}");
    });
}
