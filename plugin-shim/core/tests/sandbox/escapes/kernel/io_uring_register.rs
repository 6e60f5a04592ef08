//! Registers buffers with a ring.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_io_uring_register, -1, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
