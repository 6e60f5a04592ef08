//! Waits for a process that is none of its children.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_wait4, place.neighbour, 0, libc::WNOHANG, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::ECHILD),
};
