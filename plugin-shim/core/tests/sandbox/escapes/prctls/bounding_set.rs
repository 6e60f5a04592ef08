//! Changes which capabilities can be had.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_prctl, libc::PR_CAPBSET_DROP, 0, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
