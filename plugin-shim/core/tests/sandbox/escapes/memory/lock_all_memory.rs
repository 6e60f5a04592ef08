//! Locks all memory.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_mlockall, libc::MCL_CURRENT), inside: FORBIDDEN, outside: Outside::Done };
