//! Crashes and bad disks at every step of every change, and at random: afterwards there is what was before, or what was to be.

mod boot;
mod faulty;
mod moves;
mod products;
mod random;
mod steps;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::Digest as _;
use tonic::Status;
use valor_control::v1::{DisableRequest, EnableRequest, ListRequest, UnregisterRequest};

use crate::artifacts::{built, misbehave};
use crate::client::{self, Spec};
use crate::daemon::{Daemon, parent};
use crate::harness::{PATIENCE, is_alive};

/// The plugin that is changed all the time; `kept` is the one that never is.
const X: &str = "x";
const KEPT: &str = "kept";

/// One of two builds, told apart by what `/ok` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Build {
    One,
    Other,
}

impl Build {
    fn file(self) -> PathBuf {
        match self {
            Self::One => built("libhello_c_plugin.so"),
            Self::Other => misbehave("exit_on_request"),
        }
    }

    fn answer(self) -> &'static str {
        match self {
            Self::One => "OK response from a plugin in C\n",
            Self::Other => "ok\n",
        }
    }

    fn sha256(self) -> String {
        let bytes = std::fs::read(self.file()).unwrap();
        sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What there is of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Is {
    Absent,
    Serving(Build),
    Disabled(Build),
}

impl Is {
    fn build(self) -> Option<Build> {
        match self {
            Self::Absent => None,
            Self::Serving(build) | Self::Disabled(build) => Some(build),
        }
    }
}

/// A change of `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Register,
    Replace,
    Unregister,
    Disable,
    Enable,
}

impl Change {
    const ALL: [Self; 5] = [Self::Register, Self::Replace, Self::Unregister, Self::Disable, Self::Enable];

    fn before(self) -> Is {
        match self {
            Self::Register => Is::Absent,
            Self::Replace | Self::Disable => Is::Serving(Build::One),
            Self::Unregister => Is::Serving(Build::Other),
            Self::Enable => Is::Disabled(Build::One),
        }
    }

    fn after(self) -> Is {
        match self {
            Self::Register | Self::Replace => Is::Serving(Build::Other),
            Self::Unregister => Is::Absent,
            Self::Disable => Is::Disabled(Build::One),
            Self::Enable => Is::Serving(Build::One),
        }
    }

    async fn make(self, daemon: &Daemon) -> Result<(), Status> {
        let (mut control, name) = (daemon.control.clone(), X.to_owned());
        let change = async {
            match self {
                Self::Register => register(daemon, X, Build::Other, false).await,
                Self::Replace => register(daemon, X, Build::Other, true).await,
                Self::Unregister => control.unregister(UnregisterRequest { name }).await.map(drop),
                Self::Disable => control.disable(DisableRequest { name, no_wait: false }).await.map(drop),
                Self::Enable => control.enable(EnableRequest { name, no_wait: false }).await.map(drop),
            }
        };
        tokio::time::timeout(PATIENCE, change).await.expect("a change is not answered")
    }
}

async fn register(daemon: &Daemon, name: &str, build: Build, replace: bool) -> Result<(), Status> {
    let spec = Spec::new(build.file(), name);
    let spec = if replace { spec.replace() } else { spec };
    client::register(daemon.control.clone(), spec).await.map(drop)
}

/// What there is of a plugin, as the API, HTTP and the state file say with one voice.
async fn look(daemon: &Daemon, state: &Path, name: &str) -> Is {
    let plugins = daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
    let plugin = plugins.into_iter().find(|plugin| plugin.name == name);
    let request = client::request("GET", &format!("/{name}/ok"), "");
    let answer = client::whole(client::send(daemon.address, request).await.unwrap()).await.unwrap();
    let file = std::fs::read_to_string(state.join("plugins").join(format!("{name}.json"))).ok();
    let Some(plugin) = plugin else {
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(file.is_none(), "{file:?}");
        return Is::Absent;
    };
    let build = [Build::One, Build::Other].into_iter().find(|build| build.sha256() == plugin.sha256);
    let build = build.unwrap_or_else(|| panic!("nobody has registered {plugin:?}"));
    let file: serde_json::Value = serde_json::from_str(&file.unwrap()).unwrap();
    assert_eq!(file["sha256"], plugin.sha256);
    match plugin.state.as_str() {
        "ready" => {
            assert_eq!((answer.status, answer.text()), (200, build.answer()), "{plugin:?}");
            assert_ne!(file["disabled"], true);
            Is::Serving(build)
        }
        "disabled" => {
            answer.problem(503, name);
            assert_eq!(file["disabled"], true);
            Is::Disabled(build)
        }
        _ => panic!("{plugin:?}"),
    }
}

/// Makes `x` what it is to be, wherever it stands.
async fn bring(daemon: &Daemon, now: Is, to: Is) {
    if now == to {
        return;
    }
    if let Some(build) = to.build() {
        register(daemon, X, build, true).await.unwrap();
    } else {
        Change::Unregister.make(daemon).await.unwrap();
    }
    if matches!(to, Is::Disabled(_)) {
        Change::Disable.make(daemon).await.unwrap();
    }
}

/// Waits until the disk has what `kept` and `x` need, and nothing else; or until valord has ended.
async fn until_nothing_else_is_kept(daemon: &mut Daemon, dir: &Path, x: Is) {
    until_only(daemon, dir, &files_of(x)).await;
}

async fn until_only(daemon: &mut Daemon, dir: &Path, wanted: &BTreeSet<String>) {
    let waiting = async {
        while files(dir) != *wanted && !daemon.has_ended() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        assert_eq!(files(dir), *wanted);
    }
}

fn files_of(x: Is) -> BTreeSet<String> {
    let mut files = BTreeSet::from(["control.sock", "run/lock", "run/root"].map(str::to_owned));
    for (name, build) in [(KEPT, Some(Build::One)), (X, x.build())] {
        let Some(build) = build else { continue };
        files.insert(format!("artifacts/{}", build.sha256()));
        files.extend([format!("plugins/{name}.json"), format!("data/{name}")]);
    }
    files
}

/// All that there is, but for what is in plugins' own directories.
fn files(dir: &Path) -> BTreeSet<String> {
    let names = |dir: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let mut found: BTreeSet<String> = names(dir).into_iter().collect();
    found.remove("state");
    for place in names(&dir.join("state")) {
        let below = names(&dir.join("state").join(&place));
        found.extend(below.into_iter().map(|name| format!("{place}/{name}")));
    }
    found
}

/// From now on whoever loses its parent is this process's child, so that nobody gets out of sight.
fn adopt_orphans() {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
}

/// Waits until this process has no descendants: the valord that it has started is gone, and so is all that it had.
async fn until_nobody_is_left() {
    let waiting = async {
        while !descendants().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let gone = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(gone.is_ok(), "processes stay behind: {:?}", descendants());
}

/// The living processes below this one, whichever thread has started them.
fn descendants() -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parents: std::collections::HashMap<u32, u32> =
        pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let is_below = |mut pid: u32| {
        while let Some(&parent) = parents.get(&pid) {
            if parent == std::process::id() {
                return true;
            }
            pid = parent;
        }
        false
    };
    parents.keys().copied().filter(|pid| is_below(*pid) && is_alive(*pid)).collect()
}
