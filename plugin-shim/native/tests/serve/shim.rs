//! The daemon's side of a shim.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

use valor_wire::StreamId;
use valor_wire::control::{
    Decoder, FromShim, Hello, Identity, LayerReport, Rlimits, Setup, Start, ToShim, encode,
};

use crate::link::{self, Link};

#[expect(clippy::disallowed_methods, reason = "a test starts the program that it is about")]
fn command(program: &str) -> std::process::Command {
    std::process::Command::new(program)
}

/// Compiles `tests/plugins/NAME.c`.
pub(crate) fn plugin(dir: &Path, name: &str, defines: &[&str]) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = dir.join(format!("lib{name}{}.so", defines.concat()));
    let status = command("cc")
        .args(["-shared", "-fPIC", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"])
        .arg(here.join("../../sdk/include"))
        .args(defines.iter().map(|define| format!("-D{define}")))
        .arg(here.join(format!("tests/plugins/{name}.c")))
        .arg("-o")
        .arg(&out)
        .status();
    assert!(status.unwrap().success(), "{name}.c does not compile");
    std::fs::set_permissions(&out, PermissionsExt::from_mode(0o755)).unwrap();
    out
}

/// A started shim, and everything that a valord has of it.
pub(crate) struct Shim {
    pub(crate) child: Child,
    control: UnixStream,
    decoder: Decoder,
    pub(crate) links: Vec<Link>,
    pub(crate) layers: Vec<LayerReport>,
    _dir: tempfile::TempDir,
}

impl Shim {
    /// Starts the plugin `NAME.c` with a JSON configuration, up to the start message.
    pub(crate) fn start(name: &str, defines: &[&str], config: &str, sockets: usize, workers: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let artifact = plugin(dir.path(), name, defines);
        let root = dir.path().join("root");
        std::fs::create_dir(&root).unwrap();

        let (control, theirs) = pair();
        let (links, ends): (Vec<_>, Vec<_>) = (0..sockets).map(|_| pair()).unzip();
        let numbers: Vec<_> = ends.iter().map(|end| end.as_raw_fd().to_string()).collect();
        let child = command(env!("CARGO_BIN_EXE_valor-shim"))
            .args(["run", "--control", &theirs.as_raw_fd().to_string(), "--data", &numbers.join(",")])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((theirs, ends));
        let links = links.into_iter().map(Link::new).collect();
        let (decoder, layers) = (Decoder::default(), Vec::new());
        let mut shim = Self { child, control, decoder, links, layers, _dir: dir };
        shim.tell(&ToShim::Hello(Hello::new("a test")));
        shim.tell(&ToShim::Setup(Box::new(setup(artifact, root))));
        assert!(matches!(shim.hear(), FromShim::Hello(_)));
        match shim.hear() {
            FromShim::Report { layers } => shim.layers = layers,
            other => panic!("{other:?}"),
        }
        shim.tell(&ToShim::Start(Start { config: serde_json::from_str(config).unwrap(), workers }));
        shim
    }

    /// [`start`](Self::start), and the plugin is ready: the SDK that it names.
    pub(crate) fn ready(name: &str, config: &str, sockets: usize, workers: u16) -> (Self, String) {
        let mut shim = Self::start(name, &[], config, sockets, workers);
        match shim.hear() {
            FromShim::Ready { abi: 1, sdk } => (shim, sdk),
            other => panic!("{other:?}\n{}", shim.end().1),
        }
    }

    pub(crate) fn tell(&mut self, message: &ToShim) {
        self.control.write_all(&encode(message).unwrap()).unwrap();
    }

    /// The next message.
    pub(crate) fn hear(&mut self) -> FromShim {
        loop {
            if let Some(message) = self.decoder.next().unwrap() {
                return message;
            }
            let mut buffer = [0; 64 * 1024];
            match self.control.read(&mut buffer) {
                Ok(0) => panic!("the shim has hung up\n{}", self.end().1),
                Ok(n) => self.decoder.feed(&buffer[..n]),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The messages that are there now.
    pub(crate) fn hear_now(&mut self) -> Vec<FromShim> {
        let mut buffer = [0; 64 * 1024];
        self.control.set_nonblocking(true).unwrap();
        while let Ok(n @ 1..) = self.control.read(&mut buffer) {
            self.decoder.feed(&buffer[..n]);
        }
        self.control.set_nonblocking(false).unwrap();
        std::iter::from_fn(|| self.decoder.next().unwrap()).collect()
    }

    /// The text of the next log line.
    pub(crate) fn hear_log(&mut self) -> String {
        match self.hear() {
            FromShim::Log { message, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    /// Hangs up, and waits: how it ended, and what it wrote to stderr and stdout.
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        self.links.clear();
        drop(self.control.shutdown(std::net::Shutdown::Both));
        self.wait()
    }

    /// Waits for its end, whose time has come.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        (self.child.wait().unwrap(), text)
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        // Only this one, by the handle that started it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sockets whose second end is inherited by the shim, which closes what it was not told of.
fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = link::pair();
    rustix::io::fcntl_setfd(theirs.as_fd(), rustix::io::FdFlags::empty()).unwrap();
    (ours, theirs)
}

fn setup(artifact: PathBuf, root: PathBuf) -> Setup {
    let is_root = rustix::process::geteuid().is_root();
    Setup {
        plugin: "test".into(),
        artifact,
        libraries: Vec::new(),
        root,
        data: None,
        tmp_bytes: 1 << 20,
        read: Vec::new(),
        write: Vec::new(),
        env: Vec::new(),
        identity: is_root.then(|| {
            // Not another test's: the threads of one uid are counted together.
            let uid = 0x7100_0000 + std::process::id();
            Identity { uid, gid: uid }
        }),
        rlimits: Rlimits { nofile: 256, nproc: 256, fsize: 1 << 20, data: Some(512 << 20) },
        memory: 512 << 20,
        engine: None,
    }
}

impl Link {
    /// Opens a request with a header field.
    pub(crate) fn post(&mut self, target: &str, end: bool) -> StreamId {
        self.open("POST", target, &[("x-test", "yes")], 0, end)
    }

    /// Asks and waits for the answer: its status and body.
    pub(crate) fn ask(&mut self, target: &str) -> (u16, String) {
        let id = self.post(target, true);
        let answer = self.answer(id);
        (answer.status, answer.text().to_owned())
    }
}
