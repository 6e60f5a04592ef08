//! A `wasi:http/proxy` component, which any host of those runs: `cargo build --release --target wasm32-wasip2`.

use wstd::http::{Body, Client, Error, Method, Request, Response, StatusCode};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let uri = request.uri().clone();
    let answer = match (request.method(), uri.path()) {
        (&Method::GET, "/") => "OK response from a WASI component in Rust\n".to_owned(),
        // As it comes in.
        (&Method::POST, "/echo") => return Ok(Response::new(request.into_body())),
        // Needs a grant for the host, such as --allow-net example.org.
        (&Method::GET, "/fetch") => return fetch(uri.query().unwrap_or_default()).await,
        // Of what was granted, such as --allow-env GREETING=hello.
        (&Method::GET, "/env") => std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect(),
        (method, path) => {
            // Goes to the plugin's log.
            eprintln!("nobody answers {method} {path}");
            return Ok(Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty())?);
        }
    };
    Ok(Response::new(answer.into()))
}

async fn fetch(url: &str) -> Result<Response<Body>, Error> {
    let asked = Request::get(url).body(Body::empty())?;
    match Client::new().send(asked).await {
        Ok(answer) => Ok(Response::builder().status(answer.status()).body(answer.into_body())?),
        Err(error) => Ok(Response::builder().status(StatusCode::BAD_GATEWAY).body(format!("{error:#}\n").into())?),
    }
}
