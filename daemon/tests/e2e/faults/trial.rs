//! A daemon with plugins under test beside a neighbour that is asked all the time and must never fail.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use valor_control::v1::{Limits, Plugin, UnregisterRequest};
use valord::app::App;

use crate::artifacts::{built, misbehave};
use crate::client::{self, Answer, Spec};
use crate::harness::{PATIENCE, Valord, until_gone};

/// The plugin under test.
pub(super) const BAD: &str = "bad";

/// Short, so that a plugin that does not answer is found out soon.
pub(super) const SOON: u32 = 400;

/// One data worker, so that the neighbour shares the thread that the plugin under test attacks.
pub(super) struct Trial {
    valord: Valord,
    neighbour: Neighbour,
}

impl Deref for Trial {
    type Target = Valord;

    fn deref(&self) -> &Valord {
        &self.valord
    }
}

impl Trial {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A daemon that starts what has ended again at once, however often.
    pub(super) async fn start_with(change: impl FnOnce(&mut App)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    pub(super) async fn start_in(dir: TempDir, change: impl FnOnce(&mut App)) -> Self {
        let valord = Valord::start_in(dir, |app| {
            app.plane.workers = 1;
            app.supervisor.shim_workers = 1;
            app.supervisor.rules.first_pause = Duration::from_millis(1);
            app.supervisor.rules.longest_pause = Duration::from_millis(1);
            app.supervisor.rules.crashes = usize::MAX;
            app.plane.link.hung_grace = Duration::from_millis(100);
            change(app);
        })
        .await;
        valord.register(Spec::new(built("libhello_plugin.so"), "neighbour")).await;
        let neighbour = Neighbour::start(&valord);
        Self { valord, neighbour }
    }

    /// With one plugin under test, by the name of its file.
    pub(super) async fn of(act: &str) -> Self {
        let trial = Self::start().await;
        trial.bring(act).await;
        trial
    }

    /// The same, with limits.
    pub(super) async fn limited(act: &str, limits: impl FnOnce(&mut Limits)) -> Self {
        let trial = Self::start().await;
        trial.valord.register(Spec::new(misbehave(act), BAD).limits(limits)).await;
        trial
    }

    /// Puts another plugin under test, instead of the one before.
    pub(super) async fn bring(&self, act: &str) {
        self.bring_as(act, |_| {}).await;
    }

    pub(super) async fn bring_as(&self, act: &str, limits: impl FnOnce(&mut Limits)) {
        let name = BAD.to_owned();
        let _none_before = self.valord.control.clone().unregister(UnregisterRequest { name }).await;
        self.valord.register(Spec::new(misbehave(act), BAD).limits(limits)).await;
    }

    /// The plugin was ended: the process is gone, its log says why, and another one serves.
    #[track_caller]
    pub(super) fn restarted(&self, pid: u32, restarts: u64, reason: &str) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        let wanted = format!("valord error {reason}");
        async move {
            until_gone(pid).await;
            let log = self.valord.until_logged(BAD, &wanted).await;
            assert!(log.contains("(started again in "), "{at}: {log}");
            let plugin = self.until_restarts(restarts).await;
            assert_eq!((&*plugin.state, &*plugin.reason), ("ready", ""), "{at}");
            assert_ne!(self.valord.pid(BAD).await, pid, "{at}");
            self.serves().await;
        }
    }

    /// Nothing of it has ended.
    pub(super) async fn untouched(&self, pid: u32) {
        self.serves().await;
        let plugin = self.valord.plugin(BAD).await;
        assert_eq!((&*plugin.state, plugin.restarts), ("ready", 0), "{}", plugin.reason);
        assert_eq!(self.valord.pid(BAD).await, pid);
    }

    async fn serves(&self) {
        let answer = self.valord.get("/bad/ok").await;
        assert_eq!(answer.text(), "ok\n", "{}", self.valord.log(BAD).await);
        self.neighbour.answers_now().await;
    }

    async fn until_restarts(&self, restarts: u64) -> Plugin {
        let waiting = async {
            loop {
                let plugin = self.valord.plugin(BAD).await;
                assert!(plugin.restarts <= restarts, "{} of {restarts}: {}", plugin.restarts, plugin.reason);
                if plugin.restarts == restarts && plugin.state == "ready" {
                    return plugin;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("{BAD} is not ready after its restart {restarts}"))
    }

    /// A request that has reached the plugin and waits for its answer.
    pub(super) async fn in_flight(&self, path: &str) -> JoinHandle<Answer> {
        let before = self.valord.plugin(BAD).await.in_flight;
        let (address, request) = (self.valord.address, client::request("GET", path, ""));
        let waiting = tokio::spawn(async move {
            client::whole(client::send(address, request).await.unwrap()).await.unwrap()
        });
        while self.valord.plugin(BAD).await.in_flight == before {
            tokio::task::yield_now().await;
        }
        waiting
    }

    /// Every request of the neighbour was answered, from the first to the last.
    pub(super) async fn end(self) {
        self.neighbour.answers_now().await;
        assert_eq!(self.valord.plugin("neighbour").await.restarts, 0);
        self.neighbour.end();
        self.valord.stop().await;
    }
}

/// A problem's kind, which is the end of its type.
#[track_caller]
pub(super) fn problem(answer: &Answer, status: u16, kind: &str) -> serde_json::Value {
    let problem = answer.problem(status, BAD);
    assert_eq!(problem["type"], format!("urn:valor:problem:{kind}"), "{problem}");
    problem
}

/// Asks the neighbour over one connection for as long as it lives.
pub(crate) struct Neighbour {
    answered: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Neighbour {
    pub(crate) fn start(valord: &Valord) -> Self {
        let (answered, failures) = <(Arc<AtomicU64>, Arc<Mutex<Vec<String>>>)>::default();
        let task = tokio::spawn(ask(valord.address, Arc::clone(&answered), Arc::clone(&failures)));
        Self { answered, failures, task }
    }

    /// An answer comes to a question that is asked from now on.
    pub(crate) async fn answers_now(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        // One may be on its way already.
        let waiting = async {
            while self.answered.load(Ordering::Relaxed) < before + 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let answered = tokio::time::timeout(PATIENCE, waiting).await;
        let failures = self.failures.lock().unwrap();
        assert!(failures.is_empty() && answered.is_ok(), "the neighbour has failed: {failures:?}");
    }

    pub(crate) fn end(self) {
        self.task.abort();
        let failures = self.failures.lock().unwrap();
        assert!(failures.is_empty(), "the neighbour has failed: {failures:?}");
    }
}

async fn ask(address: std::net::SocketAddr, answered: Arc<AtomicU64>, failures: Arc<Mutex<Vec<String>>>) {
    let fail = |what: String| failures.lock().unwrap().push(what);
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    loop {
        let exchange = async {
            let response = sender.send_request(client::request("GET", "/neighbour", "")).await?;
            let (head, body) = response.into_parts();
            Ok::<_, hyper::Error>((head.status, body.collect().await?.to_bytes()))
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok((status, body))) if status == 200 && body == "OK response from a plugin" => {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Ok((status, body))) => fail(format!("{status} {body:?}")),
            Ok(Err(error)) => return fail(error.to_string()),
            Err(_) => return fail("no answer".to_owned()),
        }
        // Others want the processor, too.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
