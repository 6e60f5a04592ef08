//! Layer `no-new-privs`: nothing that is executed gains anything.

use valor_wire::control::LayerReport;

use super::sys::prctl;
use crate::report;

/// Sets the bit; it is inherited and cannot be cleared.
pub(super) fn apply() -> LayerReport {
    let set = prctl(libc::PR_SET_NO_NEW_PRIVS, [1, 0, 0, 0]).map(drop);
    report::probed("no-new-privs", set.map_err(|errno| errno.to_string()).and_then(|()| probe()))
}

fn probe() -> Result<(), String> {
    match prctl(libc::PR_GET_NO_NEW_PRIVS, [0; 4]) {
        Ok(1) => Ok(()),
        other => Err(format!("the kernel answers {other:?}")),
    }
}
