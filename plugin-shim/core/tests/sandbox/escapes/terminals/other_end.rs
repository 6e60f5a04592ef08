//! Opens its other end.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_ioctl, 0, libc::TIOCGPTPEER, libc::O_RDWR),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
