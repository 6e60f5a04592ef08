//! The daemon in the foreground: from its listeners to the signal that ends it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::listeners::said;
use super::{App, AppError, LAST_THREADS};
use super::{listeners, watchdog};
use crate::config::Config;
use crate::control::{self, FileOwned, SupervisorHost};
use crate::store::Disk;
use crate::supervisor::Asked;
use crate::sys::{limits, systemd};

/// Serves, with its state on `disk`, until SIGTERM or SIGINT, then ends gracefully; a second one ends it at once. SIGHUP reads the
/// plugins file again.
///
/// # Errors
/// When it cannot start; the chain says why and what to do.
pub async fn run(config: Config, disk: Disk) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let mut signals = Signals::new().context("cannot receive signals")?;
    if let Err(error) = limits::raise_descriptors() {
        tracing::warn!(%error, "cannot raise the limit of descriptors");
    }
    let control = control::bind(&config.control, &config.control_group)?;
    let listeners = listeners::open(&config.listen)?;
    let app = App { disk, ..App::new(config, listeners, control) };
    let running = app.start().await.map_err(|error: AppError| error)?;
    if let Some(period) = systemd::watchdog() {
        tokio::spawn(watchdog::feed(running.plane.clone(), period, running.stop.clone()));
    }
    let (owned, plane) = (running.owned.clone(), running.plane.clone());
    let name = tokio::select! {
        name = signals.end(Some(&owned)) => name,
        () = running.opened() => {
            said("note that valord is ready", systemd::ready("serving"));
            owned.announced();
            signals.end(Some(&owned)).await
        }
    };
    tracing::info!("{name}: finishing what is in flight; a second signal ends it at once");
    said("note that valord is stopping", systemd::stopping());
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        name = signals.end(None) => tracing::warn!("{name} again: ending at once"),
    }
    if !plane.end(LAST_THREADS).await {
        tracing::warn!("a data worker does not end within {LAST_THREADS:?}");
    }
    Ok(())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Watched so that children wait to be reaped even where whoever started valord has them ignored.
    _child: Signal,
    /// Watched so that a file beyond `RLIMIT_FSIZE` is an error of the one who wants it written, and not the end of valord.
    _too_large: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            _child: signal(SignalKind::child())?,
            _too_large: signal(SignalKind::from_raw(limits::FILE_TOO_LARGE))?,
        })
    }

    /// Until one that ends it; those before may have the plugins file read again, as long as there is one to be served.
    async fn end(&mut self, owned: Option<&FileOwned<SupervisorHost>>) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hang_up.recv() => {}
            }
            if let Some(owned) = owned.cloned() {
                // Whoever ends valord does not wait for it. What comes of it is logged, and an event.
                tokio::spawn(async move { drop(owned.reload(Asked::ON_HANG_UP).await) });
            }
        }
    }
}
