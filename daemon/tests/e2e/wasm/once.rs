//! Compiled once, whoever asks and however often it starts; what serves meanwhile serves on.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tonic_types::StatusExt as _;
use valord::app::App;
use valord::supervisor::Shims;

use super::{CREATED, compiled, file, guest};
use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::daemon::directory;
use crate::harness::{PATIENCE, Valord, until_gone};
use crate::listing::{listing, until_as_before};

/// A shim that writes down each time it compiles, and waits before it does while there is a file `hold`.
struct Witness(TempDir);

impl Witness {
    fn new() -> Self {
        let dir = directory();
        // Shims of other users write to it, too.
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
        std::fs::copy(built("valor-shim"), dir.path().join("valor-shim")).unwrap();
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = compile ]; then\n  echo >>{0}/compiled\n  while [ -e {0}/hold ]; do /bin/sleep 0.01; done\nfi\nexec {1} \"$@\"\n",
            dir.path().display(),
            built("valor-shim-wasm").display()
        );
        let shim = dir.path().join("valor-shim-wasm");
        std::fs::write(&shim, script).unwrap();
        std::fs::set_permissions(shim, PermissionsExt::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn install(&self, app: &mut App) {
        app.supervisor.shims = Shims::beside(self.0.path().join("valor-shim"));
    }

    /// How often it has begun.
    fn compiled(&self) -> usize {
        std::fs::read(self.0.path().join("compiled")).map_or(0, |lines| lines.len())
    }

    fn hold(&self) {
        std::fs::write(self.0.path().join("hold"), "").unwrap();
    }

    fn let_go(&self) {
        std::fs::remove_file(self.0.path().join("hold")).unwrap();
    }

    async fn until_compiled(&self, times: usize) {
        let begun = async {
            while self.compiled() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, begun).await.expect("nothing is compiled");
    }
}

fn plain() -> (TempDir, PathBuf) {
    file(&guest(CREATED, "nop"))
}

/// What was made of artifacts: the names, and which files they are.
fn products(dir: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(dir.join("state/products")).unwrap().map(Result::unwrap);
    let mut found: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().ino()))
        .collect();
    found.sort();
    found
}

