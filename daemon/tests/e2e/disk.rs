//! A disk that does not take what valord wants to write: told with the cure, half of nothing stays, and what serves goes on.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use valor_control::v1::{InspectRequest, RestartRequest, UnregisterRequest};

use crate::artifacts::{built, command, misbehave};
use crate::client::{self, Spec};
use crate::ctl::valorctl;
use crate::daemon::{Daemon, directory, valord_by};
use crate::harness::PATIENCE;
use crate::listing::{listing, until_as_before};
use crate::neighbour::Neighbour;

/// `sh -c SCRIPT`, which has to become its arguments in the end.
pub(crate) fn shell(script: &str) -> std::process::Command {
    let mut shell = command(if is_root() { "unshare" } else { "sh" });
    if is_root() {
        shell.args(["--mount", "--propagation", "private", "sh"]);
    }
    shell.args(["-c", script, "sh"]).arg(built("valord"));
    shell
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A valord whose disk can be tampered with; as root it has mounts of its own.
struct Tampered {
    daemon: Daemon,
    dir: TempDir,
}

impl Tampered {
    async fn start(script: &str) -> Self {
        let dir = directory();
        fs::create_dir(dir.path().join("state")).unwrap();
        let script = script.replace("STATE", dir.path().join("state").to_str().unwrap());
        let command = valord_by(
            shell(&format!("{script}\nexec \"$@\"")),
            &dir.path().join("control.sock"),
            &dir.path().join("state"),
        );
        Self { daemon: Daemon::run(command, dir.path()).await, dir }
    }

    fn control(&self) -> PathBuf {
        self.dir.path().join("control.sock")
    }

    /// The state directory, as it is called in there.
    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The state directory, as it is seen from here.
    fn view(&self) -> PathBuf {
        let state = self.state();
        if !is_root() {
            return state;
        }
        Path::new("/proc")
            .join(self.daemon.pid().to_string())
            .join("root")
            .join(state.strip_prefix("/").unwrap())
    }

    /// Nothing can be written to a directory any more.
    fn freeze(&self, name: &str) {
        self.mounts(name, "mount --bind $0 $0 && mount -o remount,bind,ro $0", 0o500);
    }

    fn thaw(&self, name: &str) {
        self.mounts(name, "umount $0", 0o711);
    }

    fn mounts(&self, name: &str, script: &str, mode: u32) {
        let dir = self.state().join(name);
        if !is_root() {
            return fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
        }
        let mut nsenter = command("nsenter");
        nsenter.args(["--target", &self.daemon.pid().to_string(), "--mount", "sh", "-c", script]).arg(&dir);
        assert!(nsenter.status().unwrap().success(), "{script}");
    }

    async fn neighbour(&self) -> Neighbour {
        Neighbour::register(self.daemon.control.clone(), self.daemon.address).await
    }

    async fn register(&self, spec: Spec) -> Result<(), tonic::Status> {
        client::register(self.daemon.control.clone(), spec).await.map(drop)
    }

    async fn status(&self, path: &str) -> u16 {
        client::send(self.daemon.address, client::request("GET", path, "")).await.unwrap().status().as_u16()
    }

    async fn pid_of(&self, name: &str) -> u32 {
        let request = InspectRequest { name: name.into() };
        self.daemon.control.clone().inspect(request).await.unwrap().into_inner().instances[0].pid
    }

    async fn unregister(&self, name: &str) -> Result<(), tonic::Status> {
        let request = UnregisterRequest { name: name.into() };
        self.daemon.control.clone().unregister(request).await.map(drop)
    }
}

fn hello(name: &str) -> Spec {
    Spec::new(built("libhello_c_plugin.so"), name)
}

#[tokio::test]
async fn a_directory_that_cannot_be_written() {
    let tampered = Tampered::start("true").await;
    let neighbour = tampered.neighbour().await;
    tampered.register(hello("kept")).await.unwrap();
    let (pid, processes) = (tampered.pid_of("kept").await, tampered.daemon.processes());
    let (why, cure) = if is_root() {
        (
            "Read-only file system (os error 30)",
            "the file system is read-only: choose another place with --state-dir",
        )
    } else {
        (
            "Permission denied (os error 13)",
            "run valord as the owner of the state directory, or choose another with --state-dir",
        )
    };
    for frozen in ["plugins", "artifacts"] {
        tampered.freeze(frozen);
        let before = listing(&tampered.view());
        let place = tampered.state().join(frozen);
        let said = format!("cannot write to {}: {why}; {cure}", place.display());
        for spec in [hello("new"), hello("kept").replace()] {
            let refused = tampered.register(spec).await.unwrap_err();
            assert_eq!((refused.code(), refused.message()), (tonic::Code::Internal, &*said));
            until_as_before(&tampered.view(), &before).await;
        }
        let args =
            ["register", built("libhello_c_plugin.so").to_str().unwrap(), "--name", "new"].map(str::to_owned);
        let refused = valorctl(&tampered.control(), args).await;
        assert_eq!((refused.code, refused.stderr), (1, format!("error: store: {said}\n")));
        assert_eq!(tampered.status("/new").await, 404);
        assert_eq!(tampered.pid_of("kept").await, pid, "what could not be replaced goes on");
        tampered.daemon.until_processes(&processes).await;
        tampered.thaw(frozen);
    }
    // What cannot be forgotten stays, and serves.
    tampered.freeze("plugins");
    let refused = tampered.unregister("kept").await.unwrap_err();
    let file = tampered.state().join("plugins/kept.json");
    assert_eq!(refused.message(), format!("cannot remove {}: {why}; {cure}", file.display()));
    assert_eq!((tampered.status("/kept").await, tampered.pid_of("kept").await), (200, pid));
    // A restart writes nothing.
    let request = RestartRequest { name: "kept".into(), no_wait: false };
    tampered.daemon.control.clone().restart(request).await.unwrap();
    assert_eq!(tampered.status("/kept").await, 200);
    tampered.thaw("plugins");
    tampered.unregister("kept").await.unwrap();
    tampered.register(hello("new")).await.unwrap();
    neighbour.was_served().await;
}

/// What the kernel does at a limit on files is to end the process, unless it was asked not to.
#[tokio::test]
async fn a_file_that_may_not_be_that_large() {
    let tampered = Tampered::start("ulimit -S -f 128").await;
    let neighbour = tampered.neighbour().await;
    tampered.register(hello("kept")).await.unwrap();
    let (pid, processes) = (tampered.pid_of("kept").await, tampered.daemon.processes());
    let before = listing(&tampered.view());
    let cure =
        "valord may not write files of this size: raise its limit (LimitFSIZE= of the unit, ulimit -f)";
    let artifacts = tampered.state().join("artifacts");
    let refused = tampered.register(Spec::new(built("libhello_plugin.so"), "new")).await.unwrap_err();
    let said = format!("cannot write to {}: File too large (os error 27); {cure}", artifacts.display());
    assert_eq!(refused.message(), said);
    until_as_before(&tampered.view(), &before).await;

    // The artifact is small enough; its registration is the last that is written.
    let large = json!("x".repeat(100_000));
    for (spec, name) in [(hello("new"), "new"), (hello("kept").replace(), "kept")] {
        let refused = tampered.register(spec.config(&large)).await.unwrap_err();
        let file = tampered.state().join(format!("plugins/{name}.json"));
        let said = format!("cannot write {}: File too large (os error 27); {cure}", file.display());
        assert_eq!((refused.code(), refused.message()), (tonic::Code::Internal, &*said));
        until_as_before(&tampered.view(), &before).await;
    }
    assert_eq!((tampered.status("/new").await, tampered.status("/kept").await), (404, 200));
    assert_eq!(tampered.pid_of("kept").await, pid);
    tampered.daemon.until_processes(&processes).await;
    tampered.register(hello("new")).await.unwrap();
    neighbour.was_served().await;
}

#[tokio::test]
async fn a_disk_that_is_full() {
    if !is_root() {
        eprintln!("NOT TESTED: only root can mount a small disk; the limit on files is the ordinary user's");
        return;
    }
    let tampered = Tampered::start("mount -t tmpfs -o size=1m,mode=0711 small STATE").await;
    let neighbour = tampered.neighbour().await;
    let processes = tampered.daemon.processes();
    let before = listing(&tampered.view());
    let full =
        "No space left on device (os error 28); the disk or the quota is full: free some space and try again";
    let artifacts = tampered.state().join("artifacts");

    // Larger than the disk.
    let refused = tampered.register(Spec::new(built("libhello_plugin.so"), "new")).await.unwrap_err();
    let said = format!("cannot write to {}: {full}", artifacts.display());
    assert_eq!((refused.code(), refused.message()), (tonic::Code::ResourceExhausted, &*said));
    until_as_before(&tampered.view(), &before).await;

    // Room for the artifact, which is not there yet, and not for the registration.
    let filler = tampered.view().join("filler");
    let other = misbehave("never_answers");
    let artifact = fs::metadata(&other).unwrap().len();
    fill(&filler, artifact.div_ceil(4096));
    let filled = listing(&tampered.view());
    let room = free(&tampered.view());
    let refused = tampered.register(Spec::new(other, "new")).await.unwrap_err();
    let said = format!("cannot write {}: {full}", tampered.state().join("plugins/new.json").display());
    assert_eq!(refused.message(), said);
    until_as_before(&tampered.view(), &filled).await;
    assert_eq!(tampered.status("/new").await, 404);
    tampered.daemon.until_processes(&processes).await;
    // The kernel takes the mounts of a sandbox down, and with them what they hold, a while after its processes.
    until_free(&tampered.view(), room).await;

    // Nothing at all, not even for the file that is only begun.
    fill(&filler, 0);
    let filled = listing(&tampered.view());
    let hello_c = built("libhello_c_plugin.so");
    let refused =
        valorctl(&tampered.control(), ["register", hello_c.to_str().unwrap(), "--name", "new"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.starts_with("error: store: cannot write"), "{}", refused.stderr);
    assert!(refused.stderr.contains("the disk or the quota is full"), "{}", refused.stderr);
    until_as_before(&tampered.view(), &filled).await;

    fs::remove_file(&filler).unwrap();
    tampered.register(hello("new")).await.unwrap();
    // To forget takes no room.
    fill(&filler, 0);
    tampered.unregister("new").await.unwrap();
    neighbour.was_served().await;
}

/// Blocks that are free.
fn free(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).unwrap().f_bfree
}

async fn until_free(dir: &Path, blocks: u64) {
    let waiting = async {
        while free(dir) != blocks {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{} of {blocks} blocks are free", free(dir)));
}

/// Leaves so many pages free.
fn fill(filler: &Path, pages: u64) {
    use std::io::Write as _;
    let mut file = fs::File::create(filler).unwrap();
    while file.write(&[1; 4096]).is_ok_and(|written| written > 0) {}
    let length = file.metadata().unwrap().len();
    file.set_len(length - pages * 4096).unwrap();
}
