//! Builds a sandbox around a function, as valord would, and brings back what went wrong in there.

use std::fs;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Pid, Uid};
use valor_shim_core::sandbox::{self, Confined, Fds, Outcome};
use valor_wire::control::{Identity, Rlimits, Setup};

/// Who starts the shim, and on which machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Root,
    User,
    /// As in a container: unshare is refused.
    RootBare,
    UserBare,
}

pub(crate) const MODES: [Mode; 4] = [Mode::Root, Mode::User, Mode::RootBare, Mode::UserBare];

impl Mode {
    pub(crate) fn root(self) -> bool {
        matches!(self, Self::Root | Self::RootBare)
    }
    pub(crate) fn bare(self) -> bool {
        matches!(self, Self::RootBare | Self::UserBare)
    }
}

/// One test: its name, and what to do in a mode.
pub(crate) type Case = (&'static str, fn(Mode));

/// What goes wrong inside, one line each.
pub(crate) type Failures = Vec<String>;

/// The uid of plugins started by root. Not another test's, since the processes of one uid are counted together.
pub(crate) fn plugin_uid() -> u32 {
    0x7100_0000 + std::process::id()
}

/// The ordinary user, where root may choose. Not `nobody`: other tests are that, too, and would be counted together.
fn ordinary_uid() -> u32 {
    0x6000_0000 + std::process::id()
}

/// Lists or runs the cases, in the dialect of `cargo test` and of nextest.
pub(crate) fn main(cases: &[Case]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-') && *a != "terse").collect();
    let mut failed = 0;
    for (name, run) in cases {
        for mode in MODES {
            let name = format!("{mode:?}::{name}").to_lowercase();
            let wanted = |f: &&String| {
                if has("--exact") { name == **f } else { name.contains(f.as_str()) }
            };
            if !(filters.is_empty() || filters.iter().any(wanted)) || has("--ignored") {
                continue;
            }
            if has("--list") {
                println!("{name}: test");
                continue;
            }
            if !Uid::effective().is_root() && (mode.root() || name.contains("ordinary")) {
                eprintln!("test {name} ... NOT TESTED: it needs to be started by root");
                // There root is expected.
                failed += u8::from(std::env::var_os("CI").is_some());
                continue;
            }
            let passed = std::panic::catch_unwind(|| run(mode)).is_ok();
            println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
            failed += u8::from(!passed);
        }
    }
    ExitCode::from(failed)
}

/// A sandbox to come.
pub(crate) struct Jail {
    pub(crate) mode: Mode,
    /// Who the shim is started by, if not by root.
    user: u32,
    pub(crate) setup: Setup,
    pub(crate) directory: std::rc::Rc<tempfile::TempDir>,
    /// What standard input is instead of `/dev/null`.
    pub(crate) input: Option<OwnedFd>,
    /// Whether the test traces it: it waits for that.
    pub(crate) traced: bool,
}

/// One that is running.
pub(crate) struct Running {
    pub(crate) outer: Pid,
    pub(crate) control: UnixStream,
    pub(crate) data: UnixStream,
    /// Removed when the test is over.
    _directory: std::rc::Rc<tempfile::TempDir>,
}

impl Jail {
    /// With the C library's mathematics as the plugin, and a data directory.
    pub(crate) fn new(mode: Mode) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(library("libm.so.6"), at("artifact")).unwrap();
        fs::write(at("outside"), "secret").unwrap();
        for name in ["root", "data", "read", "write", "neighbour"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("read/file"), "granted").unwrap();
        fs::write(at("neighbour/file"), "secret").unwrap();
        let owner = if mode.root() { plugin_uid() } else { ordinary_uid() };
        if Uid::effective().is_root() {
            // The neighbour's file would be the plugin's to do with as it likes, if only it were in reach.
            for name in ["data", "write", "neighbour", "neighbour/file"] {
                chown(at(name), Some(owner), Some(owner)).unwrap();
            }
        }
        let setup = Setup {
            plugin: "jail-test".to_owned(),
            artifact: at("artifact"),
            libraries: Vec::new(),
            root: at("root"),
            data: Some(at("data")),
            tmp_bytes: 1 << 20,
            read: Vec::new(),
            write: Vec::new(),
            env: vec![("GRANTED".to_owned(), "yes".to_owned())],
            identity: mode.root().then(|| Identity { uid: plugin_uid(), gid: plugin_uid() }),
            rlimits: Rlimits { nofile: 64, nproc: 32, fsize: 1 << 19, data: None },
            memory: 1 << 30,
            engine: None,
        };
        Self { mode, user: ordinary_uid(), setup, directory: directory.into(), input: None, traced: false }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts it; the function runs in the plugin process, which ends with what it returns.
    pub(crate) fn start(&self, inside: impl FnOnce(Confined, &Fds) -> i32) -> Running {
        let (control, theirs) = UnixStream::pair().unwrap();
        let (data, their_data) = UnixStream::pair().unwrap();
        // SAFETY: the harness has one thread.
        match unsafe { nix::unistd::fork() }.unwrap() {
            ForkResult::Parent { child } => {
                Running { outer: child, control, data, _directory: self.directory.clone() }
            }
            ForkResult::Child => {
                let fds = Fds { control: theirs.as_raw_fd(), data: vec![their_data.as_raw_fd()] };
                // The sandbox closes all others, so nothing may own them.
                std::mem::forget((control, theirs, data, their_data));
                let code = self.become_shim(&fds, inside);
                // SAFETY: ends the process, without the destructors of what belongs to the parent.
                unsafe { libc::_exit(code) }
            }
        }
    }

    fn become_shim(&self, fds: &Fds, inside: impl FnOnce(Confined, &Fds) -> i32) -> i32 {
        if self.traced {
            // SAFETY: only integers are passed; the parent lets it go on.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP).unwrap();
        }
        {
            let null = fs::File::open("/dev/null").unwrap();
            let input = self.input.as_ref().map_or(null.as_raw_fd(), AsRawFd::as_raw_fd);
            // SAFETY: replaces standard input.
            unsafe { libc::dup2(input, 0) };
        }
        self.become_user();
        if self.mode.bare() {
            refuse_unshare();
        }
        match sandbox::enter(&self.setup, fds, sandbox::Profile { mdwe: true, engine: None }) {
            Ok(Outcome::Plugin(confined)) => inside(*confined, fds),
            Ok(Outcome::Exit(code)) => code.into(),
            Err(error) => {
                send(fds.control, &[format!("enter: {error}")]);
                99
            }
        }
    }

    /// In the child: the ordinary user, if that is the mode.
    pub(crate) fn become_user(&self) {
        if !self.mode.root() && Uid::effective().is_root() {
            nix::unistd::setgroups(&[]).unwrap();
            let (uid, gid) = (Uid::from_raw(self.user), Gid::from_raw(self.user));
            nix::unistd::setresgid(gid, gid, gid).unwrap();
            nix::unistd::setresuid(uid, uid, uid).unwrap();
            // As after an exec.
            // SAFETY: only integers are passed.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) };
        }
    }

    /// Runs a function inside that returns its failures, which are asserted to be none.
    pub(crate) fn assert(&self, inside: impl FnOnce(Confined) -> Failures) {
        let (code, failures) = self.run(inside);
        assert_eq!((code, failures), (0, Vec::new()), "{:?}", self.mode);
    }

    /// Runs a function inside; the exit code of the outer process, and what the function returned.
    pub(crate) fn run(&self, inside: impl FnOnce(Confined) -> Failures) -> (i32, Failures) {
        let mut running = self.start(|confined, fds| {
            let failures = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inside(confined)))
                .unwrap_or_else(|_| vec!["panicked".to_owned()]);
            send(fds.control, &failures);
            0
        });
        let failures = running.failures();
        (running.wait(), failures)
    }
}

