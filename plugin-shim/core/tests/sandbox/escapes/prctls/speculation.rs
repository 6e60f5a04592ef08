//! Switches a protection against speculation off.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| {
        call!(
            SYS_prctl,
            libc::PR_SET_SPECULATION_CTRL,
            libc::PR_SPEC_STORE_BYPASS,
            libc::PR_SPEC_ENABLE,
            0,
            0
        )
    },
    inside: FORBIDDEN,
    outside: Outside::NotTried("on many processors there is nothing to switch"),
};
