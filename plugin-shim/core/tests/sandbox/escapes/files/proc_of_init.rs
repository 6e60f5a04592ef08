//! Reads what there is to know about process 1.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/proc/1/status", libc::O_RDONLY), inside: HIDDEN, outside: Outside::Done };
