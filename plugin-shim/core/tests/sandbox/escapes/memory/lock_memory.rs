//! Locks memory.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, page};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_mlock, page()?, 4096), inside: FORBIDDEN, outside: Outside::Done };
