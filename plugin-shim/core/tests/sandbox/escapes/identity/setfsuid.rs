//! Opens files as root. It never fails, but answers who it was: the filter must.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_setfsuid, 0), inside: FORBIDDEN, outside: Outside::Done };
