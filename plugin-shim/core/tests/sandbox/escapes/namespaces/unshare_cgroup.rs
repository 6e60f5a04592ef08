//! Makes a namespace of cgroups.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_unshare, libc::CLONE_NEWCGROUP), inside: FORBIDDEN, outside: Outside::Done };
