//! What the peers of `daemon/benches` answer, too, and two bad neighbours.

#![expect(clippy::disallowed_methods, reason = "told to block its worker")]

use valor::{http, vlugin};

/// Answers by path; anything else is hello.
#[vlugin]
pub async fn on_request(mut request: http::Request) -> http::Response {
    match request.uri().path() {
        "/echo" => request.take_body().into(),
        // The worker answers nothing any more, pings neither.
        "/hang" => loop {
            std::thread::sleep(std::time::Duration::from_secs(60));
        },
        "/crash" => std::process::abort(),
        _ => "OK response from a plugin".into(),
    }
}
