//! Clients that ask all the time, and fail on the first answer that must not be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::{C, RUST};
use crate::client;
use crate::harness::Valord;

/// Even versions are the one build, odd ones the other.
#[derive(Debug, Default)]
struct Versions {
    /// A replacement by this one has begun ...
    begun: AtomicU64,
    /// ... and this one's has been answered: nobody may get an older one from now on.
    done: AtomicU64,
    answers: AtomicU64,
    stop: AtomicBool,
}

/// What the even versions answer, and the odd ones.
pub(super) type Answers = [&'static str; 2];

/// Several clients on connections that they keep.
pub(super) struct Load {
    versions: Arc<Versions>,
    clients: JoinSet<()>,
}

impl Load {
    /// Of [`RUST`] and [`C`].
    pub(super) async fn start(valord: &Valord, path: &'static str, clients: usize) -> Self {
        Self::of(valord, path, clients, [RUST, C]).await
    }

    pub(super) async fn of(valord: &Valord, path: &'static str, clients: usize, answers: Answers) -> Self {
        let versions = Arc::new(Versions::default());
        let (address, mut set) = (valord.address, JoinSet::new());
        for _ in 0..clients {
            set.spawn(ask(address, path, answers, Arc::clone(&versions)));
        }
        let load = Self { versions, clients: set };
        load.more(clients as u64).await;
        load
    }

    /// From now on the next version may answer.
    pub(super) fn begin(&self) {
        self.versions.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on only the next version may answer.
    pub(super) fn done(&self) {
        self.versions.done.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits for so many further answers, so that something has been asked.
    pub(super) async fn more(&self, count: u64) {
        let until = self.versions.answers.load(Ordering::SeqCst) + count;
        let waiting = async {
            while self.versions.answers.load(Ordering::SeqCst) < until {
                assert!(!self.clients.is_empty());
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, waiting).await.expect("a client has failed");
    }

    /// Ends it; how many answers there were, all of them as they must be.
    pub(super) async fn stop(mut self) -> u64 {
        self.versions.stop.store(true, Ordering::SeqCst);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        self.versions.answers.load(Ordering::SeqCst)
    }
}

async fn ask(address: SocketAddr, path: &'static str, answers: Answers, versions: Arc<Versions>) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    while !versions.stop.load(Ordering::SeqCst) {
        let oldest = versions.done.load(Ordering::SeqCst);
        sender.ready().await.unwrap();
        let response = sender.send_request(client::request("GET", path, "")).await.unwrap();
        let answer = client::whole(response).await.unwrap();
        let newest = versions.begun.load(Ordering::SeqCst);
        assert_eq!(answer.status, 200, "{answer:?}");
        let version = |n: u64| answers[usize::from(!n.is_multiple_of(2))];
        let may = (oldest..=newest).any(|n| answer.text() == version(n));
        assert!(may, "versions {oldest} to {newest} may answer, but not with {:?}", answer.text());
        versions.answers.fetch_add(1, Ordering::SeqCst);
    }
}
