//! What an author does: the plugin of the README in a crate of its own, outside of this workspace, and a plugin that
//! another compiler has built. Both are built here and now, registered with the real valorctl, and asked over HTTP.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests run cargo, valord and valorctl as a person would"
)]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests, which fail loudly")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A program of the workspace, built with the same profile as this test.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_valord")).with_file_name(name);
    assert!(path.exists(), "{} is missing: `make test` builds it", path.display());
    path
}

/// Runs a command to its end; on failure shows what it said.
fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// A valord that ends with the test.
struct Valord {
    child: Child,
    dir: tempfile::TempDir,
    address: String,
}

impl Valord {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_valord"))
            .args(["--listen", "127.0.0.1:0", "--control"])
            .arg(dir.path().join("c.sock"))
            .arg("--state-dir")
            .arg(dir.path().join("state"))
            .arg("--shim")
            .arg(program("valor-shim"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref().map(Result::unwrap) {
            if let Some((_, rest)) = line.split_once("http://") {
                address = Some(rest.split_whitespace().next().unwrap().to_owned());
            }
            if line.contains("ready control=") {
                break;
            }
        }
        // Whatever else it logs is read, so that it never waits for us.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("valord: {line}")));
        Self { child, dir, address: address.expect("valord says where it serves") }
    }

    fn register(&self, library: &Path, name: &str, config: &str) {
        let mut valorctl = Command::new(program("valorctl"));
        valorctl.arg("--control").arg(self.dir.path().join("c.sock")).arg("register").arg(library);
        run(valorctl.args(["--name", name, "--prefix", &format!("/{name}"), "--config", config]));
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Valord {
    fn drop(&mut self) {
        // Our own child, and not waited for yet.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The first Rust program of the README.
fn readme_plugin() -> String {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```rust\n").expect("the README shows a plugin");
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_plugin_of_the_readme_builds_outside_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    let crate_dir = dir.path().join("greet");
    let sdk = workspace().join("sdk/rust");
    run(Command::new("cargo").args(["new", "--quiet", "--lib", "--vcs", "none"]).arg(&crate_dir));
    let manifest = format!(
        "[package]\nname = \"greet\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nvalor = {{ path = {sdk:?} }}\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n"
    );
    fs::write(crate_dir.join("Cargo.toml"), manifest).unwrap();
    fs::write(crate_dir.join("src/lib.rs"), readme_plugin()).unwrap();
    // The versions that are on this machine already.
    fs::copy(workspace().join("Cargo.lock"), crate_dir.join("Cargo.lock")).unwrap();
    let target = workspace().join("target/authoring/new-crate");
    run(Command::new("cargo")
        .args(["build", "--quiet", "--release", "--offline"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&crate_dir));

    let valord = Valord::start();
    valord.register(&target.join("release/libgreet.so"), "greet", "null");
    let answer = valord.get("/greet");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nOK response from a plugin"),
        "{answer}"
    );
    assert!(answer.contains("\r\nx-valor-plugin: greet\r\n"), "{answer}");
}

#[test]
fn a_plugin_of_another_compiler_works() {
    let version = |toolchain: &[&str]| {
        run(Command::new("rustup").arg("run").args(toolchain).args(["rustc", "--version"])).stdout
    };
    let ours = run(Command::new("rustc").arg("--version").current_dir(workspace())).stdout;
    assert_ne!(
        version(&["nightly"]),
        ours,
        "the nightly compiler is the one that built valord: nothing is tested"
    );

    let target = workspace().join("target/authoring/nightly");
    run(Command::new("rustup")
        .args([
            "run",
            "nightly",
            "cargo",
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--offline",
            "-p",
            "with-state",
        ])
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(workspace()));

    let valord = Valord::start();
    valord.register(&target.join("release/libwith_state_plugin.so"), "state", "\"Nightly\"");
    let answer = valord.get("/state?who=you");
    assert!(answer.ends_with("\r\n\r\nNightly says hello you!"), "{answer}");
}
