//! Reads where its memory is.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/proc/self/maps", libc::O_RDONLY), inside: HIDDEN, outside: Outside::Done };
