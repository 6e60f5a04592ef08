//! Chaos: plugins are replaced, killed, hung and flooded at random while clients check every answer. A fault is felt by nobody but the
//! clients of the plugin whose it is, and they are told so. `make chaos` runs it for longer.

mod clients;
mod faults;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::task::LocalSet;
use valor_control::v1::ListRequest;

use crate::artifacts::{built, misbehave};
use crate::client::{self, Answer, Spec};
use crate::daemon::{Daemon, directory};
use crate::harness::{PATIENCE, until_gone};
use clients::Client;
use faults::{Fault, Monkey};

const SECONDS: &str = "VALOR_TEST_CHAOS";
const SEED: &str = "VALOR_TEST_CHAOS_SEED";
/// In CI.
const FEW: u64 = 10;
const MOST: u64 = 600;

/// The answers of the two builds to `/ok`.
const C: &str = "OK response from a plugin in C\n";
const OK: &str = "ok\n";

/// A plugin of the cast, and what its clients may see.
#[derive(Debug, Clone, Copy)]
struct Role {
    name: &'static str,
    path: &'static str,
    answers: &'static [&'static str],
    /// Something is done to it: then its clients may be told so.
    suffers: bool,
    clients: usize,
}

const HEALTHY: Role = Role { name: "healthy", path: "/ok", answers: &[C], suffers: false, clients: 2 };
const REPLACED: Role = Role { name: "replaced", path: "/ok", answers: &[C, OK], suffers: false, clients: 2 };
const KILLED: Role = Role { name: "killed", path: "/ok", answers: &[C], suffers: true, clients: 2 };
const HANGS: Role = Role { name: "hangs", path: "/ok", answers: &[OK], suffers: true, clients: 1 };
const CRASHES: Role = Role { name: "crashes", path: "/ok", answers: &[OK], suffers: true, clients: 1 };
const FLOODS: Role = Role { name: "floods", path: "/ok", answers: &[OK], suffers: true, clients: 1 };
const CROWDED: Role =
    Role { name: "crowded", path: "/slow?ms=5", answers: &["slow"], suffers: true, clients: 1 };

const CAST: [Role; 7] = [HEALTHY, REPLACED, KILLED, HANGS, CRASHES, FLOODS, CROWDED];

impl Role {
    fn spec(self) -> Spec {
        let spec = |file: PathBuf| Spec::new(file, self.name);
        match self.name {
            "hangs" => spec(misbehave("spin_on_request")).limits(|limits| limits.timeout_ms = 500),
            "floods" => spec(misbehave("stderr_flood")).limits(|limits| limits.timeout_ms = 500),
            "crashes" => spec(misbehave("exit_on_request")),
            "crowded" => spec(built("libvalor_test_runtime_plugin.so"))
                .limits(|limits| (limits.concurrency, limits.queue) = (1, Some(1))),
            "killed" => spec(built("libhello_c_plugin.so")).limits(|limits| limits.instances = 2),
            _ => spec(built("libhello_c_plugin.so")),
        }
    }

    /// Whether a client may get this.
    fn judge(self, answer: &Answer) -> Result<(), String> {
        if answer.status == 200 && self.answers.contains(&&*String::from_utf8_lossy(&answer.body)) {
            return Ok(());
        }
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let told = answer.header("content-type") == "application/problem+json"
            && problem["plugin"] == self.name
            && problem["status"] == answer.status;
        if self.suffers && told && [502, 503, 504].contains(&answer.status) {
            return Ok(());
        }
        Err(format!("{}: {answer:?}", self.name))
    }
}

/// What has come of it.
#[derive(Debug, Default)]
struct Tally {
    answers: BTreeMap<(&'static str, u16), u64>,
    faults: BTreeMap<Fault, u64>,
    /// Answers that must not be, or never came; and changes that were refused.
    lost: Vec<String>,
}

impl Tally {
    fn note(&mut self, role: Role, answer: Result<Answer, String>) {
        match answer {
            Ok(answer) => {
                *self.answers.entry((role.name, answer.status)).or_default() += 1;
                self.lost.extend(role.judge(&answer).err());
            }
            Err(error) => self.lost.push(format!("{}: {error}", role.name)),
        }
    }

    fn asked(&self, role: Role) -> u64 {
        self.answers.iter().filter(|((name, _), _)| *name == role.name).map(|(_, count)| count).sum()
    }

    fn tell(&self) {
        for role in CAST {
            let counts: Vec<String> = self
                .answers
                .iter()
                .filter(|((name, _), _)| *name == role.name)
                .map(|((_, status), count)| format!("{status}: {count}"))
                .collect();
            eprintln!("{:>9}: {} requests ({})", role.name, self.asked(role), counts.join(", "));
        }
        let all: u64 = self.answers.values().sum();
        let faults: u64 = self.faults.values().sum();
        eprintln!("{all} requests, {faults} faults {:?}, {} answers lost", self.faults, self.lost.len());
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

#[tokio::test]
async fn nobody_feels_the_faults_of_another() {
    let seconds = setting(SECONDS).unwrap_or(FEW).min(MOST);
    let seed = setting(SEED).unwrap_or_else(|| fastrand::u64(..));
    eprintln!("{SECONDS}={seconds} {SEED}={seed}");
    let dir = directory();
    let mut daemon = Daemon::start(dir.path()).await;
    for role in CAST {
        client::register(daemon.control.clone(), role.spec()).await.unwrap();
    }
    let tally = Rc::new(RefCell::new(Tally::default()));
    LocalSet::new().run_until(run(&daemon, Duration::from_secs(seconds), seed, &tally)).await;

    let tally = tally.take();
    tally.tell();
    assert!(tally.lost.is_empty(), "{:#?}", tally.lost.iter().take(10).collect::<Vec<_>>());
    for role in CAST {
        assert!(tally.asked(role) > 0, "nobody has asked {}", role.name);
    }
    for fault in Fault::ALL {
        assert!(tally.faults.contains_key(&fault), "{fault:?} was never tried");
    }
    let plugins = daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
    for plugin in plugins.iter().filter(|plugin| [HEALTHY.name, REPLACED.name].contains(&&*plugin.name)) {
        assert_eq!((&*plugin.state, plugin.restarts, plugin.errors), ("ready", 0, 0), "{plugin:?}");
    }

    let below = daemon.processes();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.end().await.code(), Some(0));
    for pid in below {
        until_gone(pid).await;
    }
}

/// Clients and monkey, side by side.
async fn run(daemon: &Daemon, time: Duration, seed: u64, tally: &Rc<RefCell<Tally>>) {
    let stop = Rc::new(tokio::sync::watch::Sender::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for role in CAST {
        for _ in 0..role.clients {
            let client = Client::new(daemon.address, role);
            clients.spawn_local(client.ask_until(stop.subscribe(), Rc::clone(tally)));
        }
    }
    Monkey::new(daemon, seed, Rc::clone(tally)).run(Instant::now() + time).await;
    stop.send_replace(true);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
}

/// One request on a connection of its own.
async fn once(address: SocketAddr, role: Role, path: &str) -> Result<Answer, String> {
    let path = format!("/{}{path}", role.name);
    let exchange =
        async { client::whole(client::send(address, client::request("GET", &path, "")).await?).await };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("no answer".to_owned()),
    }
}
