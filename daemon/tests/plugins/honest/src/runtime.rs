//! tokio: a runtime of the plugin's own, with timers, threads, sockets and signals.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

use crate::{Outcome, check};

pub(crate) fn run(_: &Path) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let sleep = tokio::spawn(tokio::time::sleep(Duration::from_millis(1)));
        let sum = tokio::task::spawn_blocking(|| (1..=100).sum::<u32>());
        let (mut one, mut other) = UnixStream::pair()?;
        one.write_all(b"hello").await?;
        one.shutdown().await?;
        let mut text = String::new();
        other.read_to_string(&mut text).await?;
        check(text == "hello", "the socket")?;
        sleep.await?;
        check(sum.await? == 5050, "the sum")?;
        // Nobody sends one.
        let mut user = signal(SignalKind::user_defined1())?;
        check(tokio::time::timeout(Duration::from_millis(1), user.recv()).await.is_err(), "a signal")
    })
}
