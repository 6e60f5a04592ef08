//! Takes a connection.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, socket};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_accept4, socket(libc::SOCK_STREAM), 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::EINVAL),
};
