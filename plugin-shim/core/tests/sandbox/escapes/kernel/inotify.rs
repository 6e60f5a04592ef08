//! Watches files.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |_| call!(SYS_inotify_init1, 0), inside: FORBIDDEN, outside: Outside::Done };
