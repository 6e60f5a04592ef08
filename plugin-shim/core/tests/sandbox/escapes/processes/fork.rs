//! Forks. On x86_64 only.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, ended};

pub(super) const ACT: Act =
    Act { run: |_| ended(call!(SYS_fork)), inside: FORBIDDEN, outside: Outside::Done };
