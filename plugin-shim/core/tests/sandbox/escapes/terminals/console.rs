//! Takes what the kernel says to the console.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_ioctl, 0, libc::TIOCCONS, 0),
    inside: FORBIDDEN,
    outside: Outside::NotTried("it would be the machine's"),
};
