//! One data worker: a thread with its own event loop.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::places::Place;
use super::{Left, LinkFailure, PlaneError, ProbeError};
use crate::http::HttpOptions;
use crate::http::accept::Front;
use crate::http::dispatch::{Dispatcher, Local};
use crate::link::{Ended, Fetcher, Link, LinkFailureKind, LinkOptions};
use crate::plugin::{Generation, Plugin};
use crate::routes::Routes;
use crate::sys::cgroup::Witness;

/// Makes a worker's fetcher.
pub(super) type Egress = dyn Fn(Dispatcher) -> Rc<dyn Fetcher> + Send + Sync;

/// What a worker is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Accept {
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
    },
    Install {
        plugin: Arc<Plugin>,
        generation: Generation,
        socket: UnixStream,
        deadline: Duration,
        witness: Option<Arc<Witness>>,
        ack: oneshot::Sender<Result<(), PlaneError>>,
    },
    Probe {
        generation: Generation,
        path: String,
        due: Instant,
        done: oneshot::Sender<Result<(), ProbeError>>,
    },
    Drain {
        generation: Generation,
        deadline: Duration,
        done: oneshot::Sender<Left>,
    },
    Cut {
        generation: Generation,
        done: oneshot::Sender<Option<LinkFailureKind>>,
    },
    Pulse {
        done: oneshot::Sender<()>,
    },
    Shutdown {
        deadline: Duration,
        done: oneshot::Sender<()>,
    },
}

/// For what a worker has running elsewhere when it ends: names that are looked up.
const LAST_LOOK_UPS: Duration = Duration::from_millis(500);

/// What a worker starts with.
pub(super) struct Start {
    pub(super) number: usize,
    pub(super) http: HttpOptions,
    pub(super) link: LinkOptions,
    pub(super) routes: Arc<ArcSwap<Routes>>,
    pub(super) failures: mpsc::Sender<LinkFailure>,
    pub(super) egress: Arc<Egress>,
    pub(super) halt: CancellationToken,
}

struct Worker {
    local: Rc<Local>,
    front: Rc<Front>,
    fetcher: Rc<dyn Fetcher>,
    link: LinkOptions,
    failures: mpsc::Sender<LinkFailure>,
    /// Why links have failed, until somebody asks or drains.
    failed: RefCell<HashMap<Generation, LinkFailureKind>>,
}

impl Start {
    /// Starts the thread; it ends after `Shutdown`, at `halt`, or when the plane's handles are gone.
    pub(super) fn spawn(self, commands: mpsc::Receiver<Command>) -> std::io::Result<JoinHandle<()>> {
        let (report, started) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name(format!("data-{}", self.number)).spawn(move || {
            // The runtime is bound to the thread that has made it.
            let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
            match runtime {
                Ok(runtime) => {
                    let _gone = report.send(Ok(()));
                    let halt = self.halt.clone();
                    runtime.block_on(halt.run_until_cancelled(self.run(commands)));
                    runtime.shutdown_timeout(LAST_LOOK_UPS);
                }
                Err(error) => {
                    let _gone = report.send(Err(error));
                }
            }
        })?;
        match started.recv() {
            Ok(result) => result.map(|()| thread),
            Err(_) => Err(std::io::Error::other("a data worker ended at its start")),
        }
    }

    async fn run(self, mut commands: mpsc::Receiver<Command>) {
        let local = Local::new(self.number, self.routes);
        let front = Front::new(Rc::clone(&local), self.http);
        let fetcher = (self.egress)(Dispatcher(Rc::clone(&local)));
        spawn_local(Rc::clone(&front).watch());
        let worker = Rc::new(Worker {
            local,
            front,
            fetcher,
            link: self.link,
            failures: self.failures,
            failed: RefCell::default(),
        });
        while let Some(command) = commands.recv().await {
            if let Command::Shutdown { deadline, done } = command {
                // Installations and drains that are under way go on meanwhile.
                let _late = timeout(deadline, async {
                    worker.front.stop().await;
                    worker.rest().await;
                })
                .await;
                for link in worker.local.all() {
                    link.end(Ended::Closed);
                }
                // The tasks that were woken just now write their last answers.
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
                let _gone = done.send(());
                return;
            }
            worker.obey(command);
        }
    }
}

impl Worker {
    fn obey(self: &Rc<Self>, command: Command) {
        match command {
            Command::Accept { stream, peer, place } => self.front.serve(stream, peer, place),
            Command::Install { plugin, generation, socket, deadline, witness, ack } => {
                let worker = Rc::clone(self);
                let fetcher = Rc::clone(&self.fetcher);
                let link = Link::new(plugin, generation, self.local.worker, &self.link, fetcher, witness);
                let pong = link.first_pong();
                self.local.add(Rc::clone(&link));
                let driven = spawn_local(Rc::clone(self).drive(Rc::clone(&link), socket));
                spawn_local(async move {
                    let result = match timeout(deadline, pong).await {
                        Ok(Ok(())) => Ok(()),
                        Ok(Err(_)) => Err(match link.ended() {
                            Some(Ended::Failed(kind)) => PlaneError::Link(kind),
                            _ => PlaneError::Link(LinkFailureKind::Closed),
                        }),
                        Err(_) => Err(PlaneError::NoPong(deadline)),
                    };
                    if result.is_ok() {
                        spawn_local(async move {
                            if let Ok(Ended::Failed(kind)) = driven.await {
                                let _gone = worker.failures.send(LinkFailure { generation, kind }).await;
                            }
                        });
                    } else {
                        link.end(Ended::Closed);
                    }
                    let _gone = ack.send(result);
                });
            }
            Command::Probe { generation, path, due, done } => {
                let local = Rc::clone(&self.local);
                spawn_local(async move {
                    let _gone = done.send(local.probe(generation, &path, due).await);
                });
            }
            Command::Drain { generation, deadline, done } => {
                let worker = Rc::clone(self);
                spawn_local(async move {
                    let _gone = done.send(worker.drain(generation, deadline).await);
                });
            }
            Command::Cut { generation, done } => {
                if let Some(link) = self.local.remove(generation) {
                    link.end(Ended::Closed);
                }
                let _gone = done.send(self.failed.borrow_mut().remove(&generation));
            }
            Command::Pulse { done } => {
                let _gone = done.send(());
            }
            Command::Shutdown { .. } => {}
        }
    }

    async fn drive(self: Rc<Self>, link: Rc<Link>, socket: UnixStream) -> Ended {
        let generation = link.generation();
        let ended = link.drive(socket).await;
        // Its socket was closed just now, so whoever sees the process end for that finds the reason here.
        if let Ended::Failed(kind) = &ended {
            self.failed.borrow_mut().insert(generation, kind.clone());
        }
        self.local.remove(generation);
        ended
    }

    /// Resolves when no plugin has anything to do: what one does after its answers may be with another.
    async fn rest(&self) {
        while let Some(link) = self.local.all().into_iter().find(|link| !link.at_rest()) {
            let _ended = link.rest().await;
        }
    }

    async fn drain(&self, generation: Generation, deadline: Duration) -> Left {
        self.failed.borrow_mut().remove(&generation);
        let Some(link) = self.local.link(generation) else {
            return Left::default();
        };
        // Whether it was the end of the last work, the link's end or the deadline, what is left shows now.
        let _over = timeout(deadline, link.drain()).await;
        let left = Left { requests: link.in_flight(), background: link.has_background() };
        self.local.remove(generation);
        link.end(Ended::Closed);
        left
    }
}
