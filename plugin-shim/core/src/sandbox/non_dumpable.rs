//! Layer `non-dumpable`: no core, and no process of the same user reads this one's memory.

use valor_wire::control::LayerReport;

use super::sys::prctl;
use crate::report;

/// Clears the bit.
pub(super) fn apply() -> LayerReport {
    let set = prctl(libc::PR_SET_DUMPABLE, [0; 4]).map(drop);
    report::probed("non-dumpable", set.map_err(|errno| errno.to_string()).and_then(|()| probe()))
}

fn probe() -> Result<(), String> {
    match prctl(libc::PR_GET_DUMPABLE, [0; 4]) {
        Ok(0) => Ok(()),
        other => Err(format!("the kernel answers {other:?}")),
    }
}
