//! Reads the list of users.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/etc/passwd", libc::O_RDONLY), inside: HIDDEN, outside: Outside::Done };
