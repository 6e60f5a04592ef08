//! Every test of this program again: as an ordinary user, and where user namespaces are forbidden.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::Mutex;

use crate::artifacts::{BIN, GUESTS, bin, built, command, guest, misbehave, misbehaviours, old_deno};

#[test]
fn all_of_it_as_an_ordinary_user() {
    everything(false);
}

#[test]
fn all_of_it_as_an_ordinary_user_without_user_namespaces() {
    everything(true);
}

fn everything(without_user_namespaces: bool) {
    if !nix::unistd::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "CI runs as root, so that both are tried");
        eprintln!("NOT TESTED: another user can only be tried by root");
        return;
    }
    // Where nobody can forbid the user to read it.
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    gather(dir.path());
    let listed = run(dir.path(), &["--list"]).stdout;
    let listed = String::from_utf8(listed).unwrap();
    let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    // The database of `notes` is a tool that only whoever builds can install.
    let again = |name: &&str| !["again::", "notes::"].iter().any(|module| name.starts_with(module));
    let tests: Vec<_> = tests.filter(again).collect();
    assert!(tests.len() > 40, "{listed}");
    let next = Mutex::new(tests.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // A filter is its thread's, and its children's.
                if without_user_namespaces {
                    refuse_unshare();
                }
                loop {
                    let Some(name) = next.lock().unwrap().next() else { return };
                    let output = run(dir.path(), &["--exact", name]);
                    let text = String::from_utf8_lossy(&output.stdout);
                    if !output.status.success() || !text.contains("1 passed") {
                        failed.lock().unwrap().push(format!("{name}\n{text}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), tests.len(), failed.join("\n"));
}

/// This program, and what its tests use of what was built.
fn gather(to: &Path) {
    std::fs::copy(std::env::current_exe().unwrap(), to.join("e2e")).unwrap();
    for entry in std::fs::read_dir(bin()).unwrap() {
        let (name, path) = entry.map(|entry| (entry.file_name(), entry.path())).unwrap();
        let name = name.to_string_lossy();
        let plugin = ["_plugin.so", "_wasi.wasm"].iter().any(|end| name.ends_with(end));
        let shim = name.starts_with("valor-shim") && !name.contains('.');
        if plugin || shim || ["valord", "valorctl"].contains(&&*name) {
            std::fs::copy(path, to.join(&*name)).unwrap();
        }
    }
    for name in GUESTS {
        std::fs::copy(guest(name), to.join(format!("{name}.wasm"))).unwrap();
    }
    std::fs::copy(crate::deno::program(), to.join("deno")).unwrap();
    std::fs::create_dir(to.join("examples")).unwrap();
    std::fs::copy(built("examples/faulty"), to.join("examples/faulty")).unwrap();
    std::fs::create_dir(to.join("engines")).unwrap();
    std::fs::copy(old_deno(), to.join("engines/old_deno")).unwrap();
    std::fs::create_dir(to.join("misbehave")).unwrap();
    for name in misbehaviours() {
        let library = misbehave(&name);
        std::fs::copy(&library, to.join("misbehave").join(library.file_name().unwrap())).unwrap();
    }
}

/// Each test has a process of its own, as under nextest.
fn run(dir: &Path, arguments: &[&str]) -> Output {
    command("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"])
        .arg(dir.join("e2e"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env(BIN, dir)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap()
}

/// As hosts do that forbid user namespaces.
fn refuse_unshare() {
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let rules = [(nix::libc::SYS_unshare, Vec::new())].into_iter().collect();
    let (miss, hit) = (seccompiler::SeccompAction::Allow, seccompiler::SeccompAction::Errno(1));
    let filter = seccompiler::SeccompFilter::new(rules, miss, hit, arch).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}
