//! Opens a harmless device that is not among its four.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/dev/full", libc::O_RDWR), inside: HIDDEN, outside: Outside::Done };
