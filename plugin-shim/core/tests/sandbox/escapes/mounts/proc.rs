//! Mounts /proc.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_mount, c"proc", &place.data, c"proc", 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
