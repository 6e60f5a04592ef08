//! The routes.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use valor::http::{Error, Json, Request, Response, Result, StatusCode};
use valor::{Context, fetch, log, time};

use crate::{COUNTERS, Counters, streams};

const PATHS: &[&str] = &[
    "/timer",
    "/spawn",
    "/spawn-local",
    "/blocking",
    "/channel",
    "/thread",
    "/panic",
    "/panic-later",
    "/echo",
    "/sink",
    "/stream?n=&size=",
    "/sse?n=&ms=",
    "/slow?ms=",
    "/spin?ms=",
    "/headers",
    "/status?code=",
    "/fetch?url=",
    "/fetch-spawned?url=",
    "/drop",
    "/forever",
    "/eat",
    "/counters",
    "/config",
    "/log?text=",
    "/error",
    "/created",
];

pub(crate) async fn route(cx: &Context, mut request: Request) -> Result<Response> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/" => Ok(PATHS.join("\n").into()),
        "/timer" => {
            time::sleep(Duration::from_millis(1)).await;
            Ok("slept".into())
        }
        "/spawn" => Ok(tokio::spawn(async { after_a_while("spawned").await }).await?.into()),
        "/spawn-local" => {
            // Not `Send`, which is the point.
            let text = std::rc::Rc::new("spawned locally");
            Ok(tokio::task::spawn_local(async move { after_a_while(*text).await }).await?.into())
        }
        "/blocking" => {
            Ok(tokio::task::spawn_blocking(|| format!("{} blocked", sum(1_000_000))).await?.into())
        }
        "/channel" => Ok(channel().await?.into()),
        "/thread" => Ok(thread().await?.into()),
        "/panic" => panic!("told to panic"),
        "/panic-later" => {
            time::sleep(Duration::from_millis(1)).await;
            panic!("told to panic later")
        }
        "/echo" => Ok(streams::echo(&mut request)),
        "/sink" => streams::sink(request.take_body()).await,
        "/stream" => Ok(streams::numbered(query(&request, "n", 3)?, query(&request, "size", 10)?)),
        "/sse" => Ok(streams::events(query(&request, "n", 3)?, query(&request, "ms", 0)?)),
        "/drop" => Ok(streams::cut_off()),
        "/slow" => {
            let guard = Guard::new();
            time::sleep(Duration::from_millis(query(&request, "ms", 10)?)).await;
            guard.done();
            Ok("slow".into())
        }
        "/spin" => {
            let end = Instant::now() + Duration::from_millis(query(&request, "ms", 10)?);
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            Ok("spun".into())
        }
        "/headers" => Response::json(&head(&request)),
        "/status" => Ok(Response::new(StatusCode::try_from(query(&request, "code", 200)?)?, "as told")),
        "/fetch" => pass_on(request).await,
        "/fetch-spawned" => tokio::task::spawn_local(pass_on(request)).await?,
        "/forever" => {
            let _guard = Guard::new();
            std::future::pending().await
        }
        "/eat" => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        "/counters" => {
            let Counters { requests, begun, dropped, ticks } = &COUNTERS;
            let [requests, begun, dropped, ticks] =
                [requests, begun, dropped, ticks].map(|c| c.load(Ordering::Relaxed));
            Response::json(&json!({"requests": requests, "begun": begun, "dropped": dropped, "ticks": ticks}))
        }
        "/config" => Ok(http_json(cx.raw_config().cloned())),
        "/created" => Ok(cx.try_get::<String>().cloned().unwrap_or_default().into()),
        "/log" => {
            let text: String = query(&request, "text", "a line".to_owned())?;
            log::info!("{text}");
            println!("stdout: {text}");
            eprintln!("stderr: {text}");
            Ok("logged".into())
        }
        "/error" => Ok(std::fs::read_to_string("/no/such/file").map(Into::into)?),
        _ => Err(Error::from_str(StatusCode::NotFound, format!("{path}: there is {}", PATHS.join(", ")))),
    }
}

fn http_json(value: Option<Value>) -> Response {
    use valor::http::IntoResponse;
    Json(value).into_response()
}

/// One value of the query.
fn query<T: DeserializeOwned>(request: &Request, name: &str, default: T) -> Result<T> {
    match request.query::<std::collections::HashMap<String, String>>()?.remove(name) {
        None => Ok(default),
        Some(text) => serde_json::from_str(&text)
            .or_else(|_| serde_json::from_value(Value::String(text)))
            .map_err(|e| Error::from_str(StatusCode::BadRequest, format!("{name}: {e}"))),
    }
}

async fn after_a_while(text: &str) -> String {
    tokio::task::yield_now().await;
    text.to_owned()
}

fn sum(n: u64) -> u64 {
    (0..n).fold(0, |a, b| std::hint::black_box(a ^ b))
}

async fn channel() -> Result<String> {
    let (sender, mut receiver) = mpsc::channel(2);
    for part in ["one", "two", "three"] {
        let sender = sender.clone();
        drop(tokio::spawn(async move { sender.send(part).await }));
    }
    drop(sender);
    let mut parts = Vec::new();
    while let Some(part) = receiver.recv().await {
        parts.push(part);
    }
    parts.sort_unstable();
    Ok(parts.join(" "))
}

async fn thread() -> Result<String> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("helper".to_owned()).spawn(move || {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        // Nobody waits any more: fine.
        drop(sender.send(name));
    })?;
    let name = receiver.await?;
    drop(thread.join());
    Ok(format!("from {name}"))
}

async fn pass_on(mut request: Request) -> Result<Response> {
    let url: String = query(&request, "url", "/".to_owned())?;
    let outgoing = Request::new(request.method().clone(), url.as_str())?.with_body(request.take_body());
    Ok(fetch(outgoing).await?)
}

fn head(request: &Request) -> Value {
    let fields = request.headers().iter();
    let fields: Vec<_> =
        fields.map(|(n, v)| json!([n.as_str(), String::from_utf8_lossy(v.as_bytes())])).collect();
    json!({
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "url": request.url().as_str(),
        "headers": fields,
    })
}

/// Counts a handler, and whether it is dropped before it is done.
struct Guard;

impl Guard {
    fn new() -> Self {
        COUNTERS.begun.fetch_add(1, Ordering::Relaxed);
        Self
    }

    #[expect(clippy::mem_forget, reason = "a guard without contents that has nothing to report")]
    fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        COUNTERS.dropped.fetch_add(1, Ordering::Relaxed);
    }
}
