//! Makes a namespace of names.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_unshare, libc::CLONE_NEWUTS), inside: FORBIDDEN, outside: Outside::Done };
