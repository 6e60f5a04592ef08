//! Makes a namespace of networks.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_unshare, libc::CLONE_NEWNET), inside: FORBIDDEN, outside: Outside::Done };
