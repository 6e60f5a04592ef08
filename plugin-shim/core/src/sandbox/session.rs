//! Layer `session`: a session of its own without a terminal, a tight umask, no inherited signal state.

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getpid, getsid, setsid};
use valor_wire::control::LayerReport;

use super::SandboxError;
use crate::report;

const LAYER: &str = "session";

/// The mode bits that new files of a plugin never have.
pub(super) const UMASK: Mode = Mode::from_bits_truncate(0o077);

/// In the outer process: leaves the daemon's session and signal mask.
pub(super) fn leave() -> Result<(), SandboxError> {
    umask(UMASK);
    // The thread that spawned this process may have blocked signals; a plugin starts with none blocked.
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .map_err(SandboxError::call("clearing the signal mask", "report this"))?;
    // A process that was spawned as the leader of a group cannot; its child can, see `apply`.
    let _leads_already = setsid();
    Ok(())
}

/// In the init, which leads nothing yet: a session of its own, which the plugin process inherits.
pub(super) fn apply() -> LayerReport {
    let set = setsid().map(drop).map_err(|errno| format!("setsid: {errno}"));
    report::probed(LAYER, set.and_then(|()| probe()))
}

fn probe() -> Result<(), String> {
    match getsid(None) {
        Ok(sid) if sid == getpid() => Ok(()),
        Ok(sid) => Err(format!("the session is still that of process {sid}")),
        Err(errno) => Err(format!("getsid: {errno}")),
    }
}
