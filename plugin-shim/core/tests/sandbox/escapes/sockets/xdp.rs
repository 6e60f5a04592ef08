//! Takes packets from the driver.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_socket, libc::AF_XDP, libc::SOCK_RAW, 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
