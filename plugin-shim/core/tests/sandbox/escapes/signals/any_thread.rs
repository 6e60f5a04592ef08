//! Signals a thread of whichever process.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_tkill, place.neighbour, libc::SIGCONT),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
