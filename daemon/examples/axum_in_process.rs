//! The limit that valord is measured against: the same answer, in process, under axum (`daemon/benches/cost.sh`).

use axum::Router;
use axum::routing::get;

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let app = Router::new().route("/hello", get(|| async { "OK response from a plugin" }));
        Ok(axum::serve(listener, app).await?)
    })
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
