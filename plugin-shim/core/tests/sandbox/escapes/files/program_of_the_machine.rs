//! Reads a program.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/bin/sh", libc::O_RDONLY), inside: HIDDEN, outside: Outside::Done };
