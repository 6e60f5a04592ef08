//! Finds what was built before, and compiles plugins in C.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Names another place for what was built, for tests that run again as another user.
pub(crate) const BIN: &str = "VALOR_TEST_BIN";

/// The directory of the profile, such as `target/release`.
pub(crate) fn bin() -> PathBuf {
    if let Some(dir) = std::env::var_os(BIN) {
        return dir.into();
    }
    let exe = std::env::current_exe().unwrap();
    exe.parent().and_then(Path::parent).unwrap().to_owned()
}

/// Something that was built: `valor-shim`, `libhello_plugin.so`.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = bin().join(name);
    let profile = if bin().ends_with("release") { " --release" } else { "" };
    assert!(
        path.exists(),
        "{} is missing: run `cargo build{profile} --workspace` (and `make -C examples/hello-c OUT={}`)",
        path.display(),
        bin().display()
    );
    path
}

/// The names of all that [`guest`] knows.
pub(crate) const GUESTS: [&str; 6] = [
    "hello_plugin",
    "with_state_plugin",
    "axum_router_plugin",
    "fetch_plugin",
    "markdown_plugin",
    "valor_test_guest_plugin",
];

/// A module of an example, built for `wasm32-unknown-unknown`: `hello_plugin`.
pub(crate) fn guest(name: &str) -> PathBuf {
    let file = format!("{name}.wasm");
    if std::env::var_os(BIN).is_some() {
        return built(&file);
    }
    // Always of the release profile: others are several times as large.
    let path = bin().join("../wasm32-unknown-unknown/release").join(file);
    assert!(path.exists(), "{} is missing: `make test` builds it", path.display());
    path
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests start compilers and daemons")]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

/// The names of all plugins of `tests/plugins/misbehave`.
pub(crate) fn misbehaviours() -> impl Iterator<Item = String> {
    let files = std::fs::read_dir(root().join("daemon/tests/plugins/misbehave")).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".c").map(ToOwned::to_owned))
}

/// Compiles a plugin of `tests/plugins/misbehave`.
pub(crate) fn misbehave(name: &str) -> PathBuf {
    let include = root().join("sdk/include");
    let arguments = ["-fPIC", "-shared", "-O0", "-w", "-pthread", "-I", include.to_str().unwrap()];
    compiled(&format!("misbehave/{name}.c"), &format!("misbehave/lib{name}.so"), &arguments)
}

/// A Deno that is too old.
pub(crate) fn old_deno() -> PathBuf {
    compiled("engines/old_deno.c", "engines/old_deno", &["-O1"])
}

/// What `cc` makes of a file of `tests/plugins`.
fn compiled(source: &str, target: &str, arguments: &[&str]) -> PathBuf {
    if std::env::var_os(BIN).is_some() {
        return built(target);
    }
    let path = bin().join(target);
    let directory = path.parent().unwrap();
    std::fs::create_dir_all(directory).unwrap();
    // Tests run side by side, also in other processes.
    let own = tempfile::Builder::new().tempfile_in(directory).unwrap().into_temp_path();
    let source = root().join("daemon/tests/plugins").join(source);
    let status = command("cc").args(arguments).arg("-o").arg(&own).arg(&source).status().unwrap();
    assert!(status.success(), "{} does not compile", source.display());
    // Another user may want to read it, too.
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    own.persist(&path).unwrap();
    path
}
