//! Makes a directory in one of its own user outside.

use crate::escapes::act::{Act, HIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_mkdirat, libc::AT_FDCWD, &place.in_outside("new"), 0o700),
    inside: HIDDEN,
    outside: Outside::Done,
};
