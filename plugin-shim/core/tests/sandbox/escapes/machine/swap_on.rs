//! Swaps to a file that is not there.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_swapon, c"/valor-escape", 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::ENOENT),
};
