//! An engine that is a program of its own: a process beside the shim, behind all that confines the plugin process, with a filter of
//! its own. It is forked before that process takes its filter, and becomes the program when the shim lets it go.
//!
//! ```text
//! shim (PID 2)   fork ──► engine (PID 3): filter, report, wait for a byte ─► execve of the program
//!                socket ◄──────────────► its standard input, the only descriptor besides standard output and error
//! ```

use std::ffi::CString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, execve};
use rustix::event::{Timespec, poll};
use rustix::process::{WaitOptions, waitpid};
use valor_wire::control::{Engine, LayerReport, Setup};

use super::{Fds, SandboxError, descriptors, init, root, seccomp, sys};
use crate::report;

/// The rows about the engine's process.
const SECCOMP: &str = "engine-seccomp";
const CODE: &str = "engine-code";
const COMPILES: &str = "the engine compiles while it runs: memory that it writes may become executable";
const ITSELF: &str = "only the engine itself can be executed";
/// What it says of itself is not longer.
const MAX_REPORT: u64 = 4096;
/// How often, and how long each time, it is waited for an engine that has closed its socket.
const PATIENCE: (u32, Duration) = (40, Duration::from_millis(25));

/// What a shim has to say of an engine that is a program of its own.
#[derive(Debug, Clone, Copy)]
pub struct EngineProfile {
    /// What follows the plugin's name in the name of its file.
    pub suffix: &'static str,
    /// Files below `/engine`, by name.
    pub files: &'static [(&'static str, &'static str)],
    /// The arguments after the program's name.
    pub arguments: fn(&Setup) -> Vec<String>,
    /// The environment besides what is granted.
    pub variables: &'static [(&'static str, &'static str)],
}

/// The process, which waits to be let go.
#[derive(Debug)]
pub struct EngineProcess {
    /// The other end of its standard input.
    pub socket: OwnedFd,
    pid: Pid,
}

impl EngineProcess {
    /// Lets it become the program.
    ///
    /// # Errors
    ///
    /// When it is gone already.
    pub fn go(&self) -> io::Result<()> {
        rustix::io::write(&self.socket, b"g").map(drop).map_err(Into::into)
    }

    /// Ends it, and says how it ended if it did so itself: its exit code, or 128 and the signal.
    pub fn end(&self) -> Option<u8> {
        let pid = rustix::process::Pid::from_raw(self.pid.as_raw())?;
        let (times, pause) = PATIENCE;
        for _ in 0..times {
            match waitpid(Some(pid), WaitOptions::NOHANG) {
                Ok(None) => {
                    let pause = Timespec { tv_sec: 0, tv_nsec: pause.subsec_nanos().into() };
                    // A signal makes the pause shorter.
                    let _waited = poll(&mut [], Some(&pause));
                }
                Ok(Some((_, status))) => return init::exit_code(status),
                Err(_) => return None,
            }
        }
        self.kill();
        None
    }

    /// Ends it at once; the init reaps it.
    pub fn kill(&self) {
        // It is this process's own child, and not waited for: the number is still its.
        if self.pid.as_raw() > 1 {
            let _ended_meanwhile = kill(self.pid, Signal::SIGKILL);
        }
    }

    /// What the shim beside it may do besides.
    pub(super) fn keeper(&self) -> seccomp::Caller {
        seccomp::Caller::Keeper(self.pid)
    }
}

