//! Talks TCP.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
