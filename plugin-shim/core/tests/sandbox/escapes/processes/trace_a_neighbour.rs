//! Traces the neighbour.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_ptrace, libc::PTRACE_SEIZE, place.neighbour, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
