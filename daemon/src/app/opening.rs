//! HTTP is served when what was registered is back, so that a restart answers nobody with 503 whose connection its listener has kept.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio_util::task::TaskTracker;

use crate::supervisor::{State, Supervisor};

/// Resolves when HTTP may be served; clones wait for the same.
pub(super) type Opening = Shared<BoxFuture<'static, ()>>;

/// Waits until all of `boot` is over, but not longer than `timeout`: nobody else pays for a plugin that is slow. `listed` are those of the
/// plugins file.
pub(super) fn after(
    boot: TaskTracker,
    supervisor: Supervisor,
    listed: Vec<String>,
    timeout: Duration,
) -> Opening {
    let wait = async move {
        if tokio::time::timeout(timeout, boot.wait()).await.is_err() {
            let known = supervisor.list().into_iter().map(|plugin| (plugin.name, plugin.state)).collect();
            let late = late(known, listed).join(", ");
            tracing::warn!(late, "not all plugins are back after {timeout:?}: serving without them");
        }
    };
    wait.boxed().shared()
}

/// Those that start, and those that are compiled or read still, of which the supervisor has not heard.
fn late(known: BTreeMap<String, State>, listed: Vec<String>) -> Vec<String> {
    let unheard: Vec<_> = listed.into_iter().filter(|name| !known.contains_key(name)).collect();
    let start = known.into_iter().filter(|(_, state)| *state == State::Starting).map(|(name, _)| name);
    unheard.into_iter().chain(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_is_named_heard_of_or_not() {
        let known = [("ready", State::Ready), ("starts", State::Starting)];
        let known = known.map(|(name, state)| (name.to_owned(), state)).into();
        let listed = ["ready", "compiles"].map(str::to_owned).to_vec();
        assert_eq!(late(known, listed), ["compiles", "starts"]);
    }
}
