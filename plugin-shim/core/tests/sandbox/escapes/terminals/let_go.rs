//! Lets go of it.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_ioctl, 0, libc::TIOCNOTTY, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::ENOTTY),
};
