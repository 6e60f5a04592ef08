//! Asks how much the kernel has logged.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_syslog, 10, 0, 0), inside: FORBIDDEN, outside: Outside::Done };
