//! Feeds the service manager's watchdog, as long as there is something alive to speak for.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::listeners::said;
use crate::plane::DataPlane;
use crate::sys::systemd;

/// Asks every data worker three times in each period, and says that all is alive when all have answered. It runs where the supervisor
/// and the control API do, so it stands still with them. While stopping, workers only drain, and have a deadline for that. Never returns.
pub(super) async fn feed(plane: DataPlane, period: Duration, stopping: CancellationToken) {
    let pause = period / 3;
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if stopping.is_cancelled()
            || timeout(pause, plane.pulse()).await == Ok(true)
            || stopping.is_cancelled()
        {
            said("feed its watchdog", systemd::alive());
        } else {
            tracing::error!("a data worker does not answer: the watchdog is not fed");
        }
    }
}
