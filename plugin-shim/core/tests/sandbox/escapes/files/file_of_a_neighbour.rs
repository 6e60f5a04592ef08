//! Reads a file of its own user outside.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |place| open(&place.secret, libc::O_RDONLY), inside: HIDDEN, outside: Outside::Done };
