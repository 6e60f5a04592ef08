//! Makes a namespace of shared memory.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_unshare, libc::CLONE_NEWIPC), inside: FORBIDDEN, outside: Outside::Done };
