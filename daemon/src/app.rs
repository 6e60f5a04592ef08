//! Wires everything together; listeners are handed in, so that tests bring their own.
//!
//! ```text
//! config ─► store ─► data plane (worker threads) ─► supervisor ─► what was registered ─► control API ─► acceptors
//! stop:     acceptors, control API ─► data plane finishes ─► supervisor ends the processes
//! ```

mod accept;
mod listeners;
mod opening;
mod signals;
mod watchdog;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, ConfigError};
use crate::control::{self, About, Bound, FileOwned, Service, Settings, SupervisorHost};
use crate::egress::{Egress, EgressOptions};
use crate::plane::{DataPlane, LinkFailure, PlaneOptions};
use crate::store::{Disk, Registration, Source, Store, StoreError, now_ms};
use crate::supervisor::{Options, Supervisor};
use opening::Opening;
pub use signals::run;

/// For the control API's calls under way, and for plugins to end once nothing is in flight.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// For connections that were accepted and wait for a place.
const LAST_DEALS: Duration = Duration::from_secs(1);

/// For the threads of data workers, which only wait by then.
const LAST_THREADS: Duration = Duration::from_secs(2);

/// The system's place for the shim.
const SHIM: &str = "/usr/libexec/valor/valor-shim";

/// The daemon, before it is started.
#[derive(Debug)]
pub struct App {
    /// What the operator wants.
    pub config: Config,
    /// Where HTTP is served.
    pub listeners: Vec<TcpListener>,
    /// Where the control API is served.
    pub control: Bound,
    /// Where state is kept; tests bring one that fails.
    pub disk: Disk,
    /// Made from `config`; may be changed before the start.
    pub supervisor: Options,
    /// Made from `config`; may be changed before the start.
    pub plane: PlaneOptions,
}

/// The daemon, running. Dropped, it ends abruptly.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    opening: Opening,
    control: Bound,
    plane: DataPlane,
    supervisor: Supervisor,
    owned: FileOwned<SupervisorHost>,
    drain_timeout: Duration,
    stop: CancellationToken,
    acceptors: JoinSet<()>,
    tasks: JoinSet<()>,
}

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The state directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plugins file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something that the system must provide.
    #[error("cannot {step}: {source}")]
    System {
        /// What was tried.
        step: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl App {
    /// A daemon that is configured so.
    #[must_use]
    pub fn new(config: Config, listeners: Vec<TcpListener>, control: Bound) -> Self {
        let mut supervisor = Options::new(find_shim(config.shim.as_deref()));
        supervisor.deno.clone_from(&config.deno);
        supervisor.drain_timeout = config.drain_timeout;
        supervisor.compile_deadline = config.compile_timeout;
        supervisor.give_up.clone_from(&config.give_up);
        supervisor.uids =
            (config.plugin_uids.start, config.plugin_uids.end.saturating_sub(config.plugin_uids.start));
        let mut plane = PlaneOptions {
            workers: config.workers,
            max_connections: config.front.max_connections,
            max_connections_per_client: config.front.max_connections_per_client,
            http: config.front.http.clone(),
            ..PlaneOptions::default()
        };
        plane.http.trusted_proxies.clone_from(&config.trusted_proxies);
        Self { config, listeners, control, disk: Disk::default(), supervisor, plane }
    }

    /// Starts everything. Returns when the control API is served and what was registered is on its way; HTTP follows, see
    /// [`Running::opened`].
    ///
    /// # Errors
    /// Says which part, and what to do. A plugin that does not start is no error.
    pub async fn start(self) -> Result<Running, AppError> {
        let store = Store::open_on(self.disk.clone(), &self.config.state_dir)?;
        let Config { allow_private, connect_timeout, .. } = &self.config;
        let egress =
            EgressOptions { allow_private: allow_private.clone(), connect_timeout: *connect_timeout };
        let egress = Arc::new(egress);
        let (plane, failures) = DataPlane::start(self.plane.clone(), move |dispatcher| {
            Rc::new(Egress::new(dispatcher, Arc::clone(&egress)))
        })
        .map_err(system("start the data workers"))?;
        let running = self.over(store, plane.clone(), failures).await;
        if running.is_err() {
            plane.end(LAST_THREADS).await;
        }
        running
    }

    /// Starts everything else.
    async fn over(
        self,
        store: Store,
        plane: DataPlane,
        failures: mpsc::Receiver<LinkFailure>,
    ) -> Result<Running, AppError> {
        let Self { config, listeners, mut control, supervisor: options, .. } = self;
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>();
        let addresses = addresses.map_err(system("tell the addresses of the listeners"))?;
        let (shims, deadline) = (options.shims.clone(), options.inspect_deadline);
        let supervisor = Supervisor::new(options, store.clone(), plane.clone(), failures);
        let host = SupervisorHost { supervisor: supervisor.clone(), shims, deadline };

        let (mut tasks, mut acceptors) = (JoinSet::new(), JoinSet::new());
        let stop = CancellationToken::new();
        let settings = Settings {
            file: config.plugins,
            plugin_dir: config.plugin_dir,
            limits: config.limits.clone(),
            written: config.written,
        };
        let owned = FileOwned::new(host.clone(), store.clone(), settings);
        let file = owned.read()?;
        let boot = TaskTracker::new();
        let stale = |known: &Registration| known.source == Source::File && !file.may_name(&known.name);
        let stale = supervisor.restore(stale, boot.token()).await?;
        let listed = file.entries.iter().map(|listed| listed.entry.name.clone()).collect();
        let bring = owned.clone();
        let bring = boot.track_future(async move { bring.start(file, stale).await });
        tasks.spawn(stop.clone().run_until_cancelled_owned(bring).then_nothing());
        boot.close();

        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            abi: NATIVE_ABI,
            started_ms: now_ms(),
            listen: addresses.iter().map(ToString::to_string).collect(),
            control: control.path().display().to_string(),
            state_dir: store.dir().display().to_string(),
            workers: u32::try_from(plane.workers()).unwrap_or(u32::MAX),
        };
        let service = Service::new(host, store, owned.clone(), config.limits, config.max_instances, about);
        let listener = control.listen().map_err(system("serve the control socket"))?;
        let (access, until) = (control.access(), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = control::serve(listener, access, service, until).await {
                tracing::error!(%error, "the control API has ended; HTTP goes on");
            }
        });
        let opening = opening::after(boot, supervisor.clone(), listed, config.boot_timeout);
        for listener in listeners {
            let accept = accept::accept(listener, plane.clone(), stop.clone()).map_err(system("listen"))?;
            let opened = stop.clone().run_until_cancelled_owned(opening.clone());
            acceptors.spawn(opened.then(|_stopped| accept));
        }
        Ok(Running {
            addresses,
            opening,
            control,
            plane,
            supervisor,
            owned,
            drain_timeout: config.drain_timeout,
            stop,
            acceptors,
            tasks,
        })
    }
}

