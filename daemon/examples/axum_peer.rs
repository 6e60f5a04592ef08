//! `axum_peer ADDRESS:PORT | unix:PATH`: the same answers, in process, under axum, for `daemon/benches`: the limit that valord is
//! measured against and, behind a proxy over a Unix socket, what people would use instead.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use tokio::net::{TcpListener, UnixListener};

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = Router::new()
            .route("/echo", post(|body: Body| async { body }))
            .fallback(get(|| async { "OK response from a plugin" }));
        match address.strip_prefix("unix:") {
            Some(path) => axum::serve(UnixListener::bind(path)?, app).await?,
            None => axum::serve(TcpListener::bind(address).await?, app).await?,
        }
        Ok(())
    })
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
