//! Opens the neighbour.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |place| call!(SYS_pidfd_open, place.neighbour, 0), inside: FORBIDDEN, outside: Outside::Done };
