//! Enters the strict mode of old, to get rid of what the filter says to its other calls.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_seccomp, libc::SECCOMP_SET_MODE_STRICT, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::NotTried("nothing could be told from there"),
};
