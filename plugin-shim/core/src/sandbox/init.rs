//! The two processes above the plugin's: the outer one, which valord knows, and the init, PID 1 inside.
//!
//! ```text
//! valord ─► outer: waits, passes the status on
//!             └─► init (PID 1): reaps, ends everything when the control socket hangs up
//!                   └─► plugin process (PID 2)
//! ```
//!
//! Each has given up what it does not need, and makes a handful of system calls only.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpid};
// Not nix's: a status with a signal for real time is an error to it, and the process is reaped all the same.
use rustix::process::{WaitOptions, WaitStatus, wait, waitpid};
use seccompiler::SeccompAction;
use valor_wire::control::{HUNG_UP, LayerReport, Setup};

use super::seccomp::{Check, program, rule};
use super::{Fds, SandboxError, capabilities, identity, no_new_privs, non_dumpable, sys};
use crate::report;

const LAYER: &str = "init-seccomp";

/// The outer process: gives up everything, waits for the init, and answers with its status.
pub(super) fn outer(init: Pid, setup: &Setup, fds: &Fds) -> Result<u8, SandboxError> {
    for fd in fds.all() {
        sys::neutralise(fd).map_err(SandboxError::call("letting go of the sockets", "report this"))?;
    }
    capabilities::bound();
    // The plugin's user too: the kernel delivers the death wish of the init only if this process may signal it.
    let _reported_by_the_plugin_process = identity::apply(setup.identity)?;
    // All that can be done about a failure is to go on waiting: the process makes no other call.
    let _best_effort = (capabilities::apply(), no_new_privs::apply(), non_dumpable::apply(), filter(None));
    loop {
        match waitpid(of(init), WaitOptions::empty()) {
            Ok(ended) => {
                if let Some(code) = ended.and_then(|(_, status)| exit_code(status)) {
                    return Ok(code);
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(failed("waiting for the init", errno)),
        }
    }
}

/// What the init needs from before the fork.
#[derive(Debug)]
pub(super) struct Init {
    children: SignalFd,
    report: OwnedFd,
}

impl Init {
    /// Before the plugin process is forked: SIGCHLD is read, not delivered.
    pub(super) fn prepare(report: OwnedFd) -> Result<Self, SandboxError> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        let cure = "allow signalfd in the filter of the service";
        mask.thread_block().map_err(SandboxError::call("blocking SIGCHLD", cure))?;
        let children = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .map_err(SandboxError::call("signalfd", cure))?;
        Ok(Self { children, report })
    }

    /// In the plugin process: undoes the above.
    pub(super) fn leave(self) -> Result<(), SandboxError> {
        SigSet::empty()
            .thread_set_mask()
            .map_err(SandboxError::call("clearing the signal mask", "report this"))
    }

    /// In the init: gives up everything but the power over its child, then waits for whichever comes first, the end of the child
    /// or of valord.
    pub(super) fn run(
        self,
        child: Pid,
        setup: &Setup,
        fds: &Fds,
        pid_namespace: bool,
    ) -> Result<u8, SandboxError> {
        for fd in &fds.data {
            sys::neutralise(*fd)
                .map_err(SandboxError::call("letting go of the data sockets", "report this"))?;
        }
        let report = confine(child, setup, pid_namespace)?;
        // If the child is gone already, nobody misses it.
        let _reader_gone = nix::unistd::write(&self.report, &serde_json::to_vec(&report).unwrap_or_default());
        drop(self.report);
        let control = sys::borrow(fds.control)
            .map_err(SandboxError::call("watching the control socket", "report this"))?;
        let mut polled =
            [PollFd::new(control, PollFlags::empty()), PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut polled, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => {
                    return Err(SandboxError::Call { step: "poll", errno, cure: "report this" });
                }
            }
            while let Ok(Some(_)) = self.children.read_signal() {}
            if let Some(code) = reap(child)? {
                return Ok(code);
            }
            let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
            if polled[0].revents().is_some_and(|events| events.intersects(gone)) {
                return Ok(end(child, pid_namespace));
            }
        }
    }
}

/// Reaps all that has ended; the code of the plugin process when it is among them.
fn reap(child: Pid) -> Result<Option<u8>, SandboxError> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(None) => return Ok(None),
            Ok(Some((pid, status))) if Some(pid) == of(child) => {
                if let Some(code) = exit_code(status) {
                    return Ok(Some(code));
                }
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(failed("reaping", errno)),
        }
    }
}

