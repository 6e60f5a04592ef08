//! Signals a thread of the neighbour.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_tgkill, place.neighbour, place.neighbour, libc::SIGCONT),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
