//! Removes a POSIX message queue.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_mq_unlink, c"escape"),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::ENOENT),
};