/// valord is gone. As PID 1 it is enough to end; else the child, which is not reaped and so still this one, is killed first.
fn end(child: Pid, pid_namespace: bool) -> u8 {
    if !pid_namespace && child.as_raw() > 1 {
        let _ended_meanwhile = kill(child, Signal::SIGKILL);
        while waitpid(of(child), WaitOptions::empty()).err() == Some(rustix::io::Errno::INTR) {}
    }
    HUNG_UP
}

pub(super) fn exit_code(status: WaitStatus) -> Option<u8> {
    passed_on(status.exit_status(), status.terminating_signal())
}

/// One number for both: `None` where there is neither, since the process is there still.
fn passed_on(exited: Option<i32>, signal: Option<i32>) -> Option<u8> {
    let code = exited.map(|code| code & 0xff).or(signal.map(|signal| 128 + signal))?;
    Some(u8::try_from(code).unwrap_or(1))
}

fn of(pid: Pid) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(pid.as_raw())
}

fn failed(step: &'static str, errno: rustix::io::Errno) -> SandboxError {
    SandboxError::Call { step, errno: Errno::from_raw(errno.raw_os_error()), cure: "report this" }
}

/// The init becomes what the plugin is, before the plugin is loaded.
fn confine(child: Pid, setup: &Setup, pid_namespace: bool) -> Result<LayerReport, SandboxError> {
    capabilities::bound();
    let _reported_by_the_plugin_process = identity::apply(setup.identity)?;
    let _same = (capabilities::apply(), no_new_privs::apply(), non_dumpable::apply());
    die_with_parent();
    Ok(match filter((!pid_namespace).then_some(child)) {
        Ok(()) => report::probed(LAYER, probe()),
        Err(why) => report::absent(LAYER, why),
    })
}

/// Asks to be killed with the parent. Comfort only: the hang-up of the control socket is what is relied on. The parent has one
/// thread, so this is not the trap that it is in a pool. Forgotten by the kernel when ids change, so it comes after.
pub(super) fn die_with_parent() {
    let _comfort = sys::prctl(libc::PR_SET_PDEATHSIG, [libc::SIGKILL as libc::c_ulong, 0, 0, 0]);
}

/// The calls of a process that waits: EPERM for the rest. `child` may be killed.
fn filter(child: Option<Pid>) -> Result<(), String> {
    let own = getpid();
    let mut allowed = BTreeMap::new();
    for call in WAITING {
        allowed.insert(*call, Vec::new());
    }
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        allowed.insert(call, vec![rule(&[Check::Masked(2, libc::PROT_EXEC as u64, 0)], own)?]);
    }
    allowed.insert(libc::SYS_tgkill, vec![rule(&[Check::Own(0)], own)?]);
    if let Some(child) = child {
        let kills =
            [Check::Is(0, u64::from(child.as_raw().unsigned_abs())), Check::Is(1, libc::SIGKILL as u64)];
        allowed.insert(libc::SYS_kill, vec![rule(&kills, own)?]);
    }
    let program = program(allowed, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}

fn probe() -> Result<(), String> {
    match std::fs::File::open("/") {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        other => Err(format!("opening the root is answered with {other:?}")),
    }
}

/// Waiting, a message on standard error, and the way out of `main`.
const WAITING: &[i64] = &[
    libc::SYS_wait4,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    // An owner that is dropped asks first whether its descriptor is open, in builds with checks.
    libc::SYS_fcntl,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_sigaltstack,
    libc::SYS_futex,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_clock_gettime,
    libc::SYS_sendto,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

#[cfg(test)]
mod tests {
    use super::{HUNG_UP, passed_on};

    #[test]
    fn a_signal_is_128_and_its_number() {
        assert_eq!(passed_on(Some(7), None), Some(7));
        assert_eq!(passed_on(None, Some(libc::SIGKILL)), Some(137));
        assert_eq!(passed_on(None, None), None);
        let last = passed_on(None, Some(libc::SIGRTMAX()));
        assert_eq!(last, Some(192));
        assert!(last < Some(HUNG_UP), "no signal reads as a hang-up");
    }
}
