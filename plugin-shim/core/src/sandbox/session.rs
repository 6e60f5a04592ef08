//! Layer `session`: a process group of its own, no terminal, a tight umask, no inherited signal state.
//!
//! Not a session of its own: Linux schedules every session as a group where no cgroup does (sched_autogroup, sched(7)), and on a busy
//! machine the processes of a new group were seen to wait for a processor for seconds.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, getpgrp, getpid, setpgid};
use valor_wire::control::LayerReport;

use super::{SandboxError, sys};
use crate::report;

const LAYER: &str = "session";

/// The mode bits that new files of a plugin never have.
pub(super) const UMASK: Mode = Mode::from_bits_truncate(0o077);

/// The terminal of whoever opens it.
const TERMINAL: &str = "/dev/tty";

/// In the outer process: leaves the daemon's process group, so that no key of a terminal reaches it, and its signal mask.
pub(super) fn leave() -> Result<(), SandboxError> {
    umask(UMASK);
    // The thread that spawned this process may have blocked signals; a plugin starts with none blocked.
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .map_err(SandboxError::call("clearing the signal mask", "report this"))?;
    // The leader of a session leads its group already.
    let _leads_already = own_group();
    Ok(())
}

/// In the init, which leads nothing yet: a group of its own and no terminal, as the plugin process inherits them.
pub(super) fn apply() -> LayerReport {
    let set = own_group().map_err(|errno| format!("setpgid: {errno}")).and_then(|()| let_go());
    report::probed(LAYER, set.and_then(|()| never_stop()).and_then(|()| probe()))
}

/// The signals by which a terminal stops who is in its background: a group within a session would be stopped by them, where a session of
/// its own is not.
fn never_stop() -> Result<(), String> {
    let stops = [("SIGTSTP", libc::SIGTSTP), ("SIGTTIN", libc::SIGTTIN), ("SIGTTOU", libc::SIGTTOU)];
    stops
        .into_iter()
        .try_for_each(|(name, signal)| sys::ignore(signal).map_err(|errno| format!("{name}: {errno}")))
}

fn own_group() -> nix::Result<()> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))
}

/// The terminal, without making it anybody's.
fn terminal() -> nix::Result<OwnedFd> {
    open(TERMINAL, OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty())
}

/// Lets go of the terminal, if there is one. Who leads no session does so for itself alone: tty_ioctl(4).
fn let_go() -> Result<(), String> {
    match terminal() {
        Ok(terminal) => sys::let_go_of_terminal(&terminal).map_err(|errno| format!("TIOCNOTTY: {errno}")),
        Err(_) => Ok(()),
    }
}

fn probe() -> Result<(), String> {
    if getpgrp() != getpid() {
        return Err(format!("the process group is still that of process {}", getpgrp()));
    }
    match terminal() {
        // Who has none is told that there is no such device.
        Err(Errno::ENXIO | Errno::ENOENT) => Ok(()),
        Err(errno) => Err(format!("whether there is a terminal cannot be told: {TERMINAL}: {errno}")),
        Ok(_) => Err(format!("{TERMINAL} can still be opened")),
    }
}
