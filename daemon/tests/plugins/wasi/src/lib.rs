//! One path for each thing that a component can do, and for each that it must not get away with.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wstd::http::body::{Bytes, Frame, HttpBody};
use wstd::http::{Body, Client, Error, Request, Response, StatusCode};

static REQUESTS: AtomicUsize = AtomicUsize::new(0);

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let number = query.parse::<u64>().unwrap_or_default();
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    let answer = match request.uri().path().to_owned().as_str() {
        // Always 1: an instance a request.
        "/count" => count.to_string(),
        "/head" => {
            let fields = request.headers().iter().map(|(name, value)| format!("\n{name}: {value:?}"));
            format!("{} {}{}", request.method(), request.uri(), fields.collect::<String>())
        }
        "/echo" => return Ok(Response::new(request.into_body())),
        "/length" => request.into_body().bytes_contents().await?.len().to_string(),
        "/zeros" => return Ok(Response::new(vec![0_u8; number as usize].into())),
        "/fetch" => return Ok(forward(Request::get(&query).body(Body::empty())?).await),
        // As it comes in, and as it comes back.
        "/relay" => return Ok(forward(Request::post(&query).body(request.into_body())?).await),
        "/args" => std::env::args().collect::<Vec<_>>().join("\n"),
        "/env" => std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect(),
        "/say" => {
            println!("said on stdout: {query}");
            eprintln!("said on stderr: {query}");
            "said".to_owned()
        }
        "/list" => outcome(std::fs::read_dir(&query).map(|entries| {
            let mut names: Vec<_> =
                entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names.join("\n")
        })),
        "/read" => outcome(std::fs::read_to_string(&query)),
        "/write" => {
            let body = request.into_body().bytes_contents().await?;
            outcome(std::fs::write(&query, body).map(|()| "written".to_owned()))
        }
        "/now" => SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().to_string(),
        "/random" => {
            let mut bytes = [0; 32];
            wstd::rand::get_random_bytes(&mut bytes);
            format!("{bytes:?}")
        }
        "/connect" => outcome(std::net::TcpStream::connect(&query).map(|_| "connected".to_owned())),
        "/sleep" => {
            let begin = std::time::Instant::now();
            wstd::task::sleep(wstd::time::Duration::from_millis(number)).await;
            if begin.elapsed() < Duration::from_millis(number) { "too early" } else { "slept" }.to_owned()
        }
        "/forever" => {
            forever().await;
            unreachable!()
        }
        "/spin" => loop {
            std::hint::black_box(number);
        },
        // A part of the body, then never anything.
        "/stall" => return Ok(Response::new(Body::from_http_body(Half { sent: false, then: Err(Box::pin(forever())) }))),
        // A part of the body, then an error.
        "/broken" => {
            return Ok(Response::new(Body::from_http_body(Half {
                sent: false,
                then: Ok("the disk is gone"),
            })));
        }
        "/grow" => {
            let mut kept = Vec::new();
            loop {
                kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        "/deep" => deep(number).to_string(),
        "/panic" => panic!("on purpose"),
        "/exit" => std::process::exit(3),
        "/error" => return Err(std::io::Error::other("this is wrong").into()),
        _ => return Ok(Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty())?),
    };
    Ok(Response::new(answer.into()))
}

async fn forward(request: Request<Body>) -> Response<Body> {
    match Client::new().send(request).await {
        Ok(answer) => Response::builder().status(answer.status()).body(answer.into_body()).unwrap(),
        Err(error) => {
            Response::builder().status(StatusCode::BAD_GATEWAY).body(format!("{error:#}").into()).unwrap()
        }
    }
}

/// Longer than any test: where nothing at all is waited for, wstd panics.
async fn forever() {
    wstd::task::sleep(wstd::time::Duration::from_secs(86_400)).await;
}

fn outcome(result: std::io::Result<String>) -> String {
    result.unwrap_or_else(|error| format!("refused: {error}"))
}

#[expect(unconditional_recursion, reason = "it is what is tested")]
fn deep(n: u64) -> u64 {
    std::hint::black_box(deep(std::hint::black_box(n + 1))) + 1
}

/// A body that does not come to its end.
struct Half {
    sent: bool,
    then: Result<&'static str, Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HttpBody for Half {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !std::mem::replace(&mut self.sent, true) {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"half")))));
        }
        match &mut self.then {
            Ok(why) => Poll::Ready(Some(Err(std::io::Error::other(*why).into()))),
            Err(wait) => wait.as_mut().poll(cx).map(|()| None),
        }
    }
}
