//! The data plane: threads that serve, each with its own sockets and its own view of the routes.
//!
//! ```text
//! acceptor ─ accept() ─► worker i ─► http::accept ─► ... ─► this worker's link ─► plugin process
//! supervisor ─ install() ─► every worker: link, ping, pong ─► ack; probe() asks one; then publish() swaps the routes
//!            ─ publish() without the old one, drain() ─► every worker: last answer ─► close
//! ```
//!
//! Workers share the routes (one atomic pointer, cached), the gates and the counters of plugins, and nothing else.

mod places;
mod worker;

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::http::HttpOptions;
pub use crate::http::dispatch::{Dispatcher, ProbeError};
pub use crate::link::LinkFailureKind;
use crate::link::{self, LinkOptions};
use crate::plugin::{Generation, Plugin};
use crate::routes::Routes;
use crate::sys::cgroup::Witness;
use places::Places;
use worker::Command;

/// Commands that wait for one worker.
const COMMANDS: usize = 1024;

/// Failures that wait for the supervisor.
const FAILURES: usize = 256;

/// How the data plane is set up.
#[derive(Debug, Clone)]
pub struct PlaneOptions {
    /// Worker threads; at least one.
    pub workers: usize,
    /// Client connections, all workers together; more wait in the listener's queue.
    pub max_connections: usize,
    /// Of one client: an IPv4 address, or a /64 of IPv6; more are closed at once. Trusted proxies may have all.
    pub max_connections_per_client: usize,
    /// Bounds of the HTTP front.
    pub http: HttpOptions,
    /// Bounds of the links.
    pub link: LinkOptions,
}

impl Default for PlaneOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            max_connections: 16 * 1024,
            max_connections_per_client: 8 * 1024,
            http: HttpOptions::default(),
            link: LinkOptions::default(),
        }
    }
}

/// One socket for every worker, to one process.
#[derive(Debug)]
pub struct Install {
    /// Whose process it is.
    pub plugin: Arc<Plugin>,
    /// The process.
    pub generation: Generation,
    /// The daemon's ends, one for each worker.
    pub sockets: Vec<UnixStream>,
    /// How long the process may take to answer the first pings.
    pub deadline: Duration,
    /// Who tells whether the kernel has killed it for its memory.
    pub witness: Option<Arc<Witness>>,
}

/// A process that cannot be used any more; its requests are answered already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFailure {
    /// The process.
    pub generation: Generation,
    /// What happened.
    pub kind: LinkFailureKind,
}

/// Why the data plane could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaneError {
    /// The number of sockets is not the number of workers.
    #[error("{given} data sockets for {workers} workers: this is a defect of valord, please report it")]
    Sockets {
        /// Sockets in the installation.
        given: usize,
        /// Workers of the plane.
        workers: usize,
    },
    /// The process has not answered the first ping in time.
    #[error(
        "the plugin has not answered the first ping within {0:?}: its workers must not block at the start"
    )]
    NoPong(Duration),
    /// The link failed before it was ready.
    #[error("the data socket failed before it was ready: {0}")]
    Link(LinkFailureKind),
    /// The plane has ended.
    #[error("the data plane is shutting down")]
    ShuttingDown,
}

/// What a process still had to do at the end of its drain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Requests in flight.
    pub requests: usize,
    /// Work that outlives its requests.
    pub background: bool,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let requests = self.requests;
        match self.background {
            false => write!(f, "{requests} requests were"),
            true if requests == 0 => f.write_str("background work was"),
            true => write!(f, "{requests} requests and background work were"),
        }
    }
}

