//! Keeps its capabilities when it becomes another user.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_prctl, libc::PR_SET_KEEPCAPS, 1, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
