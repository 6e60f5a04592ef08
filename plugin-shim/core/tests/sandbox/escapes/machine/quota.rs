//! Asks for the quota of a disk that is not there.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_quotactl, 0x8000_0700_u32, c"/valor-escape", 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