/// The handle of the data plane.
#[derive(Debug, Clone)]
pub struct DataPlane(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workers: Vec<mpsc::Sender<Command>>,
    next: AtomicUsize,
    routes: Arc<ArcSwap<Routes>>,
    places: Arc<Places>,
    halt: CancellationToken,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl DataPlane {
    /// Starts the workers. `egress` makes each worker's fetcher, on that worker. Failures must be received, or
    /// workers that have some to tell of keep them; a link that never became ready is told of by
    /// [`install`](Self::install) only.
    ///
    /// # Errors
    ///
    /// When a thread or its event loop cannot be made.
    pub fn start(
        options: PlaneOptions,
        egress: impl Fn(Dispatcher) -> Rc<dyn link::Fetcher> + Send + Sync + 'static,
    ) -> std::io::Result<(Self, mpsc::Receiver<LinkFailure>)> {
        let PlaneOptions { workers: count, max_connections, max_connections_per_client, http, link } =
            options;
        let routes = Arc::new(ArcSwap::from_pointee(Routes::default()));
        let (failures, receiver) = mpsc::channel(FAILURES);
        let egress: Arc<worker::Egress> = Arc::new(egress);
        let places = Places::new(max_connections, max_connections_per_client, http.trusted_proxies.clone());
        let halt = CancellationToken::new();
        let (mut workers, mut threads) = (Vec::new(), Vec::new());
        for number in 0..count.max(1) {
            let (sender, commands) = mpsc::channel(COMMANDS);
            let start = worker::Start {
                number,
                http: http.clone(),
                link: link.clone(),
                routes: Arc::clone(&routes),
                failures: failures.clone(),
                egress: Arc::clone(&egress),
                halt: halt.clone(),
            };
            threads.push(start.spawn(commands)?);
            workers.push(sender);
        }
        let (next, threads) = (AtomicUsize::new(0), Mutex::new(threads));
        Ok((Self(Arc::new(Shared { workers, next, routes, places, halt, threads })), receiver))
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.0.workers.len()
    }

    /// Hands one socket to every worker; resolves when each has had a ping answered on it. After an error the links
    /// are gone.
    ///
    /// # Errors
    ///
    /// When the process does not answer, or not as it must.
    pub async fn install(&self, install: Install) -> Result<(), PlaneError> {
        let Install { plugin, generation, sockets, deadline, witness } = install;
        if sockets.len() != self.workers() {
            return Err(PlaneError::Sockets { given: sockets.len(), workers: self.workers() });
        }
        let mut acks = Vec::with_capacity(sockets.len());
        let mut result = Ok(());
        for (worker, socket) in self.0.workers.iter().zip(sockets) {
            let (ack, answer) = oneshot::channel();
            let plugin = Arc::clone(&plugin);
            let witness = witness.clone();
            let command = Command::Install { plugin, generation, socket, deadline, witness, ack };
            if worker.send(command).await.is_err() {
                result = Err(PlaneError::ShuttingDown);
            }
            acks.push(answer);
        }
        for ack in acks {
            let answer = ack.await.unwrap_or(Err(PlaneError::ShuttingDown));
            if result.is_ok() {
                result = answer;
            }
        }
        if result.is_err() {
            self.cut(generation).await;
        }
        result
    }

    /// Asks a process that no route names yet: GET of a path as the plugin sees it must be answered with 2xx.
    ///
    /// # Errors
    ///
    /// When it is not, or not in time.
    pub async fn probe(&self, generation: Generation, path: &str, due: Instant) -> Result<(), ProbeError> {
        let (done, answer) = oneshot::channel();
        let command = Command::Probe { generation, path: path.to_owned(), due, done };
        // One worker is as good as another.
        if self.0.workers[0].send(command).await.is_err() {
            return Err(ProbeError::Gone);
        }
        answer.await.unwrap_or(Err(ProbeError::Gone))
    }

    /// Swaps the routes.
    pub fn publish(&self, routes: Routes) {
        let routes = routes.after(&self.0.routes.load());
        self.0.routes.store(Arc::new(routes));
    }

    /// The routes now.
    #[must_use]
    pub fn routes(&self) -> Arc<Routes> {
        self.0.routes.load_full()
    }

    /// After the routes no longer name it: waits for what is in flight and for the work that outlives it, then closes the links.
    /// Returns what was cut off.
    pub async fn drain(&self, generation: Generation, deadline: Duration) -> Left {
        let left = self.ask_all(|done| Command::Drain { generation, deadline, done }).await;
        left.into_iter().fold(Left::default(), |all, one| Left {
            requests: all.requests + one.requests,
            background: all.background | one.background,
        })
    }

    /// The process is dead: answers everything in flight now. Returns what a link has failed for, if one had: rather what
    /// the process has done than that it is gone.
    pub async fn cut(&self, generation: Generation) -> Option<LinkFailureKind> {
        let failed = self.ask_all(|done| Command::Cut { generation, done }).await;
        failed.into_iter().flatten().min_by_key(|kind| *kind == LinkFailureKind::Closed)
    }

    /// Deals a connection to the next worker; waits while there are as many as may be. Closes it when its client has as
    /// many as one client may have.
    pub async fn accept(&self, stream: std::net::TcpStream, peer: SocketAddr) {
        let Some(place) = self.0.places.take(peer.ip()).await else {
            return;
        };
        let next = self.0.next.fetch_add(1, Ordering::Relaxed) % self.workers();
        // A worker that is gone takes no connections: the plane is shutting down.
        let _gone = self.0.workers[next].send(Command::Accept { stream, peer, place }).await;
    }

    /// Ends gracefully: what is in flight is finished, but not after the deadline. The listener must be closed before.
    pub async fn shutdown(&self, deadline: Duration) {
        self.ask_all(|done| Command::Shutdown { deadline, done }).await;
    }

    /// Ends the workers, whatever they are at, and waits for their threads, but not longer than `within`. A process must not end
    /// beside threads that run: what its exit takes apart they may be using. False: some are still there.
    pub async fn end(&self, within: Duration) -> bool {
        self.0.halt.cancel();
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Whoever has panicked has said so.
        let gone = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        tokio::time::timeout(within, gone).await.is_ok()
    }

    /// Whether every worker is there; resolves when each has come around to say so.
    pub async fn pulse(&self) -> bool {
        self.ask_all(|done| Command::Pulse { done }).await.len() == self.workers()
    }

    /// Asks every worker, and then waits for the answers of those that are there.
    async fn ask_all<T>(&self, command: impl Fn(oneshot::Sender<T>) -> Command) -> Vec<T> {
        let mut answers = Vec::with_capacity(self.workers());
        for worker in &self.0.workers {
            let (sender, receiver) = oneshot::channel();
            if worker.send(command(sender)).await.is_ok() {
                answers.push(receiver);
            }
        }
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.extend(answer.await);
        }
        results
    }
}

#[cfg(test)]
mod tests;
