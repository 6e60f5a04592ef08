//! Layer `capabilities`: none held, and where there is a privilege to do so, none left in the bounding set.

use caps::CapSet;
use nix::errno::Errno;
use valor_wire::control::LayerReport;

use super::sys::prctl;
use crate::report;

const LAYER: &str = "capabilities";

/// Empties the bounding set, which needs a privilege that goes with the user. Comes before [`apply`].
pub(super) fn bound() {
    for capability in 0..64 {
        if prctl(libc::PR_CAPBSET_DROP, [capability, 0, 0, 0]) == Err(Errno::EINVAL) {
            break;
        }
    }
}

/// Empties the other sets.
pub(super) fn apply() -> LayerReport {
    // Kept across nothing, gained by nobody: root is not special any more in this process.
    let _unsupported =
        prctl(libc::PR_CAP_AMBIENT, [libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong, 0, 0, 0]);
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        if let Err(error) = caps::clear(None, set) {
            return report::absent(LAYER, format!("{set:?}: {error}"));
        }
    }
    probe()
}

fn probe() -> LayerReport {
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable, CapSet::Ambient] {
        match caps::read(None, set) {
            Ok(held) if held.is_empty() => {}
            other => return report::absent(LAYER, format!("{set:?} is {other:?}")),
        }
    }
    let bounding = (0..64).any(|capability| prctl(libc::PR_CAPBSET_READ, [capability, 0, 0, 0]) == Ok(1));
    if bounding {
        // Full all the same: what is promised is that none is held, and none can be gained.
        return report::full(
            LAYER,
            "none held; the bounding set can only be emptied with privilege, and means nothing under no-new-privs",
        );
    }
    report::full(LAYER, "")
}
