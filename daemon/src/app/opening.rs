//! HTTP is served when what was registered is back, so that a restart answers nobody with 503 whose connection its listener has kept.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio_util::task::TaskTracker;

use crate::supervisor::{State, Supervisor};

/// Resolves when HTTP may be served; clones wait for the same.
pub(super) type Opening = Shared<BoxFuture<'static, ()>>;

/// Waits until all of `boot` is over, but not longer than `timeout`: nobody else pays for a plugin that is slow.
pub(super) fn after(boot: TaskTracker, supervisor: Supervisor, timeout: Duration) -> Opening {
    let wait = async move {
        if tokio::time::timeout(timeout, boot.wait()).await.is_err() {
            let late = supervisor.list().into_iter().filter(|plugin| plugin.state == State::Starting);
            let late: Vec<String> = late.map(|plugin| plugin.name).collect();
            tracing::warn!(?late, "not all plugins are back after {timeout:?}: serving without them");
        }
    };
    wait.boxed().shared()
}
