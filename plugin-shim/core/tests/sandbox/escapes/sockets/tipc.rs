//! Talks to clusters.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_socket, libc::AF_TIPC, libc::SOCK_STREAM, 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
