//! Waits for others to connect.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, socket};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_listen, socket(libc::SOCK_STREAM), 1),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::EINVAL),
};
