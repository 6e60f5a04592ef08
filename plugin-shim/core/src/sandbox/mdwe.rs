//! Layer `mdwe`: memory that was ever writable never becomes executable.

use nix::errno::Errno;
use valor_wire::control::LayerReport;

use super::sys::prctl;
use crate::report;

const PR_SET_MDWE: i32 = 65;
const PR_GET_MDWE: i32 = 66;
const REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// Sets the bit; it cannot be cleared.
pub(super) fn apply() -> LayerReport {
    let set = match prctl(PR_SET_MDWE, [REFUSE_EXEC_GAIN, 0, 0, 0]) {
        Ok(_) => probe(),
        Err(Errno::EINVAL) => Err("this kernel has no PR_SET_MDWE: it came with Linux 6.3".to_owned()),
        Err(errno) => Err(errno.to_string()),
    };
    report::probed("mdwe", set)
}

/// Said where it cannot be had by design.
pub(super) fn not_for_this_engine() -> LayerReport {
    report::absent(
        "mdwe",
        "this engine maps code and then patches it; the seal forbids new code before the plugin runs",
    )
}

fn probe() -> Result<(), String> {
    match prctl(PR_GET_MDWE, [0; 4]) {
        Ok(bits) if bits & 1 == 1 => Ok(()),
        other => Err(format!("the kernel answers {other:?}")),
    }
}
