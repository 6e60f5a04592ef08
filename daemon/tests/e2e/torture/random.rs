//! At random: whatever is killed, whenever. The seed is printed; the environment sets it, and the number of rounds.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use valor_control::v1::{InspectRequest, ListRequest, Plugin, RestartRequest};

use super::faulty::Faulty;
use super::{
    Build, Change, Is, KEPT, X, adopt_orphans, bring, look, register, until_nobody_is_left,
    until_nothing_else_is_kept,
};
use crate::daemon::{Daemon, directory, parent};
use crate::harness::{PATIENCE, is_alive, until_gone};

const SEED: &str = "VALOR_TEST_TORTURE_SEED";
const ROUNDS: &str = "VALOR_TEST_TORTURE_ROUNDS";
const FEW: u32 = 15;

/// More steps than any change has, so that some rounds go well.
const STEPS: usize = 24;
/// Longer than most changes take.
const INSTANTS: u64 = 60_000;

/// Who is killed in the middle of a change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Victim {
    /// valord, before this step on its disk.
    ValordAt(usize),
    /// valord, after this time.
    Valord(Duration),
    /// One of its processes, after this time: the spawned one, a sandbox's init, a plugin, one that inspects.
    Below(Duration),
}

impl Victim {
    pub(super) fn any(random: &mut fastrand::Rng) -> Self {
        let after = Duration::from_micros(random.u64(..INSTANTS));
        match random.u8(..4) {
            0 => Self::ValordAt(random.usize(..STEPS)),
            1 => Self::Valord(after),
            _ => Self::Below(after),
        }
    }

    /// Before a change: valord is told at which step it dies, if at one.
    pub(super) fn aim(self, valord: &mut Faulty) {
        if let Self::ValordAt(step) = self {
            valord.order(&format!("kill {step}"));
        }
    }

    pub(super) async fn dies(self, daemon: &Daemon, random: &mut fastrand::Rng) {
        match self {
            Self::ValordAt(_) => {}
            Self::Valord(after) => {
                tokio::time::sleep(after).await;
                daemon.signal(Signal::SIGKILL);
            }
            Self::Below(after) => {
                tokio::time::sleep(after).await;
                // They are its own, just now.
                let Some(pid) = random.choice(daemon.processes()) else { return };
                assert!(pid > 1);
                // It may have ended meanwhile.
                let _gone = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
                until_gone(pid).await;
            }
        }
    }

    /// After a change and a death: a valord that serves what there is, and whether it is another one.
    pub(super) async fn over(self, mut valord: Faulty, dir: &Path) -> (Faulty, bool) {
        let survives = !matches!(self, Self::Valord(_)) && !valord.daemon.has_ended();
        if survives && !until_settled(&mut valord.daemon).await {
            valord.order("none");
            return (valord, false);
        }
        valord.daemon.end().await;
        drop(valord);
        until_nobody_is_left().await;
        (Faulty::start(dir).await, true)
    }
}

/// Chance, and for how many rounds, `few` unless said otherwise; what makes them happen again is printed.
pub(super) fn seeded(few: u32) -> (fastrand::Rng, u32) {
    let seed = setting(SEED).unwrap_or_else(|| fastrand::u64(..));
    let rounds = setting(ROUNDS).unwrap_or(few);
    eprintln!("{SEED}={seed} {ROUNDS}={rounds}");
    (fastrand::Rng::with_seed(seed), rounds)
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn whoever_is_killed_there_is_what_was_or_what_was_to_be() {
    let (mut random, rounds) = seeded(FEW);
    adopt_orphans();
    let dir = directory();
    let state = dir.path().join("state");
    let mut valord = Faulty::start(dir.path()).await;
    register(&valord.daemon, KEPT, Build::One, false).await.unwrap();
    let mut x = Is::Absent;
    for round in 0..rounds {
        let change = random.choice(Change::ALL).unwrap();
        let victim = Victim::any(&mut random);
        let what = format!("round {round}: {change:?}, {victim:?}");
        bring(&valord.daemon, x, change.before()).await;
        until_nothing_else_is_kept(&mut valord.daemon, dir.path(), change.before()).await;

        victim.aim(&mut valord);
        let (result, ()) =
            tokio::join!(change.make(&valord.daemon), victim.dies(&valord.daemon, &mut random));
        if result.is_ok() {
            until_nothing_else_is_kept(&mut valord.daemon, dir.path(), change.after()).await;
        }
        let killed;
        (valord, killed) = victim.over(valord, dir.path()).await;
        let may_be = match (&result, killed) {
            (Ok(()), _) => vec![change.after()],
            (Err(_), true) => vec![change.before(), change.after()],
            (Err(_), false) => vec![change.before()],
        };
        x = look(&valord.daemon, &state, X).await;
        assert!(may_be.contains(&x), "{what}: {x:?} instead of {may_be:?}; {result:?}");
        assert_eq!(look(&valord.daemon, &state, KEPT).await, Is::Serving(Build::One), "{what}");
        until_nothing_else_is_kept(&mut valord.daemon, dir.path(), x).await;
    }
    assert!(!valord.stop().await);
    until_nobody_is_left().await;
}

/// Waits until every plugin serves or shall not; what was killed too often is started again. True: valord has ended.
async fn until_settled(daemon: &mut Daemon) -> bool {
    let waiting = async {
        loop {
            let Ok(list) = daemon.control.clone().list(ListRequest {}).await else { return true };
            let mut settled = true;
            for Plugin { name, state, .. } in list.into_inner().plugins {
                settled &= match state.as_str() {
                    "ready" => is_whole(daemon, &name).await,
                    "quarantined" => {
                        let request = RestartRequest { name, no_wait: false };
                        // However that goes, it is looked at again.
                        let _restarted = daemon.control.clone().restart(request).await;
                        false
                    }
                    state => state == "disabled",
                };
            }
            if settled {
                return daemon.has_ended();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("not all come back")
}

/// Its process lives, and so do those above it: none is killed and not noticed yet.
async fn is_whole(daemon: &Daemon, name: &str) -> bool {
    let request = InspectRequest { name: name.to_owned() };
    let Ok(detail) = daemon.control.clone().inspect(request).await else { return false };
    let below: Vec<u32> = daemon.processes().into_iter().filter(|pid| is_alive(*pid)).collect();
    detail.into_inner().instances.iter().all(|instance| {
        let mut pid = instance.pid;
        while pid != daemon.pid() {
            match parent(pid).filter(|_| below.contains(&pid)) {
                Some(parent) => pid = parent,
                None => return false,
            }
        }
        true
    })
}
