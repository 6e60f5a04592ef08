//! Takes back the vow never to make code of what was written.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_prctl, 65, 0, 0, 0, 0), inside: FORBIDDEN, outside: Outside::Done };
