//! Makes all that can be read code.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_personality, libc::READ_IMPLIES_EXEC),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
