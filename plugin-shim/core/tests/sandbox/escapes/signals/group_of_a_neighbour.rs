//! Signals the group of the neighbour.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_kill, -place.neighbour, libc::SIGCONT),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
