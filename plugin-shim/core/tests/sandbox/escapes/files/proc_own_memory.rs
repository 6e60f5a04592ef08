//! Writes to its own memory by a file, past all protections.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/proc/self/mem", libc::O_RDWR), inside: HIDDEN, outside: Outside::Done };
