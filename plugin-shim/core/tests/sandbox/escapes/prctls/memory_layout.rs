//! Lies about where its memory is.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, page};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_prctl, libc::PR_SET_MM, libc::PR_SET_MM_BRK, page()?, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::NotTried("many containers lack the capability for it"),
};
