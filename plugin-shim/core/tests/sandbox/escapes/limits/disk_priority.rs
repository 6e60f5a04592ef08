//! Goes first at the disks.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_ioprio_set, 1, 0, 1 << 13), inside: FORBIDDEN, outside: Outside::Done };
