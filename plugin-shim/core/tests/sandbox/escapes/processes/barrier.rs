//! Interrupts every processor.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_membarrier, 0, 0, 0), inside: FORBIDDEN, outside: Outside::Otherwise };
