//! What honest plugins do: timers, tasks, threads, streams, panics. One route each; for valord's integration tests.

#![expect(clippy::panic, clippy::print_stdout, clippy::print_stderr, reason = "told to, by a test")]
#![cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "as authors write it"))]

mod routes;
mod streams;

use std::sync::atomic::{AtomicU64, Ordering};

use valor::*;

/// What all workers share.
#[derive(Debug)]
pub struct Counters {
    /// Requests that have come.
    pub requests: AtomicU64,
    /// Handlers that have begun something long.
    pub begun: AtomicU64,
    /// Those that were dropped before they were done.
    pub dropped: AtomicU64,
    /// Ticks of the task that `on_create` has spawned.
    pub ticks: AtomicU64,
}

/// The counters, for tasks and guards that outlive a borrow of the context.
pub static COUNTERS: Counters = Counters {
    requests: AtomicU64::new(0),
    begun: AtomicU64::new(0),
    dropped: AtomicU64::new(0),
    ticks: AtomicU64::new(0),
};

/// Does what `create` of the configuration says: `fail`, `panic`, `hang`, `dawdle`, `fetch` (of `url`).
#[vlugin]
pub async fn on_create(cx: &mut Context) -> Result<(), String> {
    let mode = cx.raw_config().and_then(|config| config.get("create")).and_then(|mode| mode.as_str());
    match mode {
        Some("fail") => return Err("told to fail".to_owned()),
        Some("panic") => panic!("told to panic"),
        Some("hang") => std::future::pending().await,
        Some("dawdle") => time::sleep(time::Duration::from_millis(500)).await,
        Some("fetch") => {
            let url = cx
                .raw_config()
                .and_then(|config| config.get("url"))
                .and_then(|url| url.as_str())
                .unwrap_or("/");
            let text =
                fetch(url).await.map_err(|e| e.to_string())?.into_text().await.map_err(|e| e.to_string())?;
            cx.set(text);
        }
        _ => {}
    }
    log::info!("created {}", cx.name());
    // Lives on worker 0 as long as the process does.
    drop(tokio::task::spawn_local(async {
        loop {
            time::sleep(time::Duration::from_millis(5)).await;
            COUNTERS.ticks.fetch_add(1, Ordering::Relaxed);
        }
    }));
    Ok(())
}

/// Answers by path; `GET /` lists the paths.
pub async fn on_request(cx: &Context, request: http::Request) -> http::Result<http::Response> {
    COUNTERS.requests.fetch_add(1, Ordering::Relaxed);
    routes::route(cx, request).await
}

#[cfg(test)]
mod tests;
