//! What is done to the plugins.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::JoinSet;
use valor_control::v1::{InspectRequest, ListRequest, RestartRequest};

use super::{CRASHES, CROWDED, FLOODS, HANGS, KILLED, REPLACED, Role, Tally, once};
use crate::artifacts::{built, misbehave};
use crate::client::{self, Spec};
use crate::daemon::{Daemon, parent};

/// More than the crowded plugin takes.
const CROWD: usize = 30;
/// Requests of faults under way.
const UNDER_WAY: usize = 2 * CROWD;
/// Between two faults, at most.
const PAUSE: u64 = 100;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Replace,
    KillPlugin,
    KillAncestor,
    Hang,
    Crash,
    Flood,
    Crowd,
}

impl Fault {
    pub(super) const ALL: [Self; 7] = [
        Self::Replace,
        Self::KillPlugin,
        Self::KillAncestor,
        Self::Hang,
        Self::Crash,
        Self::Flood,
        Self::Crowd,
    ];
}

/// Whoever brings the faults about.
pub(super) struct Monkey<'a> {
    daemon: &'a Daemon,
    random: fastrand::Rng,
    tally: Rc<RefCell<Tally>>,
    /// Requests that do harm, and are answered like any other.
    requests: JoinSet<()>,
    /// Those that replace each other, the next one first.
    builds: VecDeque<PathBuf>,
}

impl<'a> Monkey<'a> {
    pub(super) fn new(daemon: &'a Daemon, seed: u64, tally: Rc<RefCell<Tally>>) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let builds = VecDeque::from([misbehave("exit_on_request"), built("libhello_c_plugin.so")]);
        Self { daemon, random, tally, requests: JoinSet::new(), builds }
    }

    /// Each fault once, and then any until it is time.
    pub(super) async fn run(mut self, until: Instant) {
        let mut first = Fault::ALL;
        self.random.shuffle(&mut first);
        for fault in first {
            while !self.bring_about(fault).await {
                self.pause().await;
            }
        }
        while Instant::now() < until {
            let fault = Fault::ALL[self.random.usize(..Fault::ALL.len())];
            self.bring_about(fault).await;
            self.pause().await;
        }
        while let Some(ended) = self.requests.join_next().await {
            ended.unwrap();
        }
    }

    async fn pause(&mut self) {
        self.revive().await;
        while self.requests.len() > UNDER_WAY {
            self.requests.join_next().await;
        }
        tokio::time::sleep(Duration::from_millis(self.random.u64(..PAUSE))).await;
    }

    /// False: there was nobody whom it could have befallen.
    async fn bring_about(&mut self, fault: Fault) -> bool {
        let happened = match fault {
            Fault::Replace => self.replace().await,
            Fault::KillPlugin => self.kill(true).await,
            Fault::KillAncestor => self.kill(false).await,
            Fault::Hang => self.request(HANGS, "/act", 1),
            Fault::Crash => self.request(CRASHES, "/act", 1),
            Fault::Flood => self.request(FLOODS, "/act", 1),
            Fault::Crowd => self.request(CROWDED, CROWDED.path, CROWD),
        };
        if happened {
            *self.tally.borrow_mut().faults.entry(fault).or_default() += 1;
        }
        happened
    }

    fn request(&mut self, role: Role, path: &'static str, count: usize) -> bool {
        for _ in 0..count {
            let (address, tally) = (self.daemon.address, Rc::clone(&self.tally));
            self.requests.spawn_local(async move {
                let answer = once(address, role, path).await;
                tally.borrow_mut().note(role, answer);
            });
        }
        true
    }

    async fn replace(&mut self) -> bool {
        self.builds.rotate_left(1);
        let spec = Spec::new(&self.builds[1], REPLACED.name).replace();
        if let Err(status) = client::register(self.daemon.control.clone(), spec).await {
            self.tally.borrow_mut().lost.push(format!("a replacement: {status}"));
        }
        true
    }

    /// Of the plugin's processes the one that has its code, or one that the sandbox is made of.
    async fn kill(&mut self, plugin: bool) -> bool {
        let request = InspectRequest { name: KILLED.name.to_owned() };
        let detail = self.daemon.control.clone().inspect(request).await.unwrap().into_inner();
        let ready: Vec<_> = detail.instances.iter().filter(|instance| instance.state == "ready").collect();
        let Some(instance) = self.random.choice(ready) else { return false };
        // All that is killed descends from this valord, or is left alone.
        let mut chain = vec![instance.pid];
        while chain.last() != Some(&self.daemon.pid()) {
            let Some(above) = chain.last().and_then(|pid| parent(*pid)).filter(|pid| *pid > 1) else {
                return false;
            };
            chain.push(above);
        }
        let (code, sandbox) = (instance.pid, &chain[1..chain.len() - 1]);
        let Some(victim) = (if plugin { Some(code) } else { self.random.choice(sandbox).copied() }) else {
            return false;
        };
        // It may have ended meanwhile.
        kill(Pid::from_raw(victim.cast_signed()), Signal::SIGKILL).is_ok()
    }

    /// What was ended too often waits for an operator.
    async fn revive(&mut self) {
        let plugins = self.daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
        for plugin in plugins.into_iter().filter(|plugin| plugin.state == "quarantined") {
            let request = RestartRequest { name: plugin.name, no_wait: true };
            // It may be on its way already.
            let _restarted = self.daemon.control.clone().restart(request).await;
        }
    }
}
