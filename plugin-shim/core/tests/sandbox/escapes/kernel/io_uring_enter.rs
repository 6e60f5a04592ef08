//! Enters a ring.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_io_uring_enter, -1, 1, 0, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::EBADF),
};
