//! Layer `scheduling`: who is woken waits for its turn, and interrupts nobody (`SCHED_BATCH`, sched(7)).
//!
//! The threads of the daemon and of its plugins wake each other with every request. Where each wake-up stops whoever runs, busy
//! processors switch in the middle of a batch of requests, and a fifth of the time that small requests take is spent on it.

use nix::errno::Errno;
use valor_wire::control::LayerReport;

use super::sys;
use crate::report;

const LAYER: &str = "scheduling";

/// Takes the policy, which all threads and processes inherit that are started from here. One that an operator has chosen for the
/// daemon stays.
pub(super) fn apply() -> LayerReport {
    match sys::scheduling() {
        Ok(libc::SCHED_OTHER) => {
            let set = sys::schedule_as_batch().map_err(|errno| format!("sched_setscheduler: {errno}"));
            report::probed(LAYER, set.and_then(|()| probe(sys::scheduling())))
        }
        Ok(libc::SCHED_BATCH) => report::full(LAYER, ""),
        Ok(other) => report::partial(LAYER, format!("the daemon's own policy, {other} of sched(7)")),
        Err(errno) => report::absent(LAYER, format!("sched_getscheduler: {errno}")),
    }
}

fn probe(policy: Result<i32, Errno>) -> Result<(), String> {
    match policy {
        Ok(libc::SCHED_BATCH) => Ok(()),
        other => Err(format!("the kernel answers {other:?}")),
    }
}
