//! Has the kernel write to a file that is not there.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_acct, c"/valor-escape"),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::ENOENT),
};