async fn until_products(valord: &Valord, count: usize) {
    let waiting = async {
        while products(valord.dir.path()).len() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("what was made of artifacts stays");
}

#[tokio::test]
async fn it_comes_back_from_what_was_compiled() {
    let witness = Witness::new();
    let valord = Valord::start_with(|app| witness.install(app)).await;
    let (_dir, file) = plain();
    valord.register(Spec::new(&file, "x")).await;
    valord.register(Spec::new(&file, "again")).await;
    assert_eq!((witness.compiled(), compiled(&valord).await), (1, 1), "the same artifact twice");
    let made = products(valord.dir.path());
    assert_eq!(made.len(), 1);

    let valord = Valord::start_in(valord.stop().await, |app| witness.install(app)).await;
    for name in ["x", "again"] {
        valord.until_state(name, "ready").await;
        assert_eq!(valord.get(&format!("/{name}")).await.text(), "n1");
    }
    assert_eq!((witness.compiled(), compiled(&valord).await), (1, 0), "a boot");
    assert_eq!(products(valord.dir.path()), made);

    // One that is damaged is never used.
    let dir = valord.stop().await;
    let path = dir.path().join("state/products").join(&made[0].0);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let valord = Valord::start_in(dir, |app| witness.install(app)).await;
    valord.until_state("x", "ready").await;
    valord.until_state("again", "ready").await;
    assert_eq!(valord.get("/x").await.text(), "n1");
    assert_eq!(witness.compiled(), 2, "once, whoever needs it");
    assert_eq!(products(valord.dir.path())[0].0, made[0].0, "compiling comes to the same each time");

    // It goes with the last who needs it.
    valord.unregister("again").await.unwrap();
    assert_eq!(products(valord.dir.path()).len(), 1);
    valord.unregister("x").await.unwrap();
    until_products(&valord, 0).await;
    valord.stop().await;
}

#[tokio::test]
async fn those_who_register_the_same_at_once_have_it_compiled_once() {
    let witness = Witness::new();
    let valord = Valord::start_with(|app| witness.install(app)).await;
    let (_dir, file) = plain();
    let names = ["a", "b", "c", "d"];
    futures_util::future::join_all(names.map(|name| valord.register(Spec::new(&file, name)))).await;
    assert_eq!(witness.compiled(), 1);
    for name in names {
        assert_eq!(valord.get(&format!("/{name}")).await.text(), "n1");
    }
    valord.stop().await;
}

#[tokio::test]
async fn a_process_that_is_killed_is_replaced_without_compiling() {
    let witness = Witness::new();
    let valord = Valord::start_with(|app| witness.install(app)).await;
    valord.register(Spec::new(plain().1, "x")).await;
    let pid = valord.pid("x").await;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    until_gone(pid).await;
    let back = async { while valord.get("/x").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, back).await.unwrap();
    assert_ne!(valord.pid("x").await, pid);
    assert_eq!(witness.compiled(), 1);
    valord.stop().await;
}

#[tokio::test]
async fn the_old_one_serves_while_the_new_one_is_compiled() {
    let witness = Witness::new();
    let valord = Valord::start_with(|app| witness.install(app)).await;
    let (_old, old) = plain();
    valord.register(Spec::new(old, "x")).await;
    witness.hold();
    let (_new, new) = file(&guest(CREATED, "nop").replace("a-b", "c-d"));
    let replaced = tokio::spawn(client::register(valord.control.clone(), Spec::new(new, "x").replace()));
    witness.until_compiled(2).await;
    for times in 1..=5 {
        let answer = valord.get("/x").await;
        assert_eq!((answer.text(), answer.header("a-b")), (&*format!("n{times}"), "xy"));
    }
    // Others can be registered, too.
    valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    assert_eq!((compiled(&valord).await, replaced.is_finished()), (2, false));
    witness.let_go();
    tokio::time::timeout(PATIENCE, replaced).await.unwrap().unwrap().unwrap();
    let answer = valord.get("/x").await;
    assert_eq!((answer.text(), answer.header("c-d")), ("n1", "xy"));
    until_products(&valord, 1).await;
    valord.stop().await;
}

#[tokio::test]
async fn what_takes_too_long_to_compile_is_given_up_and_leaves_nothing() {
    let witness = Witness::new();
    let change = |app: &mut App| {
        witness.install(app);
        app.supervisor.compile_deadline = Duration::from_secs(1);
    };
    witness.hold();
    let valord = Valord::start_with(change).await;
    valord.register(Spec::new(built("libhello_plugin.so"), "x")).await;
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    let (_dir, file) = plain();
    for (name, replace) in [("x", true), ("y", false)] {
        let spec = Spec::new(&file, name).change(|spec| spec.replace = replace);
        let refused = valord.try_register(spec).await.unwrap_err();
        let cure = &refused.get_details_error_info().unwrap().metadata["cure"];
        assert!(
            refused.message().contains("longer than 1s") && cure.contains("compile_timeout"),
            "{refused}: {cure}"
        );
        until_as_before(&state, &before).await;
    }
    assert_eq!(valord.names().await, ["x"]);
    assert_eq!(valord.get("/x").await.text(), "OK response from a plugin");
    assert_eq!(witness.compiled(), 2);
    valord.stop().await;
}

#[tokio::test]
async fn a_replacement_that_fails_leaves_the_old_one_and_nothing_of_its_own() {
    let valord = super::with(|spec| spec).await;
    let pid = valord.pid("x").await;
    let (_dir, bad) = file(&guest("unreachable", "nop"));
    let refused = valord.try_register(Spec::new(bad, "x").replace()).await.unwrap_err();
    assert!(refused.message().contains("unreachable"), "{refused}");
    assert_eq!((valord.get("/x").await.text(), valord.pid("x").await), ("n1", pid));
    until_products(&valord, 1).await;

    valord.register(Spec::new(built("libhello_plugin.so"), "x").replace()).await;
    assert_eq!(valord.plugin("x").await.kind, "native", "also by another kind");
    until_products(&valord, 0).await;
    valord.register(Spec::new(plain().1, "x").replace()).await;
    assert_eq!((&*valord.plugin("x").await.kind, valord.get("/x").await.text()), ("wasm", "n1"));
    valord.stop().await;
}
