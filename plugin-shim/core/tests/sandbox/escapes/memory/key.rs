//! Makes a key to protect memory by.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_pkey_alloc, 0, 0), inside: FORBIDDEN, outside: Outside::Otherwise };
