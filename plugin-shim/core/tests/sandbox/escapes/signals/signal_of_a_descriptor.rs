//! Says which signal the kernel sends when there is something to read.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, socket};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_fcntl, socket(libc::SOCK_STREAM), 10, libc::SIGUSR1),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
