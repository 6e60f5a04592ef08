//! Renames the machine.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_sethostname, c"escaped", 7), inside: FORBIDDEN, outside: Outside::Done };
