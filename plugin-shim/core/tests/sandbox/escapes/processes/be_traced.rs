//! Lets itself be traced.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
