//! Forks as for an exec. On x86_64 only.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, ended};

pub(super) const ACT: Act = Act {
    run: |_| ended(call!(SYS_vfork)),
    inside: FORBIDDEN,
    outside: Outside::NotTried("the child would use the stack of the parent"),
};
