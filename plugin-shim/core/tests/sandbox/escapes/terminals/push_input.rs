//! Types into the terminal, as if its user did.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_ioctl, 0, libc::TIOCSTI, c"x"), inside: FORBIDDEN, outside: Outside::Done };