impl Running {
    /// What the plugin process sends until it ends.
    pub(crate) fn failures(&mut self) -> Failures {
        let mut text = String::new();
        self.control.read_to_string(&mut text).unwrap();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The code of the outer process.
    pub(crate) fn wait(&self) -> i32 {
        match waitpid(self.outer, None).unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("the outer process ended with {other:?}"),
        }
    }

    /// Returns when the plugin process is gone: nobody else holds its data socket.
    pub(crate) fn plugin_gone(&mut self) {
        let mut rest = Vec::new();
        let _reset_is_fine = self.data.read_to_end(&mut rest);
    }
}

/// Where a library of this machine is.
pub(crate) fn library(soname: &str) -> PathBuf {
    let directories =
        ["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
    directories.iter().map(|d| Path::new(d).join(soname)).find(|path| path.exists()).expect("the library")
}

pub(crate) fn send(fd: RawFd, failures: &[String]) {
    // SAFETY: the descriptor is the control socket, which this process holds until it ends.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let text: String = failures.iter().map(|f| format!("{}\n", f.replace('\n', " "))).collect();
    let mut socket = UnixStream::from(socket);
    std::io::Write::write_all(&mut socket, text.as_bytes()).unwrap();
    // Closing is the end of the message, and of the process.
    std::mem::forget(socket);
}

fn refuse_unshare() {
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let rules = [(libc::SYS_unshare, Vec::new())].into_iter().collect();
    let (miss, hit) = (seccompiler::SeccompAction::Allow, seccompiler::SeccompAction::Errno(1));
    let filter = seccompiler::SeccompFilter::new(rules, miss, hit, arch).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}
