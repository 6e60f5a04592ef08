//! Loads an empty module.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_init_module, 0, 0, c""), inside: FORBIDDEN, outside: Outside::Otherwise };