/// Forks it, where the setup names a program. Returns in the plugin process only.
pub(super) fn start(
    setup: &Setup,
    profile: Option<&EngineProfile>,
    own_root: bool,
) -> Result<Option<(EngineProcess, Vec<LayerReport>)>, SandboxError> {
    let Some(_) = &setup.engine else { return Ok(None) };
    let Some(profile) = profile else {
        return Err(SandboxError::Setup("an engine that this shim does not know".to_owned()));
    };
    if !own_root {
        return Err(SandboxError::Engine);
    }
    let failed = |error: io::Error| SandboxError::Call {
        step: "a socket for the engine",
        errno: nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        cure: "raise the plugin's limit of descriptors",
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    if let Some(pid) = sys::fork("starting the engine's process")? {
        drop(theirs);
        let rows = read_report(&ours);
        ours.set_nonblocking(true).map_err(failed)?;
        return Ok(Some((EngineProcess { socket: ours.into(), pid }, rows)));
    }
    drop(ours);
    let error = become_it(setup, profile, theirs);
    // Nobody else would say it: the shim sees that the socket is closed.
    drop(writeln!(io::stderr(), "valor: the engine cannot be started: {error}"));
    #[expect(
        clippy::exit,
        clippy::disallowed_methods,
        reason = "a forked copy of the shim must not go on as one"
    )]
    std::process::exit(127)
}

/// The dynamic linker among the libraries of a program.
pub(super) fn linker(engine: &Engine) -> Option<&str> {
    engine
        .libraries
        .iter()
        .map(|library| library.soname.as_str())
        .find(|soname| soname.starts_with("ld-linux"))
}

/// In the engine's process. Returns only why it did not become the program.
fn become_it(setup: &Setup, profile: &EngineProfile, socket: UnixStream) -> String {
    let started = || -> Result<std::convert::Infallible, String> {
        init::die_with_parent();
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let line = |text: String| CString::new(text).map_err(|error| error.to_string());
        let program = line(root::PROGRAM.to_owned())?;
        let mut arguments = vec![program.clone()];
        for argument in (profile.arguments)(setup) {
            arguments.push(line(argument)?);
        }
        let own = profile.variables.iter().map(|(name, value)| format!("{name}={value}"));
        let granted = setup.env.iter().map(|(name, value)| format!("{name}={value}"));
        // What is granted comes last, and what stands first counts.
        let variables: Vec<CString> = own.chain(granted).map(line).collect::<Result<_, _>>()?;

        let filter = seccomp::compile(true, seccomp::Caller::Engine)?;
        let kept = Fds { control: socket.as_raw_fd(), data: Vec::new() };
        descriptors::close_others(&kept).map_err(|error| text(&error))?;
        let rows = [
            LayerReport { layer: SECCOMP.to_owned(), ..seccomp::apply(&filter) },
            report::partial(CODE, format!("{COMPILES}; {}; {ITSELF}", keys())),
        ];
        let mut message = serde_json::to_vec(&rows).map_err(|error| text(&error))?;
        message.push(b'\n');
        let mut stdin = socket;
        stdin.write_all(&message).map_err(|error| text(&error))?;
        let mut go = [0];
        stdin.read_exact(&mut go).map_err(|_| "the shim has ended".to_owned())?;
        let stdin = OwnedFd::from(stdin);
        nix::unistd::dup2_stdin(&stdin).map_err(|error| text(&error))?;
        execve(&program, &arguments, &variables).map_err(|errno| format!("{}: {errno}", root::PROGRAM))
    };
    match started() {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// What keeps it from writing to code that others of its threads run.
fn keys() -> &'static str {
    if sys::has_protection_keys() {
        "it may guard its code by protection keys, which this machine has"
    } else {
        "this machine has no protection keys, by which it would guard its code"
    }
}

/// Its rows; what is not said is absent.
fn read_report(socket: &UnixStream) -> Vec<LayerReport> {
    let mut text = Vec::new();
    let mut byte = [0];
    while (text.len() as u64) < MAX_REPORT {
        match (&*socket).read(&mut byte) {
            Ok(1) if byte[0] != b'\n' => text.push(byte[0]),
            _ => break,
        }
    }
    let silent = || vec![report::absent(SECCOMP, "the engine's process has not reported")];
    let mut rows: Vec<LayerReport> = serde_json::from_slice(&text).unwrap_or_else(|_| silent());
    rows.truncate(2);
    rows
}