impl Running {
    /// Where HTTP is served.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Resolves when HTTP is served: the plugins are back, or those that are late were waited for long enough. Connections
    /// that are made before wait in the listener's queue.
    pub async fn opened(&self) {
        self.opening.clone().await;
        for address in &self.addresses {
            tracing::info!("serving http://{address}");
        }
        tracing::info!(control = %self.control().display(), "ready");
    }

    /// Where the control API is served.
    #[must_use]
    pub fn control(&self) -> &Path {
        self.control.path()
    }

    /// The supervisor.
    #[must_use]
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Ends gracefully: takes nothing new, finishes what is in flight, ends the plugins. It is over soon after the drain
    /// timeout, whatever plugins and clients do.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // Whoever was accepted is dealt before the workers finish what they have.
        let dealt = async { while self.acceptors.join_next().await.is_some() {} };
        let _dealt = tokio::time::timeout(LAST_DEALS, dealt).await;
        let calls = async { while self.tasks.join_next().await.is_some() {} };
        let (_calls, ()) =
            tokio::join!(tokio::time::timeout(LAST_CALLS, calls), self.plane.shutdown(self.drain_timeout));
        self.tasks.abort_all();
        self.supervisor.shutdown(LAST_CALLS).await;
    }
}

/// The version of the native ABI that `valor-shim` of this release speaks.
const NATIVE_ABI: u32 = 1;

fn system(step: &'static str) -> impl FnOnce(std::io::Error) -> AppError {
    move |source| AppError::System { step, source }
}

fn find_shim(configured: Option<&Path>) -> PathBuf {
    if let Some(path) = configured {
        return path.to_owned();
    }
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("valor-shim"));
    match beside.filter(|path| path.is_file()) {
        Some(path) => path,
        // If it is not there either, the first start says so.
        None => PathBuf::from(SHIM),
    }
}

/// For tasks whose result nobody needs.
trait ThenNothing: Future + Sized + Send {
    fn then_nothing(self) -> impl Future<Output = ()> + Send {
        async { drop(self.await) }
    }
}

impl<F: Future + Send> ThenNothing for F {}
