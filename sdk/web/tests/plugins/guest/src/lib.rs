//! One path for each thing that the SDK offers; the tests of the loader and the corpus call them. No `cfg` anywhere.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use valor::time::{self, Duration, Instant};
use valor::{Context, fetch, http, log, random, vlugin};

/// What lives as long as the instance.
#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    spawned: AtomicUsize,
}

/// Handlers whose future was dropped before its end.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits and fetches before it is ready, as the configuration says.
#[vlugin]
pub async fn on_create(cx: &mut Context) -> Result<(), String> {
    let config: serde_json::Value = cx.config().unwrap_or_default();
    if let Some(ms) = config["sleep"].as_u64() {
        time::sleep(Duration::from_millis(ms)).await;
    }
    if let Some(url) = config["fetch"].as_str() {
        let text =
            fetch(url).await.map_err(|e| e.to_string())?.into_text().await.map_err(|e| e.to_string())?;
        cx.set(text);
    }
    if let Some(reason) = config["fail"].as_str() {
        return Err(reason.to_owned());
    }
    cx.set(Seen::default());
    Ok(())
}

/// Answers.
pub async fn on_request(cx: &Context, mut request: http::Request) -> http::Result<http::Response> {
    let seen = cx.get::<Seen>();
    seen.requests.fetch_add(1, Ordering::Relaxed);
    let number = |name: &str| {
        request
            .url()
            .query_pairs()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let ms = Duration::from_millis(number("ms").unwrap_or_default());
    let bytes = usize::try_from(number("bytes").unwrap_or_default())?;
    Ok(match request.uri().path().to_owned().as_str() {
        "/echo" => http::Response::new(http::StatusCode::OK, request.take_body()),
        "/length" => request.bytes().await?.len().to_string().into(),
        "/head" => {
            let fields: Vec<_> =
                request.headers().iter().map(|(k, v)| json!([k.as_str(), v.as_bytes()])).collect();
            http::Response::json(&json!({
                "method": request.method().as_str(), "target": request.uri().to_string(), "fields": fields,
            }))?
        }
        "/fields" => http::Response::new(http::StatusCode::ImATeapot, "short and stout")
            .with_header("set-cookie", "a=1")?
            .with_header("set-cookie", "b=2")?
            .with_header("x-bytes", http::HeaderValue::from_bytes(b"gr\xFC\xDFe")?)?,
        "/zeros" => vec![0_u8; bytes].into(),
        "/ticks" => {
            let ticks = stream::unfold(
                (0, time::interval(ms.max(Duration::from_millis(1)))),
                async |(n, mut interval)| {
                    if n == 3 {
                        return None;
                    }
                    interval.tick().await;
                    Some((Ok::<_, Infallible>(Bytes::from(format!("{n}\n"))), (n + 1, interval)))
                },
            );
            http::Response::new(http::StatusCode::OK, http::Body::from_stream(ticks))
        }
        "/endless" => {
            let part = Bytes::from_static(&[b'x'; 1024]);
            let bomb = Bomb;
            let parts = stream::repeat_with(move || {
                let _held = &bomb;
                Ok::<_, Infallible>(part.clone())
            });
            http::Response::new(http::StatusCode::OK, http::Body::from_stream(parts))
        }
        "/sleep" => {
            let _bomb = Bomb;
            let started = Instant::now();
            time::sleep(ms).await;
            if started.elapsed() < ms { "too early".into() } else { "slept".into() }
        }
        "/forever" => {
            let _bomb = Bomb;
            std::future::pending().await
        }
        "/busy" => {
            let _bomb = Bomb;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                std::task::Poll::<()>::Pending
            })
            .await;
            "never".into()
        }
        "/timeout" => match time::timeout(ms, std::future::pending::<()>()).await {
            Ok(()) => "never".into(),
            Err(elapsed) => elapsed.to_string().into(),
        },
        "/seen" => http::Response::json(&json!({
            "requests": seen.requests.load(Ordering::Relaxed),
            "spawned": seen.spawned.load(Ordering::Relaxed),
            "dropped": DROPPED.load(Ordering::Relaxed),
            "fetched": cx.try_get::<String>(),
        }))?,
        "/random" => format!("{:?}", random::bytes::<32>()).into(),
        "/now" => time::since_epoch().as_millis().to_string().into(),
        "/name" => cx.name().to_owned().into(),
        "/config" => cx.raw_config().cloned().unwrap_or_default().into(),
        "/log" => {
            log::warn!("a line");
            "logged".into()
        }
        "/fetch" => {
            let url = request.text().await?;
            let answer = fetch(url).await?;
            http::Response::new(answer.status(), answer.into_body())
        }
        "/relay" => {
            let body = request.take_body();
            let outgoing = http::Request::post("/sink", body)?.with_header("x-relayed", "yes")?;
            http::Response::new(http::StatusCode::OK, fetch(outgoing).await?.into_body())
        }
        "/bad" => return Err(http::Error::from_str(http::StatusCode::BadRequest, "this is wrong")),
        "/broken" => {
            let parts = [Ok(Bytes::from_static(b"half")), Err("the disk is gone")];
            http::Response::new(http::StatusCode::OK, http::Body::from_stream(stream::iter(parts)))
        }
        #[expect(clippy::panic, reason = "it is what is tested")]
        "/panic" => panic!("on purpose"),
        _ => return Err(http::Error::from_str(http::StatusCode::NotFound, "no such thing")),
    })
}
