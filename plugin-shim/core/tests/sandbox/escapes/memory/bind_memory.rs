//! Chooses where its memory is.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, page};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_mbind, page()?, 4096, 0, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
