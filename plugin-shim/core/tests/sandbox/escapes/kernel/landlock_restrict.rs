//! Restricts itself once more.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_landlock_restrict_self, -1, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::EBADF),
};
