//! Makes memory that not even the kernel sees.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_memfd_secret, 0), inside: FORBIDDEN, outside: Outside::Otherwise };
