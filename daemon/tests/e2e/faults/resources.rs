//! Plugins that take what they can get: memory, threads, descriptors, disks, processors.

use std::path::PathBuf;

use super::trial::{BAD, Trial, problem};
use crate::artifacts::{built, command};
use crate::client::Spec;
use crate::harness::{Valord, without_namespaces};

#[tokio::test]
async fn memory_is_bounded() {
    let trial = Trial::limited("memory_hog", |limits| limits.memory = 96 << 20).await;
    let pid = trial.pid(BAD).await;
    let cgroup = trial.inspect(BAD).await.sandbox.into_iter().find(|layer| layer.layer == "cgroup").unwrap();
    problem(&trial.get("/bad/act").await, 502, "plugin-crashed");
    let reason = match &*cgroup.status {
        "full" => "it was killed by the kernel: out of memory",
        // Where the kernel counts no group, malloc fails, and this plugin says so and aborts.
        _ => "it got no more memory and aborted: malloc: Cannot allocate memory ",
    };
    trial.restarted(pid, 1, reason).await;
    assert_eq!(trial.plugin(BAD).await.out_of_memory, 1);
    trial.end().await;
}

#[tokio::test]
async fn who_aborts_for_want_of_memory_is_named_for_it() {
    let valord = Valord::start().await;
    let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), BAD);
    valord.register(spec.limits(|limits| limits.memory = 96 << 20)).await;
    problem(&valord.get("/bad/panic").await, 500, "plugin-failed");
    assert_eq!(valord.get("/bad/eat").await.status, 502);
    valord.until_logged(BAD, "(started again in ").await;
    valord.until_state(BAD, "ready").await;
    let plugin = valord.plugin(BAD).await;
    assert_eq!((plugin.restarts, plugin.out_of_memory), (1, 1), "{}", valord.log(BAD).await);
    valord.stop().await;
}

/// `N REASON`, as the plugin found out, which serves on.
async fn found_out(act: &str) -> (u64, String) {
    let trial = Trial::of(act).await;
    let pid = trial.pid(BAD).await;
    let answer = trial.get("/bad/act").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (count, reason) = answer.text().split_once(' ').unwrap();
    let found = (count.parse().unwrap(), reason.to_owned());
    trial.untouched(pid).await;
    trial.end().await;
    found
}

#[tokio::test]
async fn threads_are_bounded() {
    let (count, reason) = found_out("threads_without_end").await;
    assert_eq!(reason, "EAGAIN");
    // Without a user namespace all processes of the user count together.
    assert!(count <= 1024 && (count > 500 || without_namespaces()), "{count}");
}

#[tokio::test]
async fn descriptors_are_bounded() {
    let (count, reason) = found_out("opens_without_end").await;
    assert_eq!(reason, "EMFILE");
    assert!((900..1024).contains(&count), "{count}");
}

#[tokio::test]
async fn processors_are_shared() {
    let trial = Trial::of("spins_in_threads").await;
    let pid = trial.pid(BAD).await;
    for _ in 0..3 {
        assert_eq!(trial.get("/bad/act").await.text(), "busy\n");
        trial.untouched(pid).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn the_temporary_directory_is_bounded() {
    const SIZE: u64 = 1 << 20;
    let trial = Trial::start_with(|app| app.supervisor.tmp_bytes = SIZE).await;
    trial.bring("fills_tmp").await;
    let pid = trial.pid(BAD).await;
    let said = trial.get("/bad/act").await;
    if without_namespaces() {
        assert_eq!(said.text(), "0 EACCES EACCES", "there is none");
    } else {
        assert_eq!(said.text(), format!("{SIZE} ENOSPC ENOSPC"));
    }
    trial.untouched(pid).await;
    trial.end().await;
}

/// One byte more is an error for the plugin to handle, and not its end.
#[tokio::test]
async fn a_file_is_bounded() {
    let trial = Trial::of("fills_data").await;
    let pid = trial.pid(BAD).await;
    let said = trial.get("/bad/act").await;
    assert_eq!(said.text(), format!("1 -1 EFBIG -1 EFBIG {}", 1 << 30));
    let file = trial.dir.path().join("state/data").join(BAD).join("large");
    assert_eq!(std::fs::metadata(file).unwrap().len(), 1 << 30);
    trial.untouched(pid).await;
    trial.end().await;
}

/// All files of a plugin together are bounded by the disk only: one that is full is an error to the plugin that fills it, and to
/// whoever registers another; what serves goes on.
#[tokio::test]
async fn a_full_disk_harms_nothing_that_serves() {
    struct Small(PathBuf);
    impl Drop for Small {
        fn drop(&mut self) {
            let _gone = command("umount").arg("--lazy").arg(&self.0).status();
        }
    }
    if !nix::unistd::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "CI runs as root, which can mount a small disk");
        eprintln!("NOT TESTED: only root can mount a small disk");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let mounted =
        command("mount").args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(&state).status().unwrap();
    assert!(mounted.success());
    let _small = Small(state);
    let trial = Trial::start_in(dir, |_| {}).await;
    trial.bring("fills_disk").await;
    let pid = trial.pid(BAD).await;
    let said = trial.get("/bad/act").await;
    let (bytes, reason) = said.text().split_once(' ').unwrap();
    assert_eq!(reason, "ENOSPC");
    assert!(bytes.parse::<u64>().unwrap() > 1 << 20, "{bytes}");
    trial.untouched(pid).await;

    let other = || Spec::new(built("libhello_c_plugin.so"), "other");
    let refused = trial.try_register(other()).await.unwrap_err();
    assert!(refused.message().contains("No space left on device"), "{refused}");
    assert_eq!(trial.get("/other").await.status, 404);
    trial.untouched(pid).await;
    // Its files go with it, and there is room again.
    trial.unregister(BAD).await.unwrap();
    trial.register(other()).await;
    assert_eq!(trial.get("/other").await.status, 200);
    trial.end().await;
}

/// No call of a plugin carries a descriptor; what a socket of the daemon's does with one is tested at the sockets.
#[tokio::test]
async fn no_descriptor_is_passed() {
    let trial = Trial::of("passes_descriptors").await;
    let pid = trial.pid(BAD).await;
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    for _ in 0..20 {
        assert_eq!(trial.get("/bad/act").await.text(), "-1 EPERM -1 EPERM ", "control and data");
    }
    trial.untouched(pid).await;
    let closed = async {
        // Those of the requests above are closed when the daemon has seen their ends.
        while open() > before {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, closed).await.expect("descriptors leak");
    trial.end().await;
}
