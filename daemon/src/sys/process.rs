//! Processes, held by pidfd: a number may be another process tomorrow, a pidfd never.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{proc, ready};

/// Processes between a child and its descendant; more than a shim ever has.
const MAX_GENERATIONS: usize = 8;

/// What ends a process that aborts.
pub const ABORT: i32 = Signal::ABORT.as_raw();

/// A process that may be waited for and killed.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    fd: AsyncFd<OwnedFd>,
}

/// How a process has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It ended, and nobody can say how.
    Unknown,
}

impl Process {
    fn open(pid: i32) -> io::Result<Self> {
        let checked = Pid::from_raw(pid).filter(|_| pid > 1).ok_or(io::ErrorKind::InvalidInput)?;
        let fd = pidfd_open(checked, PidfdFlags::empty())?;
        Ok(Self { pid: pid.unsigned_abs(), fd: ready::watch(fd, Interest::READABLE)? })
    }

    /// The process `pid`, if it descends from `child`.
    ///
    /// # Errors
    /// When it does not, or has ended.
    pub fn open_descendant(pid: u32, child: &Child) -> io::Result<Self> {
        let process = Self::open(i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?)?;
        let mut ancestor = pid;
        for _ in 0..MAX_GENERATIONS {
            ancestor = proc::status(ancestor)?.parent;
            if ancestor == child.process.pid {
                // It lives still, so what was read was about the process that the pidfd is about.
                pidfd_send_signal_zero(&process)?;
                return Ok(process);
            }
            if ancestor <= 1 {
                break;
            }
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("process {pid} is none of ours")))
    }

    /// As the daemon sees it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends SIGKILL; a process that has ended is fine.
    pub fn kill(&self) {
        // The only other error is a lack of permission, which the owner of a child cannot have.
        let _sent = pidfd_send_signal(self.fd.get_ref(), Signal::KILL);
    }

    /// Resolves when the process has ended.
    pub async fn ended(&self) {
        // A pidfd stays readable; an error can only mean that the runtime ends.
        let _ready = self.fd.readable().await;
    }
}

/// Is the process still there, or at least not reaped?
fn pidfd_send_signal_zero(process: &Process) -> io::Result<()> {
    proc::status(process.pid).map(|_| ())
}

/// A child of the daemon. Dropped, it is killed and reaped.
#[derive(Debug)]
pub struct Child {
    process: Process,
    exit: Option<Exit>,
}

impl Child {
    /// Takes a process that was just spawned: not reaped yet, so the number is still its own.
    pub(super) fn adopt(pid: i32) -> io::Result<Self> {
        Ok(Self { process: Process::open(pid)?, exit: None })
    }

    /// As the daemon sees it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        if self.exit.is_none() {
            self.process.kill();
        }
    }

    /// Resolves when it has ended and is reaped.
    pub async fn wait(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.try_wait() {
                return exit;
            }
            self.process.ended().await;
        }
    }

    /// Whether it has ended; reaps it.
    pub fn try_wait(&mut self) -> Option<Exit> {
        use std::os::fd::AsFd as _;
        if self.exit.is_none() {
            let id = WaitId::PidFd(self.process.fd.get_ref().as_fd());
            self.exit = match waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
                Ok(None) | Err(Errno::INTR) => None,
                Ok(Some(status)) => Some(match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Exit::Code(code),
                    (_, Some(signal)) => Exit::Signal(signal),
                    _ => Exit::Unknown,
                }),
                // Somebody else reaped it, or whoever started the daemon has SIGCHLD ignored.
                Err(_) => Some(Exit::Unknown),
            };
        }
        self.exit
    }

    /// The processes that it has started and that are still its own.
    #[must_use]
    pub fn children(&self) -> Vec<Process> {
        if self.exit.is_some() {
            return Vec::new();
        }
        let pids = proc::children(self.process.pid).unwrap_or_default();
        pids.into_iter().filter_map(|pid| Process::open_descendant(pid, self).ok()).collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.try_wait().is_some() {
            return;
        }
        for process in self.children() {
            process.kill();
        }
        self.kill();
        if self.try_wait().is_some() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // A killed process takes a moment; the pidfd is registered anew, for it belongs to this child.
        if let Ok(process) = Process::open(self.process.pid.cast_signed()) {
            let mut child = Self { process, exit: None };
            runtime.spawn(async move { child.wait().await });
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match nix::sys::signal::Signal::try_from(*number) {
                Ok(signal) => write!(f, "signal {number} ({signal})"),
                Err(_) => write!(f, "signal {number}"),
            },
            Self::Unknown => f.write_str("an unknown status"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::path::Path;

    use super::super::spawn::{Spec, null, spawn};
    use super::*;

    fn sh(script: &str) -> Child {
        let null = null().unwrap();
        let stdio = [null.as_fd(); 3];
        spawn(&Spec { program: Path::new("/bin/sh"), args: &["-c", script], stdio, extra: &[] }).unwrap()
    }

    #[tokio::test]
    async fn an_end_is_told_as_it_was() {
        assert_eq!(sh("exit 7").wait().await, Exit::Code(7));
        assert_eq!(sh("kill -SEGV $$").wait().await, Exit::Signal(11));
        let mut child = sh("exec sleep 1000");
        child.kill();
        assert_eq!(child.wait().await, Exit::Signal(9));
        assert_eq!(child.wait().await, Exit::Signal(9), "twice is fine");
        assert_eq!(Exit::Signal(11).to_string(), "signal 11 (SIGSEGV)");
    }

    #[tokio::test]
    async fn a_dropped_child_takes_its_children_with_it() {
        let child = sh("sleep 1000 & wait");
        let grandchild = loop {
            if let Some(found) = child.children().pop() {
                break found;
            }
            tokio::task::yield_now().await;
        };
        let watch = Process::open(child.pid().cast_signed()).unwrap();
        drop(child);
        watch.ended().await;
        grandchild.ended().await;
    }

    #[tokio::test]
    async fn strangers_and_init_are_never_touched() {
        let child = sh("exec sleep 1000");
        for pid in [0, 1, std::process::id(), u32::MAX] {
            assert!(Process::open_descendant(pid, &child).is_err(), "{pid}");
        }
    }
}
